/** Streamed generation: a completion, or the turns of a chat. */

import { byId, element } from "./elements.mjs";
import { completionChunks } from "./events.mjs";
import { streamCall } from "./requests.mjs";
import { say, send } from "./server.mjs";
import { counted, duration, shorten } from "./text.mjs";

const NAMES = { user: "You", assistant: "Model" };

let turns = []; // messages of the chat so far, without the system message

/** The messages of a chat with one more turn of its user. */
function messagesOf({ system, message }) {
  const first = system.trim() === "" ? [] : [{ role: "system", content: system }];
  return [...first, ...turns, { role: "user", content: message }];
}

/** The call of the fields: `content` is `{prompt}`, or `{system, message}`. */
export function generationCall(model, isChat, { content, settings }) {
  return streamCall(model, isChat ? { messages: messagesOf(content) } : content, settings);
}

/** Begin a new chat. */
export function restartChat() {
  turns = [];
}

function turnNode({ role, content }) {
  const text = element("p", { class: "generated", dir: "auto" }, content);
  return element("li", { class: role }, element("h3", {}, NAMES[role]), text);
}

/** Show the chat so far as the answer. */
export function showTurns() {
  const list = element("ol", { class: "turns", "aria-label": "Chat so far" }, turns.map(turnNode));
  byId("answer").replaceChildren(...(turns.length ? [list] : []));
}

/** Stream the completion of a prompt into the answer. */
export async function complete(call, progress) {
  const text = element("p", { class: "generated", dir: "auto" });
  byId("answer").replaceChildren(text);
  await stream(call, progress, text);
}

/** Stream the model's turn of a chat; the turns stay only where the model has begun to answer. */
export async function chat(call, progress) {
  const before = turns;
  const answer = { role: "assistant", content: "" };
  turns = [...turns, call.body.messages.at(-1), answer];
  showTurns();
  const text = byId("answer").querySelector("li:last-child p");
  setMessage("");
  let answered = false;
  try {
    answered = await stream(call, progress, text);
  } finally {
    answer.content = text.textContent;
    if (!answered && answer.content === "") {
      turns = before;
      showTurns();
      setMessage(call.body.messages.at(-1).content);
    }
  }
}

function setMessage(text) {
  byId("field-message").value = text;
  byId("field-message").dispatchEvent(new Event("input")); // as if it were typed
}

/** Append the text of a stream to a node. Returns whether it came to its end; false where a person has stopped it. */
async function stream(call, progress, node) {
  const response = await send(call.path, call.body, progress.signal);
  const state = { tokens: 0, first: null, finish: null };
  const end = (how) => say(`${how} ${timing(state, progress.elapsed())}`, shorten(node.textContent, 300));
  try {
    for await (const { text, finish, usage } of completionChunks(response.body)) {
      if (text && state.first === null) {
        state.first = progress.elapsed();
        progress.answered();
        say("Writing");
      }
      if (text) node.append(text);
      state.finish ??= finish;
      state.tokens = usage?.completion_tokens ?? state.tokens;
    }
    end(state.finish === "length" ? "Ended at the limit of tokens:" : "Answered:");
    return true;
  } catch (error) {
    if (error.name !== "AbortError") throw error;
    end("Stopped:");
    return false;
  }
}

function timing({ tokens, first }, elapsed) {
  const begin = first === null ? "" : `, the first after ${duration(first)}`;
  const speed =
    tokens > 1 && elapsed > first ? `, ${(((tokens - 1) * 1000) / (elapsed - first)).toFixed(0)} tokens/s` : "";
  return tokens
    ? `${counted(tokens, "token")} in ${duration(elapsed)}${begin}${speed}.`
    : `${duration(elapsed)}${begin}.`;
}
