"""Embeddings over the OpenAI-compatible API are the vectors of the pipeline."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

openai = pytest.importorskip("openai")
httpx = pytest.importorskip("httpx")

from catalog_models import save_untrained  # noqa: E402
from openai_server import CountingService, openai_server  # noqa: E402

import zoo  # noqa: E402
from zoo.serving.openai.embeddings_api import FIELDS  # noqa: E402
from zoo.serving.openai.model_access import ModelAccess  # noqa: E402
from zoo.serving.openai.openai_openapi import openai_paths  # noqa: E402
from zoo.serving.versions.loaded_model import LoadedModel  # noqa: E402

TEXTS = ["a great film", "a fine story"]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    return zoo.load(save_untrained("embed_text", tmp_path_factory.mktemp("models")))


@pytest.fixture(scope="module")
def access(pipeline):
    folder = Path(pipeline.export(pipeline.folder / "1"))
    model = LoadedModel("embed", 1, folder)
    other = LoadedModel("other", 1, save_two_inputs(pipeline.folder / "2"))
    shutil.rmtree(folder)  # a removed folder is served until another version is there
    return ModelAccess(CountingService({"embed": {1: model}, "other": {1: other}}))


@pytest.fixture(scope="module")
def url(access):
    with openai_server(access) as url:
        yield url


def save_two_inputs(folder):
    """A SavedModel of another program, whose output has the name of an embedding."""
    module, texts = tf.Module(), tf.TensorSpec([None], tf.string)

    @tf.function(input_signature=[texts, texts])
    def compare(a, b):
        return {"vector": tf.cast(tf.strings.length(a) - tf.strings.length(b), tf.float32)[:, None]}

    tf.saved_model.save(module, str(folder), signatures={"serving_default": compare})
    return folder


@pytest.fixture(scope="module")
def client(url):
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


@pytest.mark.parametrize("options", [{}, {"encoding_format": "float"}, {"encoding_format": "base64"}])
def test_vectors_are_those_of_the_pipeline(client, pipeline, options):
    answer = client.embeddings.create(model="embed", input=TEXTS, **options)
    expected = [prediction["vector"] for prediction in pipeline.predict(TEXTS)]
    vectors = [item.embedding for item in answer.data]
    if options.get("encoding_format") == "base64":
        import base64

        vectors = [np.frombuffer(base64.b64decode(vector), "<f4") for vector in vectors]
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert [item.index for item in answer.data] == [0, 1]
    tokens = sum(len(pipeline.tokenizer.encode(text).ids) for text in TEXTS)
    assert (answer.usage.prompt_tokens, answer.usage.total_tokens) == (tokens, tokens)


def test_one_text(client, pipeline):
    (item,) = client.embeddings.create(model="embed", input="a great film", dimensions=len(_vector(pipeline))).data
    np.testing.assert_allclose(item.embedding, _vector(pipeline), atol=1e-5)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"dimensions": 3}, "dimensions"),
        ({"input": [1, 2]}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": ["a"] * 2049}, "input"),
        ({"input": "word " * 600}, "input"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"more": 1}, "more"),
    ],
)
def test_refusals(url, body, param):
    answer = httpx.post(f"{url}/v1/embeddings", json={"model": "embed", "input": "a"} | body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == param


def test_the_openapi_description_has_the_fields(access):
    paths = openai_paths(access.service)
    assert list(paths) == ["/v1/embeddings", "/openai/v1/models", "/openai/v1/models/embed"]
    body = paths["/v1/embeddings"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert set(body["properties"]) == set(FIELDS)


def test_a_model_that_embeds_generates_no_text(client):
    assert [model.id for model in client.models.list()] == ["embed"]
    with pytest.raises(openai.BadRequestError, match="generates no text"):
        client.completions.create(model="embed", prompt="a")
    with pytest.raises(openai.BadRequestError, match="makes no embeddings"):
        client.embeddings.create(model="other", input="a")


def _vector(pipeline):
    return pipeline.predict("a great film")["vector"]
