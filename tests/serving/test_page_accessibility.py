"""The page of `zoo serve` for every reader: axe-core finds nothing in any state; dark, narrow, right to left."""

import matplotlib.image
import pytest
from page_driver import ANSWERS, browser, choose, send, server
from page_server import TOKEN, page_server

__all__ = ["browser", "server"]  # fixtures
HEBREW = "החבילה לא הגיעה"
VIEWPORT = {"width": 320, "height": 640}  # pixels of CSS, as 1280 at a zoom of 400 %: success criterion 1.4.10 of WCAG


@pytest.fixture(params=["light", "dark"])
def page(browser, server, request):
    page = browser.new_page(color_scheme=request.param)
    page.goto(server.url)
    page.locator("#fields textarea").first.wait_for()
    yield page
    page.close()


def check(page):
    """Run axe-core; in the dark its rule of contrast, for the others do not depend on colours."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    results = axe.Axe().run(page, options={"runOnly": ["color-contrast"]} if dark else {})
    assert not results.response["violations"], results.generate_report()


def test_every_answer(page):
    check(page)
    for model, (fields, *_) in ANSWERS.items():
        send(page, model, **fields)
        check(page)


@pytest.mark.slow  # axe-core looks at each of a thousand cells
def test_long_answers_code_and_json(page):
    send(page, "many", text="a")
    page.get_by_role("button", name="Show all 200").click()
    page.get_by_role("tab", name="Python").click()
    check(page)
    send(page, "tags", text="Aoife 12 " * 40 + "\n" * 2000)
    page.get_by_text("JSON of the answer").click()
    page.get_by_role("tab", name="JavaScript").click()
    check(page)


def test_generation_settings_and_chat(page):
    send(page, "writer", "Predict: generate", text="Once")
    check(page)
    for message in ("a", "b"):
        send(page, "chat", "Chat, streamed", message=message)
    check(page)
    choose(page, "writer", "Completion, streamed", prompt="Long", new_tokens_at_most="300")
    page.get_by_role("button", name="Send").click()
    page.get_by_text("10 11 12").wait_for()
    check(page)


def test_errors_progress_and_token(page, browser, tmp_path):
    choose(page, "full", text="a")
    page.keyboard.press("Control+Enter")
    page.get_by_role("alert").filter(has_text="The queue is full").wait_for()
    check(page)
    choose(page, "slow", text="a")
    page.keyboard.press("Control+Enter")
    page.locator("#progress").wait_for()
    check(page)
    with page_server(tmp_path, TOKEN) as server:
        page.goto(server.url)
        page.get_by_label("Token").wait_for()
        check(page)


def test_nothing_is_cut_off_on_a_narrow_screen(page):
    page.set_viewport_size(VIEWPORT)
    send(page, "both", text="Aoife sent 12 parcels to Norwich " + "x" * 200)
    page.get_by_text("JSON of the answer").click()
    for model, (fields, *_) in ANSWERS.items():
        send(page, model, **fields)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= VIEWPORT["width"]
    check(page)


def test_texts_from_right_to_left(page):
    send(page, "span", question="?", context=f"{HEBREW} Norwich")
    direction = "getComputedStyle(document.querySelector('{}')).direction"
    for selector in ("#field-context", ".marked"):
        assert page.evaluate(direction.format(selector)) == "rtl"
    assert page.evaluate(direction.format("#field-question")) == "ltr"


def test_a_screenshot_has_the_colours_of_its_scheme(browser, server, tmp_path):
    pixels = {}
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme, viewport={"width": 1200, "height": 800})
        page.goto(server.url)
        send(page, "both", text="Aoife sent 12 parcels to Norwich")
        page.screenshot(path=tmp_path / f"{scheme}.png")
        pixels[scheme] = matplotlib.image.imread(tmp_path / f"{scheme}.png")[..., :3]
        page.close()
    assert pixels["light"].shape == pixels["dark"].shape == (800, 1200, 3)
    assert pixels["light"].mean() > 0.85
    assert pixels["dark"].mean() < 0.2


def test_keys_show_where_the_focus_is(page):
    page.get_by_label("Model", exact=True).focus()
    for _ in range(8):
        page.keyboard.press("Tab")
        width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert width >= 2, page.evaluate("document.activeElement.outerHTML")
