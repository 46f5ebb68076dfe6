"""The page of a real server, `zoo serve`, with a real export: what it shows is what `predict` answers."""

import subprocess

import pytest
import tensorflow as tf
from page_driver import browser, send
from tensorflow_serving.apis import prediction_log_pb2

import zoo
from zoo.serving.server import running_server
from zoo.serving.warm_up import FILE

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
