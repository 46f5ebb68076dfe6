/** Server-sent events of a streamed completion (https://html.spec.whatwg.org/multipage/server-sent-events.html). */

/** Yield the data of each event of a response, as strings, until "[DONE]". Throws an Error where that is missing. */
export async function* eventData(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let data = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("The answer broke off before its end.");
    const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line.startsWith("data:")) data.push(line.slice(5).replace(/^ /, ""));
      if (line !== "" || !data.length) continue;
      if (data[0] === "[DONE]") return;
      yield data.join("\n");
      data = [];
    }
  }
}

/** Yield the chunks of a completion, each `{text, finish, usage}`. Throws an Error with the server's message. */
export async function* completionChunks(stream) {
  for await (const data of eventData(stream)) {
    const { choices = [], usage = null, error } = JSON.parse(data);
    if (error) throw new Error(error.message ?? error);
    const [choice] = choices;
    const text = choice?.text ?? choice?.delta?.content ?? "";
    yield { text, finish: choice?.finish_reason ?? null, usage };
  }
}
