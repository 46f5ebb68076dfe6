"""Answers of every kind on the page of `zoo serve` in Chromium, code for them, keys."""

import re
import subprocess
import time

import pytest
from page_driver import ANSWERS, HOST, TEXT, browser, choose, page, send, server
from page_models import EVIL

__all__ = ["browser", "page", "server"]  # fixtures


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


def test_a_long_json_is_cut_and_copied_whole(page):
    send(page, "long", text="a")
    assert len(page.locator("#json pre").text_content()) < 21_000
    page.get_by_role("button", name="Copy the JSON").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert len(page.evaluate("navigator.clipboard.readText()")) > 100_000
