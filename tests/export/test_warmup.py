"""Warm-up requests of an export: real records of the model's data, for every signature that takes strings."""

from dataclasses import replace

import keras
import pytest

import zoo
from zoo import catalog
from zoo.export.deployment.example_requests import example_requests, of_different_lengths, request_of
from zoo.export.deployment.prediction_log import prediction_log
from zoo.export.deployment.warmup import WARMUP_FILE
from zoo.presets import Data

if keras.config.backend() != "tensorflow":
    pytest.skip("TensorFlow exports: tested on that backend", allow_module_level=True)

import tensorflow as tf

RECORDS = {  # a record of the data of each objective, and the texts of its request
    "classify_text": ({"text": "a b", "label": "x"}, {"text": "a b"}),
    "score_pair": ({"text": "a", "text_pair": "b", "label": 1.0}, {"text": "a", "text_pair": "b"}),
    "embed_text": ({"text": "a", "text_pair": "b"}, {"text": "a"}),
    "next_sentence": ({"text": "a", "text_pair": "b"}, {"text": "a", "text_pair": "b"}),
    "document": ({"text": "One. Two! Three."}, {"text": "One.", "text_pair": "Two!"}),
    "pretrain": ({"text": "a", "text_pair": "b"}, {"text": "a", "text_pair": "b"}),
    "find_span": ({"question": "q", "context": "c", "answers": []}, {"question": "q", "context": "c"}),
    "tag_tokens": ({"tokens": ["a", "b"], "tags": ["O", "O"]}, {"text": "a b"}),
    "classify_and_tag": ({"tokens": ["a", "b"], "tags": ["O", "O"], "label": "x"}, {"text": "a b"}),
    "masked_token": ({"text": "a b c"}, {"text": "a [MASK] c"}),
    "next_token": ({"text": "word " * 99}, {"text": ("word " * 16).strip()}),
    "translate": ({"source": "a", "target": "b"}, {"text": "a"}),
    "follow_instructions": ({"instruction": "a", "input": "b", "output": "c"}, {"text": "a\n\nb"}),
}


def warmup_logs(version):
    """The warm-up requests of a version as messages of the official package."""
    messages = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    records = tf.data.TFRecordDataset(str(version / WARMUP_FILE)).as_numpy_iterator()
    return [messages.PredictionLog.FromString(record) for record in records]


def test_warmup_requests_are_answered(deployed, model_folder):
    signatures = tf.saved_model.load(str(deployed / "1")).signatures
    requests = [log.predict_log.request for log in warmup_logs(deployed / "1")]
    assert {request.model_spec.name for request in requests} == {"model-1-gr-e-ask-me"}
    assert "serving_default" in {request.model_spec.signature_name for request in requests}
    for request in requests:
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        assert signatures[request.model_spec.signature_name](**inputs)
    texts = {text.decode() for request in requests for text in tf.make_ndarray(request.inputs["text"])}
    pipeline = zoo.load(model_folder)
    assert texts == {request["text"] for request in example_requests(pipeline)}
    assert texts <= {record["text"] for record in zoo.open_dataset(pipeline.preset.data.spec).records("test")}
    assert len({len(text) for text in texts}) > 2


def test_prediction_logs_are_those_of_the_official_package():
    messages = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    from google.protobuf.unknown_fields import UnknownFieldSet

    ours = prediction_log()()
    ours.predict_log.request.model_spec.name = "m"
    ours.predict_log.request.model_spec.signature_name = "s"
    ours.predict_log.request.inputs["text"].ParseFromString(tf.make_tensor_proto(["é"]).SerializeToString())
    theirs = messages.PredictionLog.FromString(ours.SerializeToString())
    assert theirs.SerializeToString(deterministic=True) == ours.SerializeToString(deterministic=True)
    assert theirs.predict_log.request.model_spec.signature_name == "s"
    assert not len(UnknownFieldSet(theirs.predict_log.request))


@pytest.mark.parametrize("name", catalog.names("objectives"))
def test_requests_of_real_records(name):
    record, expected = RECORDS[name]
    objective = catalog.load("objectives", name)(**({"pair": True} if name == "score_pair" else {}))
    assert request_of(objective, record) == expected


def test_the_request_of_a_document_is_its_first_two_sentences():
    record, expected = RECORDS["document"]
    assert request_of(catalog.load("objectives", "next_sentence")(), record) == expected


def test_requests_have_different_lengths():
    requests = [{"text": "a" * length} for length in (5, 1, 9, 3, 7)]
    assert [len(request["text"]) for request in of_different_lengths(requests)] == [1, 3, 7, 9]
    assert of_different_lengths(requests[:1]) == requests[:1]
    assert of_different_lengths([]) == []


def test_a_model_without_its_data_has_the_texts_of_its_example_command(model_folder, capsys):
    pipeline = zoo.load(model_folder)
    pipeline = replace(pipeline, preset=replace(pipeline.preset, data=Data(spec="gone.tsv")))
    assert example_requests(pipeline) == [{"text": "some text"}]
    printed = capsys.readouterr().err
    assert printed.startswith("The example requests are no real records: the data cannot be read (")
    assert "gone.tsv" in printed
