/** Requests over HTTP, their progress and their errors. */

import { byId, element } from "./elements.mjs";
import { errorMessage } from "./requests.mjs";
import { duration } from "./text.mjs";

const SLOW = 400; // milliseconds after which the page says that it waits

let token = ""; // in memory only

/** A refusal of the server: its status, and its message as it says it. */
export class RefusedError extends Error {
  constructor(status, message, retryAfter) {
    super(retryAfter ? `${message} Try again after ${retryAfter} s.` : message);
    this.status = status;
  }
}

/** The address of a path of the server, which a proxy may have put below a path of its own. */
export const address = (path) => new URL(path, location.origin + location.pathname.replace(/\/?$/, "/")).href;

/** There is no server, or no way to it. */
export class UnreachableError extends Error {}

/** Whether requests carry a token. */
export const hasToken = () => token !== "";

/** Set the bearer token of all requests; "" for none. Throws an Error where no header can carry it. */
export function setToken(value) {
  if (/[^\x21-\x7e]/.test(value.trim())) throw new Error("Expected a token of ASCII characters without spaces.");
  token = value.trim();
}

/** The response to a request with a JSON body, or to a GET. Throws RefusedError, and UnreachableError. */
export async function send(path, body, signal) {
  const headers = {
    ...(body ? { "Content-Type": "application/json" } : {}),
    ...(token ? { Authorization: `Bearer ${token}` } : {}),
  };
  const options = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), signal };
  let response;
  try {
    response = await fetch(address(path), { ...options, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new UnreachableError("The server cannot be reached.");
  }
  if (response.ok) return response;
  throw new RefusedError(
    response.status,
    errorMessage(response.status, await response.text()),
    response.headers.get("Retry-After"),
  );
}

/** Show that a request is running until `end()`: how long it takes, and a button that stops it. */
export function startProgress() {
  const controller = new AbortController();
  const start = performance.now();
  const elapsed = () => performance.now() - start;
  const timer = setInterval(() => {
    if (elapsed() > SLOW) byId("progress").hidden = false;
    byId("progress").firstElementChild.textContent = duration(elapsed());
  }, 100);
  const slow = setTimeout(() => say("Waiting for the answer"), 1000);
  const stop = () => controller.abort();
  byId("answer").setAttribute("aria-busy", "true");
  byId("stop").hidden = false;
  byId("stop").addEventListener("click", stop);
  const end = () => {
    clearInterval(timer);
    clearTimeout(slow);
    byId("answer").setAttribute("aria-busy", "false");
    byId("progress").hidden = true;
    if (document.activeElement === byId("stop")) byId("send").focus();
    byId("stop").hidden = true;
    byId("stop").removeEventListener("click", stop);
  };
  return { signal: controller.signal, elapsed, answered: () => clearTimeout(slow), end };
}

/** Say a sentence in the status line, which screen readers read; `spoken` is for them alone. */
export function say(sentence, spoken = "") {
  byId("status").replaceChildren(sentence, element("span", { class: "off-screen" }, spoken));
}

/** Show the message of an error, or hide it with "". */
export function showError(message) {
  byId("error").textContent = message;
  byId("error").hidden = message === "";
}
