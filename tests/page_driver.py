"""The page of `zoo serve` in a browser: Chromium without a window, by Playwright, and what a person does there."""

import re
import shutil

import pytest
from page_server import page_server

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HOST = "page.test"  # of which a browser thinks that it is another machine, without HTTPS
FLAGS = (  # containers have neither user namespaces nor a GPU
    *("--no-sandbox", "--disable-gpu"),
    f"--host-resolver-rules=MAP {HOST} 127.0.0.1",
)
LABELS = {"top_k": "Top-k"}
TEXT = "Aoife 😀 sent 12 parcels to Norwich"


@pytest.fixture(scope="module")
def browser():
    """Chromium of the system."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the page needs a browser: pip install playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("the page needs a browser: install chromium")
    with playwright.sync_playwright() as context:
        chromium = context.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A running `PageServer`."""
    with page_server(tmp_path_factory.mktemp("page")) as page:
        yield page


@pytest.fixture
def page(browser, server):
    """The page, just opened; at the end nothing has failed or was refused in it."""
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
    page.set_default_timeout(30_000)  # milliseconds; a busy machine is no failure
    page.goto(server.url)
    yield page
    assert not errors
    assert page.evaluate("window.attacked === undefined && !document.querySelector('img, b')")
    context.close()


def choose(page, model, call=None, **texts):
    """Choose a model, perhaps a call, and fill fields."""
    page.get_by_label("Model", exact=True).select_option(model)
    if call:
        page.get_by_label("Call").select_option(label=call)
    for label, text in texts.items():
        label = LABELS.get(label) or label.replace("_", " ").capitalize()
        page.get_by_label(label, exact=True).fill(text)


def send(page, model, call=None, **texts):
    """Choose, fill and send; returns the text of the answer."""
    choose(page, model, call, **texts)
    page.get_by_role("button", name="Send").click()
    page.get_by_role("status").filter(has_text=re.compile("Answered|Ended|Stopped")).wait_for()
    return page.locator("#answer").inner_text()


ANSWERS = {  # model: (fields, what the answer shows, what a screen reader is told)
    "classify": ({"text": TEXT}, ["return", "50.0 %", "payment", "12.5 %"], "return, 50.0 %"),
    "several": ({"text": TEXT}, ["urgent", "✓ yes", "calm", "no"], "Selected: urgent, angry"),
    "tags": ({"text": TEXT}, ["date", "Aoife 0–5", "12 13–15", "75.0 %"], "3 entities"),
    "both": ({"text": TEXT}, ["return", "80.0 %", "Norwich", "order"], "return, 3 entities"),
    "span": ({"question": "Where?", "context": TEXT}, ["Norwich", "This answer", "90.0 %"], "Norwich"),
    "mask": ({"text": "My [MASK] and <mask>."}, ["My parcel and parcel.", "Mask 2", "75.0 %"], "My parcel and"),
    "next": ({"text": "a", "second_text": "b"}, ["follows the first", "60.0 %"], "follows the first, 60.0 %"),
    "pair": ({"text": "a", "second_text": "b"}, ["Score 3.25"], "Score 3.25"),
    "embed": ({"text": "a"}, ["3 numbers, norm 1", "[0.6, 0.8, 0]"], "A vector of 3 numbers"),
}
