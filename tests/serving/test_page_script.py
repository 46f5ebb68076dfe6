"""Functions of the page of `zoo serve`: offsets in characters, numbers, fields and bodies of requests, spans."""

import pytest
from page_script import evaluate


def test_offsets_count_characters():
    text = "a😀é👩‍👩‍👧b"
    offsets = evaluate("text.mjs", "page.codeUnitOffsets(value)", text)
    utf_16 = text.encode("utf-16-le")
    assert [utf_16[: 2 * offset].decode("utf-16-le") for offset in offsets] == [text[:i] for i in range(len(text) + 1)]


def test_numbers_that_json_lacks_are_read():
    text = r'{"a": [NaN, -Infinity, 1e-3], "b": "NaN \" Infinity", "c": {"number": "x"}}'
    values = "Object.values(page.parseJson(value)).map((item) => item.map?.(String) ?? item)"
    assert evaluate("text.mjs", values, text) == [["NaN", "-Infinity", "0.001"], 'NaN " Infinity', {"number": "x"}]
    shares = evaluate("text.mjs", "[NaN, ...value].map(page.percent)", [0.00001, 0.5, 1, 0])
    assert shares == ["NaN", "< 0.1 %", "50.0 %", "100.0 %", "0.0 %"]


def test_columns_are_sent_where_an_input_has_no_rows():
    inputs = [tensor("seed", "int32"), tensor("text", "string", None), tensor("text_pair", "string", None)]
    outputs = [tensor("b", "string", None), tensor("a", "int32", None)]
    signature = {"name": "generate", "inputs": inputs, "outputs": outputs}
    fields = evaluate("requests.mjs", "page.fieldsOf(value, {text: 't'})", signature)
    assert [(field["name"], field["value"]) for field in fields] == [("text", "t"), ("text_pair", ""), ("seed", 0)]
    values = {"text": "t", "seed": 1, "text_pair": "p"}
    call = evaluate("requests.mjs", "page.predictCall('a b/c', 3, ...value)", [signature, fields, values])
    assert call == {
        "path": "v1/models/a%20b%2Fc/versions/3:predict",
        "body": {"signature_name": "generate", "inputs": {"text": ["t"], "text_pair": ["p"], "seed": 1}},
    }
    answer = {"outputs": {"a": [1], "b": ["x"]}}
    assert evaluate("requests.mjs", "page.outputsOf(...value)", [signature, answer]) == {"a": 1, "b": "x"}


def tensor(name, dtype, *shape):
    return {"name": name, "dtype": dtype, "shape": shape}


@pytest.mark.parametrize(
    ("template", "text", "fills"),
    [
        ("I [MASK] it <mask>.", "I like it 😀.", ["like", "😀"]),
        ("[MASK] a", "go a", ["go"]),
        ("the [mask]", "the\u00a0end ", ["end"]),
        ("x [MASK] y", "other", []),
        ("no mask", "no mask", []),
    ],
)
def test_fills_of_masks_are_in_the_text(template, text, fills):
    spans = evaluate("answers.mjs", "page.filledSpans(...value)", [template, text])
    assert [text[span["start"] : span["end"]] for span in spans] == fills


def test_overlapping_spans_and_spans_outside_have_no_mark():
    pairs = [(5, 7), (0, 4), (2, 6), (-1, 3), (8, 8), (6, 11), (7, 10)]
    spans = [{"start": start, "end": end} for start, end in pairs]
    disjoint = evaluate("marks.mjs", "page.disjointSpans(value, 10)", spans)
    assert [(span["start"], span["end"]) for span in disjoint] == [(0, 4), (5, 7), (7, 10)]


CHUNK = 'data: {"choices": [{"text": "a", "finish_reason": null}]}\n\n'
TEXTS = """await (async () => {
  const texts = [];
  try {
    for await (const { text } of page.completionChunks(new Blob([value]).stream())) texts.push(text);
  } catch (error) {
    texts.push(error.message);
  }
  return texts;
})()"""


@pytest.mark.parametrize(
    ("end", "texts"), [("data: [DONE]\n\n", ["a"]), ("", ["a", "The answer broke off before its end."])]
)
def test_a_stream_that_breaks_off_is_an_error(end, texts):
    assert evaluate("events.mjs", TEXTS, CHUNK + end) == texts
