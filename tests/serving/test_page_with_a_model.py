"""The page of a real server, `zoo serve`, with real exports: what it shows is what `predict` answers."""

import re
import subprocess

import pytest
import tensorflow as tf
from catalog_models import save_untrained
from page_driver import browser, send
from tensorflow_serving.apis import prediction_log_pb2

import zoo
from zoo import catalog
from zoo.serving.http.server import running_server
from zoo.serving.versions.warm_up import FILE

__all__ = ["browser"]  # a fixture
EXAMPLE = "a lovely story 😀"


@pytest.fixture(scope="module")
def export(model_folder, tmp_path_factory):
    """An export with a warm-up record of `EXAMPLE`."""
    folder = tmp_path_factory.mktemp("export") / "reviews"
    zoo.load(model_folder).export(folder / "1")
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["text"].CopyFrom(tf.make_tensor_proto([EXAMPLE]))
    (folder / "1" / FILE).parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "1" / FILE)) as writer:
        writer.write(log.SerializeToString())
    return folder


def test_a_real_model_answers_on_the_page(browser, export, model_folder):
    with running_server(export) as url:
        page = browser.new_page()
        page.goto(url)
        assert page.get_by_label("Text", exact=True).input_value() == EXAMPLE
        send(page, "reviews", text="an awful film, it's 😀 dull")
        label, share = page.locator("tbody tr").first.inner_text().split("\t")
        expected = zoo.load(model_folder).predict("an awful film, it's 😀 dull")
        assert label == expected["label"] == "bad"
        assert float(share.removesuffix(" %")) == pytest.approx(100 * expected["probabilities"]["bad"], abs=0.06)
        command = page.locator("#code code").inner_text()
        json_text = page.locator("#json pre").text_content()
        assert subprocess.run(["bash"], input=command, text=True, capture_output=True, check=True).stdout == json_text
        page.get_by_role("button", name="Example").click()
        assert page.get_by_label("Text", exact=True).input_value() == EXAMPLE
        send(page, "reviews", "Predict: encode", text="it's 😀 dull")
        assert page.locator("mark bdi").all_inner_texts()[-1] == "dull"
        page.close()


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """An export of every objective of the catalog, of an untrained model."""
    models, folder = tmp_path_factory.mktemp("models"), tmp_path_factory.mktemp("exports")
    for name in catalog.names("objectives"):
        zoo.load(save_untrained(name, models)).export(folder / name / "1")
    return folder


@pytest.mark.slow
def test_every_objective_of_the_catalog_has_a_view(browser, exports):
    with running_server(exports) as url:
        page = browser.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        for name in catalog.names("objectives"):
            page.goto(f"{url}/#{name}")
            page.reload()
            page.locator("#fields textarea").first.wait_for()
            for call in page.get_by_label("Call").locator("option").all_inner_texts():
                page.get_by_label("Call").select_option(label=call)
                for area in page.locator("#fields textarea:not(.code-field)").all():
                    area.fill("" if area.get_attribute("id") == "field-system" else "My [MASK] parcel 😀 is late.")
                page.get_by_role("button", name="Send").click()
                page.locator("#status, #error").filter(has_text=re.compile("Answered|Ended|status")).first.wait_for()
                assert not page.get_by_role("alert").is_visible(), (name, call, page.get_by_role("alert").inner_text())
                assert page.locator("#answer").inner_text() or call == "Predict: logits", (name, call)
        page.close()
