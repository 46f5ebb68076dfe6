"""The code that the page of `zoo serve` writes for a call, run by a shell, Python and Node.js, sends that very call."""

import re
import sys

import pytest
from page_driver import server
from page_models import EVIL
from page_script import NODE, evaluate, run
from page_server import TOKEN, page_server

__all__ = ["server"]  # a fixture
TEXTS = (  # what a shell, Python or JavaScript could take for its own
    'It\'s "here": $HOME `id` $(id) \\n \\ !! %s {} ${x}',
    "two\nlines\r\ttab",
    "😀 é ñ 漢字 שלום",
    "\u202eabc\u2028def\u200b\ufeff\x7f\x01\u0000",
    EVIL + "</script><!--",
    "",
)


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
