/** A call as code to paste: curl, Python with its standard library, JavaScript. */

const STDIN_ABOVE = 100_000; // bytes; Linux takes at most 131,072 in one argument

/** A text without what has no visible form or steers it: line ends, directions, lone surrogates become escapes. */
const escapeHidden = (json) =>
  json.replace(
    /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

const asJson = (value, indent) => escapeHidden(JSON.stringify(value, null, indent));

/** A word of a POSIX shell, in single quotes: there only the quote itself is special. */
export const shellQuote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A value of JSON as a literal of Python. */
export function pythonLiteral(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `float("${value}")`;
  if (typeof value === "string") return asJson(value);
  if (Array.isArray(value)) return `[${value.map(pythonLiteral).join(", ")}]`;
  const items = Object.entries(value).map(([name, item]) => `${asJson(name)}: ${pythonLiteral(item)}`);
  return `{${items.join(", ")}}`;
}

/** The call as a command of curl. The token is a variable of the environment, so that it is in no history. */
export function curlCode({ url, body, stream }, withToken) {
  const data = asJson(body);
  const long = new TextEncoder().encode(data).length > STDIN_ABOVE;
  const options = [
    `curl ${stream ? "--no-buffer " : ""}${shellQuote(url)}`,
    "--header 'Content-Type: application/json'",
    ...(withToken ? ['--header "Authorization: Bearer $TOKEN"'] : []),
    long ? "--data-binary @- <<'END'" : `--data ${shellQuote(data)}`,
  ];
  return options.join(" \\\n  ") + (long ? `\n${data}\nEND` : "");
}

/** The call in Python. */
export function pythonCode({ url, body, stream }, withToken) {
  const token = withToken ? ', "Authorization": "Bearer " + os.environ["TOKEN"]' : "";
  const read = stream ? pythonStream(body) : "    print(json.load(response))";
  return `import json
${withToken ? "import os\n" : ""}import urllib.request

request = urllib.request.Request(
    ${asJson(url)},
    data=json.dumps(${pythonLiteral(body)}).encode(),
    headers={"Content-Type": "application/json"${token}},
)
with urllib.request.urlopen(request) as response:
${read}
`;
}

const pythonStream = (body) => `    for line in response:
        if line.startswith(b"data: {"):
            for choice in json.loads(line[6:])["choices"]:
                text = ${body.messages ? 'choice["delta"].get("content") or ""' : 'choice["text"]'}
                print(text, end="", flush=True)`;

/** The call in JavaScript, as a module or in the console of a browser. */
export function scriptCode({ url, body, stream }, withToken) {
  const token = withToken ? ", Authorization: `Bearer ${token}`" : "";
  const read = stream
    ? scriptStream(body)
    : "const answer = await response.json();\nconsole.log(JSON.stringify(answer));\n";
  return `${withToken ? 'const token = "...";\n' : ""}const response = await fetch(${asJson(url)}, {
  method: "POST",
  headers: { "Content-Type": "application/json"${token} },
  body: JSON.stringify(${asJson(body)}),
});
${read}`;
}

const scriptStream = (body) => `let rest = "";
for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + chunk).split("\\n");
  rest = lines.pop();
  for (const line of lines.filter((line) => line.startsWith("data: {"))) {
    for (const choice of JSON.parse(line.slice(6)).choices) {
      console.log(${body.messages ? 'choice.delta.content ?? ""' : "choice.text"});
    }
  }
}
`;
