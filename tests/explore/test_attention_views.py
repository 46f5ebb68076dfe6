"""Views of attention: of every architecture, with adapters, in user networks, and the statistics of heads."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny import all_on_torch, shrink
from tiny_pipelines import record_of, tiny_pipeline, tiny_run

from zoo import catalog
from zoo.explore.attention_views import attention_views
from zoo.explore.head_statistics import head_statistics
from zoo.explore.layer_traces import to_array
from zoo.explore.text_run import TextRun, capture_calls, run_text
from zoo.explore.views import Token
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.lora import attach

OBJECTIVES = {"bart": "translate", "t5": "translate", "transformer": "translate", "rnn_seq2seq": "translate"}
OBJECTIVES |= {"gpt2": "next_token", "llama": "next_token"}
SELF_ATTENTION = {("self-attention", "tokens", "tokens", False)}
CAUSAL = {("self-attention", "tokens", "tokens", True)}
ENCODER_DECODER = {
    ("self-attention", "source", "source", False),
    ("decoder self-attention", "target", "target", True),
    ("cross-attention", "target", "source", False),
}
VIEWS = {  # of architectures with attention
    **dict.fromkeys(("bert", "roberta", "distilbert", "transformer_encoder"), SELF_ATTENTION),
    **dict.fromkeys(("gpt2", "llama"), CAUSAL),
    **dict.fromkeys(("bart", "t5", "transformer"), ENCODER_DECODER),
    "rnn_seq2seq": {("alignment", "target", "source", False)},
}


def run_of(architecture, **settings):
    return tiny_run(OBJECTIVES.get(architecture, "classify_text"), architecture, **settings)


@pytest.mark.parametrize("architecture", all_on_torch(catalog.names("architectures")))
def test_every_architecture_has_its_views(architecture):
    run = run_of(architecture)
    views = attention_views(run)
    assert {(view.name, view.queries, view.keys, view.causal) for view in views} == VIEWS.get(architecture, set())
    for view in views:
        time, source_time = len(run.sequences[view.queries]), len(run.sequences[view.keys])
        for layer in view.layers:
            assert layer.weights.dtype == "float32"
            assert layer.weights.shape[1:] == (time, source_time)
            np.testing.assert_allclose(layer.weights.sum(-1), 1, rtol=0, atol=1e-6)
            assert not view.causal or (layer.mask == np.tri(time, dtype=bool)).all()
            assert all(values.shape == layer.weights.shape[:1] for values in layer.statistics.values())


@pytest.mark.parametrize("architecture", all_on_torch(VIEWS))
def test_the_neurons_of_a_view_give_its_weights(architecture):
    for view in attention_views(run_of(architecture)):
        for layer in view.layers:
            score = layer.score
            if score is None:
                score = layer.scale * layer.query @ layer.key.swapaxes(1, 2) + (0 if layer.bias is None else layer.bias)
            exponentials = np.exp(score) * (True if layer.mask is None else layer.mask)
            expected = exponentials / exponentials.sum(-1, keepdims=True)
            np.testing.assert_allclose(layer.weights, expected, rtol=0, atol=1e-5)


def test_views_without_neurons_have_weights_and_masks_alone():
    (view,) = attention_views(run_of("gpt2"), neurons=False)
    assert all(layer.query is layer.key is layer.bias is layer.score is None for layer in view.layers)
    assert view.layers[0].mask is not None


def test_layers_are_named_for_people_in_the_order_of_execution():
    (view,) = attention_views(run_of("bert", depth=3), neurons=False)
    assert [layer.name for layer in view.layers] == ["block 0", "block 1", "block 2"]
    names = {view.name: [layer.name for layer in view.layers] for view in attention_views(run_of("bart", depth=2))}
    assert names["cross-attention"] == ["decoder 0", "decoder 1"]
    assert names["self-attention"] == ["encoder 0", "encoder 1"]


@pytest.mark.parametrize("architecture", all_on_torch(catalog.names("architectures")))
def test_a_capture_changes_no_output_to_the_bit(architecture):
    run = run_of(architecture)
    plain = run.model(run.inputs, training=False)
    _, captured = capture_calls(run.model, run.inputs)
    attention_views(TextRun(run.pipeline, run.record, run.model, run.inputs, run.answer))
    again = run.model(run.inputs, training=False)
    for x, y, z in zip(*map(keras.tree.flatten, (plain, captured, again)), strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(x), ops.convert_to_numpy(y))
        np.testing.assert_array_equal(ops.convert_to_numpy(x), ops.convert_to_numpy(z))


def test_low_rank_updates_change_the_view():
    pipeline = tiny_pipeline("classify_text", "bert")
    (before,) = attention_views(run_text(pipeline, record_of("classify_text")))
    for call in capture_calls(pipeline.model, run_of("bert").inputs)[0]:
        if isinstance(call.layer, MultiHeadAttention):
            update = attach(call.layer.query, "kernel", rank=2, scale=1.0)
            update.b.assign(np.random.default_rng(0).normal(size=update.b.shape))
    (after,) = attention_views(run_text(pipeline, record_of("classify_text")))
    assert abs(after.layers[0].weights - before.layers[0].weights).max() > 1e-3


def test_attention_pooling_has_one_query():
    run = run_of("lstm", pooling="attention")
    (view,) = attention_views(run)
    time = len(run.sequences["tokens"])
    assert (view.name, view.queries, view.layers[0].weights.shape) == ("pooling", "tokens", (1, 1, time))
    assert set(view.layers[0].statistics) == {"entropy", "first", "separator"}


def test_rows_of_a_run_are_those_of_runs_of_one_row():
    run = run_of("bert")
    tokens = np.concatenate([run.inputs["tokens"], run.inputs["tokens"][:, ::-1]])
    segments = np.zeros_like(tokens)
    batch = run.with_inputs(tokens=tokens, segments=segments)
    alone = run.with_inputs(tokens=tokens[1:], segments=segments[1:])
    (view,), (expected,) = attention_views(batch, row=1), attention_views(alone)
    np.testing.assert_allclose(view.layers[0].weights, expected.layers[0].weights, rtol=0, atol=1e-6)


@pytest.mark.parametrize("causal", [False, True])
def test_attention_of_keras_in_a_user_network(causal):
    run = run_of("bert")
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    attention = keras.layers.MultiHeadAttention(2, key_dim=4, name="user_attention")
    x = keras.layers.Embedding(50, 8, mask_zero=True)(tokens)
    model = keras.Model({"tokens": tokens}, attention(x, x, use_causal_mask=causal))
    user = TextRun(run.pipeline, run.record, model, {"tokens": run.inputs["tokens"]}, "")
    (view,) = attention_views(user)
    assert (view.name, view.causal, view.layers[0].name) == ("self-attention", causal, "user")
    vectors = ops.convert_to_tensor(model.layers[1](run.inputs["tokens"]))
    _, weights = attention(vectors, vectors, use_causal_mask=causal, return_attention_scores=True)
    np.testing.assert_allclose(view.layers[0].weights, to_array(weights), rtol=0, atol=1e-6)


def test_statistics_are_those_of_loops():
    random = np.random.default_rng(0).random((3, 5, 5)).astype("float32")
    weights = random / random.sum(-1, keepdims=True)
    weights[0, 0] = np.eye(5)[0]
    keys = [Token(str(i), special=i in (0, 2, 4)) for i in range(5)]
    statistics = head_statistics(weights, keys, same_sequence=True)
    for head in range(3):
        rows = weights[head]
        entropy = [-sum(p * np.log(p) for p in row if p > 0) for row in rows]
        distance = [sum(abs(i - j) * rows[i, j] for j in range(5)) for i in range(5)]
        expected = {
            "entropy": np.mean(entropy),
            "distance": np.mean(distance),
            "first": rows[:, 0].mean(),
            "previous": np.mean([rows[i, i - 1] for i in range(1, 5)]),
            "separator": (rows[:, 2] + rows[:, 4]).mean(),
        }
        for name, value in expected.items():
            np.testing.assert_allclose(statistics[name][head], value, rtol=1e-5)
    assert set(statistics) == set(expected)
    assert set(head_statistics(weights, keys, same_sequence=False)) == {"entropy", "first", "separator"}
    assert (head_statistics(np.ones((3, 1, 1), "float32"), keys[:1], same_sequence=True)["previous"] == 0).all()


def test_every_architecture_with_heads_is_among_those_with_views():
    with_heads = [name for name in catalog.names("architectures") if hasattr(shrink(name), "heads")]
    assert set(with_heads) <= set(VIEWS)
