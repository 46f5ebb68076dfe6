"""`Pipeline.explain`: every objective has its views; options, notes, two models, and what is refused."""

import numpy as np
import pandas
import pytest
from tiny import all_on_torch, compatible
from tiny_pipelines import NEW, record_of, tiny_pipeline

from zoo import catalog
from zoo.explore import explanation as explanations
from zoo.explore.explanation_page import Explanation
from zoo.runtime.errors import UserError

TEXT = "the cat sat on the mat"


@pytest.fixture(scope="module")
def pipeline():
    return tiny_pipeline("classify_text", "transformer_encoder", depth=2)


@pytest.fixture(scope="module")
def text(pipeline):
    return pipeline.explain(TEXT).models[0].texts[0]


@pytest.mark.parametrize("objective", all_on_torch(catalog.names("objectives"), ("translate",)))
def test_every_objective_has_an_explanation(objective):
    task = catalog.load("objectives", objective)()
    architecture = next(name for name in ("bert", "gpt2", "transformer") if name in compatible(task, depth=2))
    pipeline = tiny_pipeline(objective, architecture, depth=2)
    record = record_of(objective) | ({"text_pair": "it was late"} if objective == "pretrain" else {})
    explanation = pipeline.explain([record], max_new_tokens=NEW, beams=2)
    (model,) = explanation.models
    (text,) = model.texts
    assert (model.objective, model.architecture) == (objective, architecture)
    assert text.attention
    assert text.attribution is not None
    assert bool(text.steps) == bool(text.beams) == (objective in ("follow_instructions", "next_token", "translate"))
    assert explanation.to_html().startswith("<!doctype html>")


def test_the_views_of_a_classifier(pipeline, text):
    assert text.answer == pipeline.objective.format(pipeline.predict(TEXT))
    assert [token.text.strip() for token in text.sequences["tokens"] if not token.special] == TEXT.split()
    (attention,) = text.attention
    assert [layer.name for layer in attention.layers] == ["block 0", "block 1"]
    assert [variant.position for variant in text.variants] == [
        i for i, token in enumerate(text.sequences["tokens"]) if not token.special
    ]
    assert (text.recurrent, text.filters, text.terms, text.steps, text.beams, text.search) == ([], [], None, [], [], [])
    assert len(text.lens.layers) == 3


def test_a_text_a_record_and_a_list_are_explained_alike(pipeline, text):
    for texts in ([TEXT], {"text": TEXT}, [{"text": TEXT}]):
        other = pipeline.explain(texts).models[0].texts[0]
        assert other.answer == text.answer
        np.testing.assert_array_equal(other.attention[0].layers[0].weights, text.attention[0].layers[0].weights)


def test_queries_and_keys_of_named_layers(pipeline):
    def with_neurons(neurons):
        (attention,) = pipeline.explain(TEXT, neurons=neurons, mask=()).models[0].texts[0].attention
        return [layer.query is not None for layer in attention.layers]

    assert with_neurons(None) == [True, True]
    assert with_neurons([1]) == [False, True]
    assert with_neurons([]) == [False, False]
    with pytest.raises(UserError, match=r"from 0 to 1 in neurons. Received: \[2\]"):
        with_neurons([2])


def test_masked_tokens(pipeline):
    assert [variant.position for variant in pipeline.explain(TEXT, mask=[1, 3]).models[0].texts[0].variants] == [1, 3]
    with pytest.raises(UserError, match="Expected positions from 0 to"):
        pipeline.explain(TEXT, mask=[99])


def test_what_is_left_out_of_a_long_text_is_said(pipeline, monkeypatch):
    for name, limit in {"NEURON_NUMBERS": 10, "VARIANTS": 2, "OCCLUDED": 3}.items():
        monkeypatch.setattr(explanations, name, limit)
    explanation = pipeline.explain([TEXT, TEXT])
    assert [note.split(",")[0].split(" ")[0] for note in explanation.notes] == ["Queries", "The", "Occlusion"]
    text = explanation.models[0].texts[0]
    assert text.attention[0].layers[0].query is None
    assert text.variants == []
    assert [method.name for method in text.attribution.methods] == ["integrated gradients", "gradient x input"]


def test_two_models_side_by_side(pipeline):
    other = tiny_pipeline("classify_text", "transformer_encoder", depth=2)
    (weight, *_) = (w for w in other.model.trainable_weights if "query" in w.path)
    weight.assign(weight * 40)
    explanation = pipeline.explain(TEXT, compare=other)
    assert len(explanation.models) == 2
    ((change,),) = (comparison.heads for comparison in explanation.comparison)
    assert change.distance.shape == (2, 2)
    assert change.distance[0].max() > 0.01
    assert pipeline.explain(TEXT, compare=pipeline).comparison[0].heads[0].distance.max() == 0


def test_a_page_is_saved_and_shown_by_a_notebook(pipeline, tmp_path):
    explanation = pipeline.explain(TEXT)
    assert isinstance(explanation, Explanation)
    path = explanation.save(tmp_path / "page.html")
    assert path.read_text(encoding="utf-8") == explanation.to_html()
    assert explanation._repr_html_().startswith("<iframe")


def test_unknown_options_get_the_nearest(pipeline):
    with pytest.raises(UserError, match="Did you mean 'neurons'"):
        pipeline.explain(TEXT, neuron=[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mask": "all"}, "Expected a list of numbers in mask"),
        ({"mask": 3}, "Expected a list of numbers in mask"),
        ({"mask": [True]}, "Expected a list of numbers in mask"),
        ({"neurons": 0}, "Expected a list of numbers in neurons"),
        ({"neurons": ["0"]}, "Expected a list of numbers in neurons"),
        ({"beams": 0}, "Expected a number from 1 in beams"),
        ({"max_new_tokens": 1.5}, "Expected a number from 1 in max_new_tokens"),
        ({"layers": [1]}, "Expected corpus beside layers"),
        ({"heads": [(0, 1)]}, "Expected corpus beside heads"),
        ({"heads": (0, 1), "corpus": ["a"]}, r"Expected pairs \(layer, head\) in heads"),
        ({"tagger": "folder"}, "Expected corpus beside tagger"),
        ({"compare": "folder"}, "Expected a pipeline in compare"),
    ],
)
def test_arguments_of_another_type_are_refused(pipeline, arguments, message):
    with pytest.raises(UserError, match=message):
        pipeline.explain(TEXT, **arguments)


@pytest.mark.parametrize("texts", [None, 3, [3], b"text", []])
def test_what_is_no_text_is_refused(pipeline, texts):
    with pytest.raises(UserError, match="Expected a text"):
        pipeline.explain(texts)


def test_a_data_frame_and_an_iterator_are_explained(pipeline, text):
    for texts in (pandas.DataFrame({"text": [TEXT]}), iter([TEXT])):
        assert pipeline.explain(texts).models[0].texts[0].answer == text.answer


def test_queries_and_keys_of_a_network_without_attention_are_refused():
    with pytest.raises(UserError, match="Expected a network with attention in neurons"):
        tiny_pipeline("classify_text", "averaging").explain(TEXT, neurons=[0])


@pytest.mark.parametrize("source", ["", "where is my parcel today " * 20])
def test_an_encoder_decoder_explains_an_empty_and_a_long_source(source):
    explanation = tiny_pipeline("translate", "rnn_seq2seq", length=128).explain(source, max_new_tokens=3)
    assert explanation.models[0].texts[0].variants == []
