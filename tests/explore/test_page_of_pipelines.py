"""Every view of the page opens on explanations of networks of each family, and shows something."""

import pytest
from page_driver import browser  # noqa: F401
from tiny_pipelines import NEW, record_of, tiny_pipeline

PIPELINES = (
    ("classify_text", "transformer_encoder"),
    ("classify_text", "text_cnn"),
    ("classify_text", "mlp"),
    ("tag_tokens", "lstm"),
    ("find_span", "bert"),
    ("next_token", "gpt2"),
    ("translate", "rnn_seq2seq"),
    ("masked_token", "bert"),
)


@pytest.mark.parametrize(("objective", "architecture"), PIPELINES)
def test_every_view_opens(browser, tmp_path, objective, architecture):  # noqa: F811
    pipeline = tiny_pipeline(objective, architecture, depth=2)
    explanation = pipeline.explain([record_of(objective)], compare=pipeline, max_new_tokens=NEW, beams=2)
    page, failures = browser.new_page(), []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(explanation.save(tmp_path / "page.html").as_uri())
    views = page.get_by_role("tablist", name="Views").get_by_role("tab")
    views.first.wait_for()
    for view in views.all_inner_texts():
        page.get_by_role("tab", name=view, exact=True).click()
        panel = page.get_by_role("tabpanel", name=view)
        for tab in [None, *panel.get_by_role("tab").all()]:
            if tab:
                tab.click()
            assert len(panel.inner_text()) > len(view) + 20, (view, failures)
    page.close()
    assert not failures
