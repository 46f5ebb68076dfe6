/** Show the explanation that is in the page. */

import { render } from "preact";
import { App } from "./app.mjs";
import { readExplanation } from "./data.mjs";
import { html } from "./html.mjs";
import "./base.css";
import "./controls.css";
import "./tokens.css";
import "./tables.css";
import "./maps.css";
import "./views.css";

async function main() {
  const page = document.getElementById("page");
  try {
    const explanation = await readExplanation(document.getElementById("data").textContent);
    page.replaceChildren();
    render(html`<${App} explanation=${explanation} />`, page);
    document.documentElement.dataset.ready = "true";
  } catch (error) {
    page.textContent = `The explanation cannot be shown: ${error.message}`;
    throw error;
  }
}

main();
