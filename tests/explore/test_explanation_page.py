"""The page of an explanation in a browser: every view, by pointer, keyboard and address, in the light and the dark."""

import base64
import hashlib
import html
import re

import explanations
import numpy as np
import pytest
from page_driver import browser

from zoo.explore.explanation_page import FOLDER

__all__ = ["browser"]  # a fixture
VIEWS = {  # name: address
    "lines": "view=attention&token=query3",
    "one head": "view=attention&heads=2&hide=1&renormalise=1&token=key4",
    "masked": "view=attention&masked=tokens:9&segments=0-1",
    "matrix": "view=attention&mode=matrix&cell=3.4",
    "all heads": "view=attention&mode=overview",
    "numbers": "view=attention&mode=numbers&layer=1",
    "statistics": "view=attention&mode=statistics",
    "cross-attention": "view=attention&text=1&stack=2",
    "alignment": "view=attention&text=1&stack=3&mode=numbers",
    "why": "view=why&method=1&against=1",
    "why in the target": "view=why&text=1",
    "logit lens": "view=depth",
    "steps": "view=depth&text=1&part=steps",
    "beams": "view=depth&text=1&part=beams",
    "states": "view=states&unit=3.4",
    "filters": "view=filters&filter=0.1",
    "search": "view=search&near=3",
    "models": "view=models&heads=1",
}
SMALL_SCREEN = {"width": 320, "height": 640}  # pixels of CSS: success criterion 1.4.10 of WCAG


@pytest.fixture(scope="module")
def explanation():
    return explanations.complete()


@pytest.fixture(scope="module")
def file(explanation, tmp_path_factory):
    """The page as a file."""
    path = tmp_path_factory.mktemp("page") / "page.html"
    path.write_text(explanation.to_html(), encoding="utf-8")
    return path


@pytest.fixture
def page(browser):
    """A tab; at the end nothing has failed, was refused or was asked of a network."""
    page, failures = browser.new_page(), []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.on("console", lambda message: failures.append(message.text) if message.type in ("error", "warning") else None)
    page.on(
        "request", lambda sent: None if sent.url.startswith(("file:", "data:", "blob:")) else failures.append(sent.url)
    )
    page.set_default_timeout(30_000)  # milliseconds; a busy machine is no failure
    yield page
    assert not failures
    assert page.evaluate("window.attacked === undefined && !document.querySelector('img')")
    page.close()


def show(page, file, address=""):
    page.goto("about:blank")
    page.goto(f"{file.as_uri()}#{address}")
    page.locator("html[data-ready]").wait_for()
    return page


def rows(page, name):
    """The cells of a table, by row."""
    table = page.get_by_role("table", name=name)
    return [row.locator("td, th").all_inner_texts() for row in table.locator("tbody tr").all()]


def pixels_of(canvas):
    """The number of different colours on a canvas."""
    pixels = "node.getContext('2d').getImageData(0, 0, node.width, node.height).data.buffer"
    return canvas.evaluate(f"node => new Set(new Uint32Array({pixels})).size")


