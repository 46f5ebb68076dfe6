"""The page of an explanation: its sources, and in built/ the script and style that `explanation_page.py` puts in it.

index.html       the document, with places for the policy, title, style, data and script
source/          ES modules with Preact and htm, and style sheets
build.mjs        bundles them by esbuild: `npm ci --ignore-scripts && npm run build` in this folder, with Node.js
built/           explorer.js and explorer.css, committed: to use zoo needs no Node.js; LICENSES.txt of what is in them
"""
