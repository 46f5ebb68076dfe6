"""Example inputs of the network of every objective: from records of its data, by way of requests, to ids."""

import keras
import numpy as np
import pytest
from catalog_models import save_untrained
from export_cases import small_pipeline

import zoo
from zoo import catalog
from zoo.export.deployment.example_requests import example_requests, signature_inputs
from zoo.export.example_batches import example_batches

if keras.config.backend() != "tensorflow":
    pytest.skip("TensorFlow exports: tested on that backend", allow_module_level=True)


@pytest.mark.parametrize("name", catalog.names("objectives"))
def test_real_records_become_inputs_of_the_network(name, tmp_path, capsys):
    pipeline = zoo.load(save_untrained(name, tmp_path))
    requests = example_requests(pipeline)
    assert "no real records" not in capsys.readouterr().err
    assert 1 <= len(requests) <= 4
    assert all(tuple(request) == signature_inputs(pipeline.objective) for request in requests)
    assert all(text.strip() for request in requests for text in request.values())
    batches = example_batches(pipeline, requests)
    assert len(batches[-1][next(iter(pipeline.model.input))]) >= len(requests)
    for batch in batches:
        assert list(batch) == list(pipeline.model.input)
        outputs = keras.tree.flatten(pipeline.model(batch, training=False))
        assert all(np.isfinite(output).all() for output in outputs)


def test_requests_alone_and_together(model_folder):
    pipeline = zoo.load(model_folder)
    batches = example_batches(pipeline, [{"text": "great"}, {"text": "a great film"}])
    assert [len(batch["tokens"]) for batch in batches] == [1, 1, 2]
    np.testing.assert_array_equal(batches[2]["tokens"][1], batches[1]["tokens"][0])


def test_a_prompt_that_is_longer_than_the_context():
    pipeline = small_pipeline("next_token", "gpt2")
    (batch,) = example_batches(pipeline, [{"text": "a film " * 80}])
    assert batch["tokens"].shape == (1, pipeline.objective.length)
    assert pipeline.model(batch, training=False).shape[:2] == batch["tokens"].shape
