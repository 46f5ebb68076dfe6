/** Bundle the page: `node build.mjs [FOLDER]` writes explorer.js and explorer.css into FOLDER, by default built/. */

import { readFileSync } from "node:fs";
import { build } from "esbuild";

const licence = readFileSync("node_modules/preact/LICENSE", "utf-8").trim();
const NOTICE = `With htm (Copyright 2018 Google Inc., Apache-2.0) and Preact, whose licence is:\n\n${licence}`;

await build({
  entryPoints: { explorer: "source/main.mjs" },
  outdir: process.argv[2] ?? "built",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none", // they are in the notice
  banner: { js: `/*\n${NOTICE}\n*/` },
});
