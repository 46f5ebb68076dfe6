"""The page of `zoo serve` in Chromium: answers of every kind, streams, errors, code, keys."""

import re
import subprocess
import time

import pytest
from page_driver import ANSWERS, HOST, TEXT, browser, choose, send, server
from page_server import BELOW, EVIL, TOKEN, page_server

__all__ = ["browser", "server"]  # fixtures


@pytest.fixture
def page(browser, server):
    """The page, just opened; at the end nothing has failed or was refused in it."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    page.set_default_timeout(10_000)
    page.goto(server.url)
    yield page
    assert not errors
    assert page.evaluate("window.attacked === undefined && !document.querySelector('img, b')")
    context.close()


@pytest.mark.parametrize("model", ANSWERS)
def test_an_answer_is_shown_as_its_outputs_ask(page, model):
    fields, texts, spoken = ANSWERS[model]
    answer = send(page, model, **fields)
    assert [text for text in texts if text not in answer] == []
    status = page.get_by_role("status").inner_text()
    assert re.match(r"Answered in [\d.]+ (ms|s)", status)
    assert spoken in status


def test_marks_are_at_the_characters(page):
    send(page, "tags", text=TEXT)
    assert page.locator("mark bdi").all_inner_texts() == ["Aoife", "12", "Norwich"]
    assert page.locator("mark .label").all_inner_texts() == ["date", "money", "order"]
    send(page, "span", question="Where?", context="😀😀 to Norwich 😀")
    assert page.locator("mark").all_inner_texts() == ["Norwich"]
    assert "No answer" in send(page, "span", context="nowhere")
    assert page.locator("mark").count() == 0
    send(page, "mask", text="😀 [MASK] it")
    assert page.locator("mark").all_inner_texts() == ["parcel"]


def test_other_outputs_are_shown_as_json(page):
    send(page, "other", text="a")
    assert '"b64": "AAE="' in page.get_by_role("region", name="JSON of the answer").inner_text()
    send(page, "odd", text="a")
    assert "not a list" in page.get_by_role("region", name="JSON of the answer").inner_text()


def test_nothing_is_read_as_html(page):
    assert EVIL in send(page, "evil", text=EVIL)
    assert EVIL in send(page, "tags", text=f"A {EVIL} Z " + "Aa " * 20)
    assert EVIL in page.locator("mark .label").all_inner_texts()
    choose(page, "full", text=EVIL)
    page.keyboard.press("Control+Enter")
    assert page.get_by_role("alert").inner_text() == f"The queue is full. {EVIL} Try again after 7 s. (status 429)"
    assert EVIL in send(page, "writer", "Completion, streamed", prompt=EVIL)


def test_numbers_are_inputs_of_a_signature(page, server):
    answer = send(page, "writer", "Predict: generate", text="Once", new_tokens_at_most="9")
    assert ("Once and so on" in answer, "9 tokens" in answer) == (True, True)
    values = {"text": "Once", "max_new_tokens": 9, "temperature": 0.5, "seed": 7}
    assert server.requests[-1][1] == {"signature_name": "generate", "instances": [values]}
    page.get_by_label("Seed").fill("1.5")
    page.keyboard.press("Control+Enter")
    assert page.get_by_role("alert").inner_text() == "Expected a whole number in seed."
    assert "Expected a whole number" in page.get_by_role("tabpanel").inner_text()


def test_a_version_can_be_asked(page, server):
    send(page, "classify", text="a")
    assert server.requests[-1][0] == "/v1/models/classify:predict"
    assert page.get_by_label("Version").locator("option").all_inner_texts() == ["latest (12)", "12", "3"]
    page.get_by_label("Version").select_option("3")
    send(page, "classify", text="a")
    assert server.requests[-1][0] == "/v1/models/classify:predict"  # a choice of the model is one of its latest version
    page.get_by_label("Version").select_option("3")
    page.get_by_role("button", name="Send").click()
    page.get_by_role("status").filter(has_text="Answered").wait_for()
    assert server.requests[-1][0] == "/v1/models/classify/versions/3:predict"


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


def test_code_is_that_of_the_request_and_is_copied(page, server):
    send(page, "classify", text="It's 😀\n$HOME `x`")
    sent = server.requests[-1]
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    code = page.evaluate("navigator.clipboard.readText()")
    assert code == page.locator("#code code").inner_text()
    subprocess.run(["bash"], input=code, encoding="utf-8", check=True, capture_output=True)
    assert server.requests[-1] == sent
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("tabpanel", name="Python").locator("code").inner_text().startswith("import json")
    page.keyboard.press("End")
    assert "await fetch(" in page.get_by_role("tabpanel", name="JavaScript").locator("code").inner_text()
    assert page.get_by_role("tab", selected=True).inner_text() == "JavaScript"


def test_what_is_typed_is_in_the_code_and_stays_for_the_next_model(page):
    choose(page, "classify", text="typed")
    page.locator("#code code").filter(has_text='"text":"typed"').wait_for()
    choose(page, "next", second_text="other")
    page.locator("#code code").filter(has_text='"text":"typed","text_pair":"other"').wait_for()
    choose(page, "chat", "Chat, streamed")
    assert page.get_by_label("Message", exact=True).input_value() == "typed"
    page.get_by_role("button", name="New chat").click()
    assert page.get_by_label("Message", exact=True).input_value() == ""


def test_every_control_is_reached_by_tab_in_the_order_of_the_page(page):
    send(page, "classify", text="a")
    page.get_by_label("Model", exact=True).focus()
    names = []
    for _ in range(12):
        names.append(page.evaluate("document.activeElement.id || document.activeElement.innerText.slice(0, 4)"))
        page.keyboard.press("Tab")
    assert names[:6] == ["model", "version", "call", "field-text", "send", "JSON"]
    assert names[6:9] == ["tab-curl", "curl", "Copy"]


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


def test_many_labels_and_entities_do_not_freeze_the_page(page):
    send(page, "many", text="a")
    assert page.locator("tbody tr").count() == 12
    page.get_by_role("button", name="Show all 200").click()
    assert page.locator("tbody tr").count() == 200
    assert "label 12" in page.evaluate("document.activeElement.innerText")
    start = time.perf_counter()
    send(page, "tags", text="Aoife 😀 " * 1000 + "x" * 50_000)
    assert page.locator("mark").count() == 1000
    assert time.perf_counter() - start < 10  # 1 measured


def test_the_page_lies_below_any_path(page, server):
    page.goto(f"{server.url.rstrip('/')}{BELOW}/#%E0%A4%A")
    send(page, "classify", text="a")
    assert server.requests[-1][0] == f"{BELOW}/v1/models/classify:predict"
    subprocess.run(["bash"], input=page.locator("#code code").inner_text(), text=True, check=True, capture_output=True)
    assert server.requests[-2] == server.requests[-1]


def test_code_is_copied_without_https_too(page, server):
    page.goto(server.url.replace("127.0.0.1", HOST))
    assert not page.evaluate("isSecureContext")
    send(page, "pair", text="a", second_text="b")
    page.get_by_role("button", name="Copy").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("document.activeElement.innerText") == "Copied"
    code = page.locator("#code code").inner_text()
    page.get_by_label("Text", exact=True).fill("")
    page.keyboard.press("Control+V")
    assert page.get_by_label("Text", exact=True).input_value() == code


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


def test_a_long_json_is_cut_and_copied_whole(page):
    send(page, "long", text="a")
    assert len(page.locator("#json pre").text_content()) < 21_000
    page.get_by_role("button", name="Copy the JSON").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert len(page.evaluate("navigator.clipboard.readText()")) > 100_000


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