def test_the_page_is_one_file_that_its_policy_protects(explanation):
    content = explanation.to_html()
    policy = re.search('<meta http-equiv="Content-Security-Policy" content="([^"]*)">', content)[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for tag, directive in {"style": "style-src", "script": "script-src"}.items():
        text = re.search(f"<{tag}>(.*?)</{tag}>", content, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}'" in policy
    assert not re.search(r"\b(src|href)=(?!\"data:,\")", re.sub("<(script|style)>.*?</", "", content, flags=re.DOTALL))
    assert content.index("Content-Security-Policy") < content.index("<style>")


def test_the_script_reads_no_text_as_html():
    sources = "".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("source/**/*.mjs"))
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", sources)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_cut_off(page, file, scheme):
    """In the dark by its rule of contrast, for the others do not depend on colours."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python").Axe()
    page.emulate_media(color_scheme=scheme)
    for name, address in VIEWS.items():
        show(page, file, address)
        results = axe.run(page, options={"runOnly": ["color-contrast"]} if scheme == "dark" else {})
        assert not results.response["violations"], f"{name}: {results.generate_report()}"
        assert not page.locator("canvas").count() or pixels_of(page.locator("canvas").first) > 1
    page.set_viewport_size(SMALL_SCREEN)
    for address in VIEWS.values():
        show(page, file, address)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= SMALL_SCREEN["width"], address


def test_weights_of_a_token_are_those_of_the_explanation(page, file, explanation):
    show(page, file, "view=attention&layer=1&token=query2")
    weights = explanation.models[0].texts[0].attention[0].layers[1].weights[:, 2]
    best = np.argsort(-weights.mean(0))
    token, mean, *heads = rows(page, "Weights of parcel")[0]
    assert token == explanations.WORDS[best[0]].strip()
    assert float(mean) == pytest.approx(weights.mean(0)[best[0]], abs=6e-4)
    assert [float(head) for head in heads] == pytest.approx(weights[:, best[0]].tolist(), abs=6e-4)
    page.get_by_role("group", name="Heads").get_by_role("button", name="Head 3").click()
    assert float(rows(page, "Weights of parcel")[0][1]) == pytest.approx(weights[3].max(), abs=6e-4)


def test_hidden_tokens_are_said_and_the_rest_is_renormalised_if_asked(page, file, explanation):
    show(page, file, "view=attention&heads=0&token=query2")
    weights = explanation.models[0].texts[0].attention[0].layers[0].weights[0]
    words = [i for i, word in enumerate(explanations.WORDS) if word not in explanations.SPECIAL_TOKENS]
    page.get_by_label("Hide special tokens").check()
    share = weights[np.ix_(words, words)].sum(1).mean()
    assert (
        page.get_by_text(re.compile("Weights are as they are"))
        .inner_text()
        .endswith(f"have {100 * share:.1f} % of the weight.")
    )
    page.get_by_role("button", name=re.compile("Show all")).click()
    total = sum(float(cells[1].replace("<", "")) for cells in rows(page, "Weights of parcel"))
    assert total == pytest.approx(weights[2, words].sum(), abs=0.01)
    page.get_by_label("Renormalise the rest").check()
    total = sum(float(cells[1].replace("<", "")) for cells in rows(page, "Weights of parcel"))
    assert total == pytest.approx(1, abs=0.01)
    assert page.locator(".token", has_text="[SEP]").count() == 0


def test_tokens_are_chosen_by_keys_and_masked(page, file):
    show(page, file, "view=attention&layer=1")
    page.get_by_role("listbox", name="Keys, tokens of tokens").focus()
    for _ in range(10):
        page.keyboard.press("ArrowDown")
    page.get_by_text("Most on a:").wait_for()
    page.get_by_role("button", name="Mask a").click()
    page.get_by_text("masked the answer is delivery (51.0 %)").wait_for()
    assert "masked=tokens%3A9" in page.url
    page.get_by_role("button", name="Unmask").click()
    page.get_by_role("listbox", name="Keys, tokens of tokens").focus()
    page.keyboard.press("Escape")
    assert page.locator(".token[aria-selected=true]").count() == 0


def test_the_pointer_draws_the_lines_of_a_token(page, file):
    show(page, file, "view=attention&heads=1")
    page.locator(".query .token", has_text="arriv").hover()
    page.get_by_text("arriv attends most to:").wait_for()
    page.mouse.move(0, 0)
    page.get_by_text("Point at a token").wait_for()


def test_the_formula_gives_the_captured_weight(page, file):
    show(page, file, "view=attention&mode=numbers&token=query5")
    numbers = re.search(r"= ([0-9.]+) \(captured: ([0-9.]+)\)", page.locator("#mode-panel").inner_text())
    assert float(numbers[1]) == pytest.approx(float(numbers[2]), abs=0.011)
    show(page, file, "text=1&view=attention&stack=1&mode=numbers&token=query2")
    assert [cells[-2] for cells in rows(page, re.compile("From the query"))] == ["visible"] * 3 + ["hidden"] * 4


def test_the_address_keeps_the_view(page, file):
    show(page, file)
    page.get_by_role("tab", name="Why this answer").click()
    page.get_by_label("Method").select_option("integrated gradients")
    page.get_by_label("and not").select_option(explanations.LABELS[1])
    panel = page.locator("#view-panel").inner_text()
    assert "Completeness gap" in panel
    page.reload()
    page.locator("html[data-ready]").wait_for()
    assert page.locator("#view-panel").inner_text() == panel
    page.get_by_role("combobox", name="Text").select_option("2: where is my parcel?")
    assert page.get_by_role("combobox", name="Why").input_value() == "0"


def test_contributions_to_two_outputs_subtract(page, file, explanation):
    attribution = explanation.models[0].texts[0].attribution
    show(page, file, "view=why&output=0&against=1")
    values = attribution.methods[0].values["tokens"]
    numbers = [text.replace("−", "-") for text in page.locator(".contribution .number").all_inner_texts()]
    assert [float(number) for number in numbers] == pytest.approx((values[0] - values[1]).tolist(), abs=6e-3)


def test_grids_are_walked_with_arrows(page, file):
    show(page, file, "view=depth")
    page.locator(".lens [tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    page.get_by_role("heading", name="layer 2 at token 1, my").wait_for()
    show(page, file, "view=attention&mode=overview")
    page.locator(".overview [tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Head 1", exact=True, pressed=True).wait_for()
    show(page, file, "view=states")
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_text("Token 1, my, unit 0:").wait_for()
    show(page, file, "view=depth&text=1&part=beams")
    page.locator(".beams [tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.locator(".beams [aria-selected='true'][aria-level='2']").wait_for()


def test_only_the_views_of_the_data_are_shown(page, tmp_path):
    explanation = explanations.single("<b>name</b>")
    text = explanation.models[0].texts.pop()
    text.attention, text.beams, text.attribution = [], [], None
    explanation.models[0].texts = [text]
    (tmp_path / "page.html").write_text(explanation.to_html(), encoding="utf-8")
    show(page, tmp_path / "page.html")
    assert page.get_by_role("tablist", name="Views").get_by_role("tab").all_inner_texts() == [
        "By depth",
        "Recurrent states",
    ]
    assert page.get_by_role("tablist", name="By depth").get_by_role("tab").all_inner_texts() == ["Logit lens", "Steps"]
    assert page.title() == "<b>name</b>: explanation"


def test_a_notebook_shows_the_page_in_a_frame(browser, explanation, tmp_path):
    frame = explanation._repr_html_()
    (tmp_path / "notebook.html").write_text(f"<!doctype html><title>n</title>{frame}", encoding="utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "notebook.html").as_uri())
    inner = page.frame_locator("iframe")
    inner.get_by_role("tab", name="Why this answer").click()
    inner.get_by_text("Sum of the contributions").wait_for()
    assert html.escape("<script>") in frame
    page.close()
