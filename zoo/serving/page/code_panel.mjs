/** The panel of code for a request: a tab for each language, with the arrow keys of the tabs pattern of ARIA. */

import { byId, copyButton } from "./elements.mjs";
import { curlCode, pythonCode, scriptCode } from "./code.mjs";
import { address, hasToken } from "./server.mjs";

const LANGUAGES = { "tab-curl": curlCode, "tab-python": pythonCode, "tab-javascript": scriptCode };
const MOST_CHARACTERS = 20_000; // characters that are shown

let language = "tab-curl";
let code = "";
let call = null;

/** Show the code of a call, or a message where there is none. */
export function showCode(newCall, message = "") {
  call = newCall;
  code = call ? LANGUAGES[language]({ ...call, url: address(call.path) }, hasToken()) : "";
  const cut = code.length > MOST_CHARACTERS ? `${code.slice(0, MOST_CHARACTERS)}\n… (Copy copies all of it)` : code;
  byId("code").querySelector("code").textContent = cut || message;
  byId("copy").hidden = code === "";
}

function choose(tab) {
  for (const id of Object.keys(LANGUAGES)) {
    byId(id).setAttribute("aria-selected", String(id === tab.id));
    byId(id).tabIndex = id === tab.id ? 0 : -1;
  }
  language = tab.id;
  byId("code").setAttribute("aria-labelledby", tab.id);
  showCode(call);
}

function moveFocus(event) {
  const tabs = Object.keys(LANGUAGES).map(byId);
  const steps = {
    ArrowRight: 1,
    ArrowLeft: -1,
    Home: -tabs.indexOf(event.target),
    End: tabs.length - 1 - tabs.indexOf(event.target),
  };
  if (!(event.key in steps)) return;
  event.preventDefault();
  const tab = tabs[(tabs.indexOf(event.target) + steps[event.key] + tabs.length) % tabs.length];
  choose(tab);
  tab.focus();
}

/** Make the tabs and the button work. */
export function startCodePanel() {
  for (const id of Object.keys(LANGUAGES)) {
    byId(id).addEventListener("click", () => choose(byId(id)));
    byId(id).addEventListener("keydown", moveFocus);
  }
  byId("copy").append(copyButton("Copy", () => code));
}
