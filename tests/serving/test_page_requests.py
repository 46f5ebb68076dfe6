"""Streams, chats, progress, tokens and failures on the page of `zoo serve` in Chromium."""

import re
import subprocess

from page_driver import browser, choose, page, send, server
from page_models import EVIL
from page_server import BELOW, TOKEN, page_server

__all__ = ["browser", "page", "server"]  # fixtures


def test_a_completion_is_streamed_and_can_be_stopped(page, server):
    answer = send(page, "writer", "Completion, streamed", prompt="Once 😀", new_tokens_at_most="3", top_k="4")
    assert answer.strip() == f"Once 😀: 0 1 😀 {EVIL} 2"
    assert re.search(
        r"limit of tokens: 6 tokens in .*, the first after .* tokens/s", page.get_by_role("status").inner_text()
    )
    body = server.requests[-1][1]
    assert body == {
        **{"model": "writer", "prompt": "Once 😀", "max_tokens": 3, "top_k": 4},
        **{"stream": True, "stream_options": {"include_usage": True}},
    }
    choose(page, "writer", "Completion, streamed", prompt="Long", new_tokens_at_most="1000")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("10 11 12").wait_for()
    assert page.locator("#answer").get_attribute("aria-busy") == "true"
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("status").filter(has_text="Stopped").wait_for()
    assert page.locator("#answer").get_attribute("aria-busy") == "false"
    assert "999" not in page.locator("#answer").inner_text()


def test_a_chat_has_turns(page, server):
    choose(page, "chat", "Chat, streamed", message="Hello", new_tokens_at_most="1")
    page.get_by_label("System message").fill("Be kind.")
    page.get_by_label("Message", exact=True).press("Control+Enter")
    page.get_by_role("status").filter(has_text="Ended").wait_for()
    assert page.get_by_label("Message", exact=True).input_value() == ""
    page.get_by_label("Message", exact=True).fill("fail")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("alert").filter(has_text="It broke.").wait_for()
    page.get_by_label("Message", exact=True).fill("Again")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("status").filter(has_text="Ended").wait_for()
    turns = ["You\nHello", "Model\nHello: 0", "You\nfail", "Model\nfail:", "You\nAgain", "Model\nAgain: 0"]
    assert [re.sub(r"\s*\n\s*", "\n", text.strip()) for text in page.get_by_role("listitem").all_inner_texts()] == turns
    roles = [(message["role"], message["content"].strip()) for message in server.requests[-1][1]["messages"]]
    assert roles == [
        ("system", "Be kind."),
        *turns_of("Hello", "Hello: 0"),
        *turns_of("fail", "fail:"),
        ("user", "Again"),
    ]
    assert '"content":"Again"' in page.locator("#code code").inner_text()
    page.get_by_role("button", name="New chat").click()
    assert page.get_by_role("listitem").count() == 0


def turns_of(message, answer):
    return [("user", message), ("assistant", answer)]


def test_a_slow_answer_shows_its_progress_and_can_be_stopped(page):
    choose(page, "slow", text="a")
    page.get_by_role("button", name="Send").click()
    page.locator("#progress").filter(has_text=re.compile(r"\d ms|\d s")).wait_for()
    page.get_by_role("status").filter(has_text="Waiting for the answer").wait_for()
    page.get_by_role("button", name="Stop").press("Enter")
    page.get_by_role("status").filter(has_text="Stopped").wait_for()
    assert not page.locator("#progress").is_visible()
    assert page.evaluate("document.activeElement.id") == "send"


def test_a_token_is_asked_for_and_kept_in_memory_only(browser, tmp_path):
    with page_server(tmp_path, TOKEN) as server:
        page = browser.new_page()
        page.goto(server.url)
        page.get_by_role("alert").filter(has_text="The server wants a token. (status 401)").wait_for()
        assert page.evaluate("document.activeElement.id") == "token"
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        page.get_by_role("alert").filter(has_text="401").wait_for()
        page.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.get_by_label("Text", exact=True).wait_for()
        assert "Score 3.25" in send(page, "pair", text="a", second_text="b")
        assert not page.get_by_role("alert").is_visible()
        code = page.locator("#code code").inner_text()
        assert ('"Authorization: Bearer $TOKEN"' in code, TOKEN in page.content()) == (True, False)
        assert page.evaluate("localStorage.length + sessionStorage.length + document.cookie.length") == 0
        page.close()


def test_models_appear_when_they_are_ready(browser, tmp_path):
    with page_server(tmp_path) as server:
        models, server.service.models = server.service.models, {"later": {}}
        server.service.ready = False
        page = browser.new_page()
        page.goto(server.url)
        page.get_by_role("status").filter(has_text="No model is ready yet").wait_for()
        server.service.models = {"pair": models["pair"]}
        page.get_by_label("Second text").wait_for()
        page.get_by_label("Text", exact=True).fill("typed")
        server.service.models, server.service.ready = models, True
        page.get_by_label("Model", exact=True).locator("option", has_text="classify").wait_for(state="attached")
        assert page.get_by_label("Text", exact=True).input_value() == "typed"
        assert page.get_by_label("Model", exact=True).input_value() == "pair"
        page.goto(f"{server.url}#tags")
        page.reload()
        page.get_by_label("Text", exact=True).wait_for()
        assert page.get_by_label("Model", exact=True).input_value() == "tags"
        page.close()


def test_the_page_lies_below_any_path(page, server):
    page.goto(f"{server.url.rstrip('/')}{BELOW}/#%E0%A4%A")
    send(page, "classify", text="a")
    assert server.requests[-1][0] == f"{BELOW}/v1/models/classify:predict"
    subprocess.run(["bash"], input=page.locator("#code code").inner_text(), text=True, check=True, capture_output=True)
    assert server.requests[-2] == server.requests[-1]


def test_a_stream_ends_when_another_model_is_chosen(page, server):
    choose(page, "writer", "Completion, streamed", prompt="Long", new_tokens_at_most="1000")
    page.keyboard.press("Control+Enter")
    page.get_by_text("10 11 12").wait_for()
    assert "Score 3.25" in send(page, "pair", text="a", second_text="b")


def test_a_token_that_no_header_can_carry_is_refused(browser, tmp_path):
    with page_server(tmp_path, TOKEN) as server:
        page = browser.new_page()
        page.goto(server.url)
        page.get_by_label("Token").fill("tökén 😀")
        page.keyboard.press("Enter")
        page.get_by_role("alert").filter(has_text="Expected a token of ASCII characters").wait_for()
        page.close()


def test_a_server_that_comes_back_is_seen(browser, tmp_path):
    with page_server(tmp_path) as server:
        page = browser.new_page()
        page.route("**/page/models", lambda route: route.abort())
        page.goto(server.url)
        page.get_by_role("alert").filter(has_text="The server cannot be reached.").wait_for()
        page.unroute("**/page/models")
        page.get_by_label("Text", exact=True).wait_for()
        assert not page.get_by_role("alert").is_visible()
        page.close()
