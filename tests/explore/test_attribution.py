"""Attributions: completeness of integrated gradients, gradients against differences, and decisive words."""

from functools import cache

import keras
import numpy as np
import pytest
from keras import ops
from tiny import all_on_torch, compatible
from tiny_pipelines import record_of, tiny_pipeline, tiny_run

import zoo
from zoo import catalog
from zoo.architectures.averaging import Averaging
from zoo.architectures.text_cnn import TextCNN
from zoo.explore.answer_outputs import answer_outputs
from zoo.explore.attribution import GRADIENT, INTEGRATED, METHODS, OCCLUSION, attribute
from zoo.explore.embedding_graph import EmbeddingGraph
from zoo.explore.integrated_gradients import integrated_gradients
from zoo.explore.text_run import run_text
from zoo.explore.variants import mask_id
from zoo.layers.lora import attach

FEW = ("distilbert", "rnn_seq2seq", "text_cnn")  # architectures of quick runs where each is compiled


def graph_of(run, choices=1):
    answer = answer_outputs(run, choices)
    return EmbeddingGraph(answer.model, run.inputs, run.pipeline.tokenizer.padding, answer.read)


def values_of(attribution, name):
    """The contributions of a method to (outputs, tokens of all sequences)."""
    (method,) = [method for method in attribution.methods if method.name == name]
    return np.concatenate(list(method.values.values()), axis=1)


@cache
def run_of(architecture):
    """The run of a network with weights that are the same on all backends, and its first objective of these."""
    names = ("translate", "next_token", "tag_tokens", "classify_text")
    objective = next(name for name in names if architecture in compatible(catalog.load("objectives", name)()))
    pipeline = tiny_pipeline(objective, architecture)
    set_weights(pipeline)
    return run_text(pipeline, record_of(objective), max_new_tokens=4)


def set_weights(pipeline):
    random = np.random.default_rng(0)
    for weight in pipeline.model.trainable_weights:
        weight.assign(random.normal(size=weight.shape) * 0.3)


@pytest.fixture(scope="module", params=all_on_torch(catalog.names("architectures"), FEW))
def run(request):
    return run_of(request.param)


@pytest.fixture(scope="module")
def attribution(run):
    return attribute(run, choices=1)


def test_integrated_gradients_add_up_to_the_difference_of_outputs(run, attribution):
    baseline, text = graph_of(run).values([0, 1])
    np.testing.assert_allclose(text, attribution.values, atol=1e-4)
    difference = text - baseline
    sums = values_of(attribution, INTEGRATED).sum(1)
    gap = np.abs(sums - difference) / np.maximum(np.abs(difference), 1e-4 * np.maximum(abs(text), abs(baseline)))
    assert gap.max() < 0.01
    np.testing.assert_allclose(attribution.methods[METHODS.index(INTEGRATED)].gap, gap, atol=1e-5)


def test_gradient_x_input_is_the_slope_of_the_output(run):
    """Of the output by the length of the embeddings of the text, with padding of zeros as the baseline."""
    graph = graph_of(run)
    for embedding in graph.embeddings:
        embedding.baseline = ops.zeros_like(embedding.baseline)
    count = graph.values([1.0]).shape[1]
    step = 1e-2
    slope = np.diff(graph.values([1 - step, 1 + step]), axis=0)[0] / (2 * step)
    total = graph.contributions(np.ones(count), np.arange(count)).sum(1)
    np.testing.assert_allclose(total, slope, rtol=0.05, atol=0.02 * np.abs(total).max() + 1e-4)
    by_embedding = graph.contributions(np.ones(count), np.arange(count), baseline=False)
    np.testing.assert_allclose(by_embedding.sum(1), total, rtol=1e-5, atol=1e-6)


def test_occlusion_is_the_difference_to_a_masked_token(run, attribution):
    answer, model = answer_outputs(run, 1), run.pipeline.model
    name, position = next(iter(run.sequences)), 1
    inputs = {key: run.inputs[key].copy() for key in model.input}
    inputs[name][0, position] = mask_id(run.pipeline.tokenizer)
    masked = ops.convert_to_numpy(answer.read(keras.tree.map_structure(ops.convert_to_tensor, model(inputs))))[0]
    method = attribution.methods[METHODS.index(OCCLUSION)]
    np.testing.assert_allclose(method.values[name][:, position], attribution.values - masked, atol=1e-5)


def test_no_output_of_the_network_changes():
    run = run_of("bert")
    model = run.pipeline.model
    inputs = {name: run.inputs[name] for name in model.input}
    before = ops.convert_to_numpy(keras.tree.flatten(model(inputs))[0])
    attribute(run, [GRADIENT], choices=1)
    np.testing.assert_array_equal(ops.convert_to_numpy(keras.tree.flatten(model(inputs))[0]), before)


def test_gradient_x_input_of_a_linear_network_is_exact():
    pipeline = tiny_pipeline("classify_text", "averaging", depth=0)
    run = run_text(pipeline, record_of("classify_text"))
    attribution = attribute(run)
    embeddings, head = pipeline.model.get_layer("embedding").get_weights()[0], pipeline.model.get_layer("logits")
    kernel, bias = head.get_weights()
    labels = [pipeline.objective.labels.index(name.removeprefix("label ")) for name in attribution.outputs]
    expected = (embeddings[run.inputs["tokens"][0]] @ kernel).T[labels] / run.inputs["tokens"].size
    for name in (GRADIENT, INTEGRATED):
        np.testing.assert_allclose(values_of(attribution, name), expected, atol=1e-6)
    np.testing.assert_allclose(attribution.values, expected.sum(1) + bias[labels], atol=1e-6)
    assert list(attribution.values) == sorted(attribution.values, reverse=True)
    assert attribution.chosen == [0]
    assert attribution.groups == [0, 0, 0]


def test_integrated_gradients_of_a_step_report_their_gap():
    """The output jumps from 0 to 1 at an odd position, where its gradient is 0: nothing adds up to 1."""
    _, gap = integrated_gradients(
        lambda positions: (np.asarray(positions) > 0.123)[:, None].astype(float),
        lambda p, outputs: np.zeros((len(p), 2)),
    )
    assert gap == [1.0]


@pytest.mark.parametrize("architecture", all_on_torch(["gpt2", "llama", "lstm", "bart"], ["gpt2"]))
def test_tokens_that_come_later_contribute_nothing(architecture):
    run = run_of(architecture)
    attribution = attribute(run, choices=100)
    name = run.output_sequence
    generated = run.inputs[name].size - run.prompt_length
    assert attribution.groups == sorted([*range(generated)] * 2)
    assert attribution.chosen == [*range(0, 2 * generated, 2)]
    for method in attribution.methods:
        later = np.arange(run.inputs[name].size) >= run.prompt_length + np.array(attribution.groups)[:, None]
        np.testing.assert_allclose(method.values[name][later], 0, atol=1e-6 if method.name == OCCLUSION else 0)
        assert np.abs(method.values[name][~later]).max() > 0
        assert all(np.abs(values).max() > 0 for values in method.values.values())  # of the source too


def test_a_generated_token_is_likelier_than_its_rival():
    attribution = attribute(run_of("gpt2"), [GRADIENT], choices=100)
    texts = [name.partition(": ")[2] for name in attribution.outputs]
    generated = [token.text.strip() for token in run_of("gpt2").sequences["tokens"] if token.generated]
    assert texts[::2] == generated
    padding_is_never_generated = [text != "[PAD]" for text in texts[1::2]]
    better = attribution.values[::2] >= attribution.values[1::2]
    assert better[padding_is_never_generated].all()


@pytest.mark.parametrize("objective", all_on_torch(catalog.names("objectives"), ["classify_and_tag"]))
def test_chosen_outputs_are_those_of_the_answer(objective):
    run = tiny_run(objective, "bart" if objective == "translate" else _first(objective), length=32)
    attribution = attribute(run, [GRADIENT], choices=3)
    assert len(attribution.outputs) == len(attribution.values) == len(attribution.groups)
    assert max(attribution.groups) < 3
    chosen = [attribution.outputs[i] for i in attribution.chosen]
    answer = run.pipeline.answers([run.record])[0] if objective not in GENERATE else _first_generated(run)
    assert chosen[: len(EXPECTED[objective](answer))] == EXPECTED[objective](answer)


GENERATE = ("translate", "next_token", "follow_instructions")
EXPECTED = {  # objective -> names of the first outputs of an answer
    "classify_text": lambda answer: [f"label {answer['label']}"],
    "classify_and_tag": lambda answer: [f"label {answer['label']}", f"token 1: {answer['tags'][0]['tag']}"],
    "tag_tokens": lambda answer: [f"token {i}: {word['tag']}" for i, word in enumerate(answer[:3], start=1)],
    "find_span": lambda answer: [f"start {5 + answer['start'] // 4}: {answer['answer'].split()[0]}"],
    "score_pair": lambda answer: ["score"],
    "next_sentence": lambda answer: ["follows"],
    "pretrain": lambda answer: ["follows"],
    "masked_token": lambda answer: [f"mask 3: {next(iter(answer['masks'][0]))}"],
    "embed_text": lambda answer: ["similarity to the text itself"],
    **dict.fromkeys(GENERATE, lambda answer: [f"generated 1: {answer['text']}"]),
}


def _first_generated(run):
    return {"text": next(token.text.strip() for token in run.sequences[run.output_sequence] if token.generated)}


def _first(objective):
    names = compatible(catalog.load("objectives", objective)(), causal=True)
    return next(name for name in ("bert", "gpt2") if name in names)


def test_similarity_of_a_pair_of_texts():
    pipeline = tiny_pipeline("embed_text", "averaging")
    record = {"text": "the cat sat", "text_pair": "the dog sat"}
    attribution = attribute(run_text(pipeline, record))
    assert attribution.outputs == ["similarity to the second text"]
    np.testing.assert_allclose(attribution.values, [pipeline.answers([record])[0]["similarity"]], atol=1e-6)


def test_all_selected_labels_are_chosen():
    labels = tuple("abcdefgh")
    pipeline = tiny_pipeline("classify_text", "averaging", labels=labels, multi_label=True, threshold=0.0)
    run = run_text(pipeline, record_of("classify_text"))
    attribution = attribute(run, [GRADIENT])
    assert attribution.chosen == list(range(8))
    assert {name.removeprefix("label ") for name in attribution.outputs} == set(labels)


def test_an_empty_text_has_special_tokens_or_no_attribution():
    run = run_text(tiny_pipeline("classify_text", "averaging"), {"text": ""})
    assert attribute(run).methods[0].values["tokens"].shape == (3, 2)
    assert attribute(run.with_inputs(tokens=np.zeros((1, 0), "int32"))) is None


def test_an_unknown_method_is_an_error():
    with pytest.raises(ValueError, match="occlusion"):
        attribute(tiny_run("classify_text", "averaging"), ["oclusion"])


def test_quantized_weights_have_occlusion_only():
    pipeline = tiny_pipeline("classify_text", "averaging")
    pipeline.weight_type = "int8"
    methods = attribute(run_text(pipeline, record_of("classify_text"))).methods
    assert [method.name for method in methods] == [OCCLUSION]


def test_a_lora_update_counts():
    record = record_of("classify_text")
    before = attribute(run_text(tiny_pipeline("classify_text", "bert", depth=2), record), [GRADIENT])
    pipeline = tiny_pipeline("classify_text", "bert", depth=2)
    for layer in ("query", "value"):
        update = attach(getattr(pipeline.model.get_layer("block1_attention"), layer), "kernel", rank=2, scale=1.0)
        update.b.assign(np.ones(update.b.shape))
    run = run_text(pipeline, record)
    after = attribute(run, [GRADIENT, INTEGRATED])
    assert np.abs(values_of(before, GRADIENT) - values_of(after, GRADIENT)).max() > 1e-3
    np.testing.assert_allclose(graph_of(run).values([1.0])[0], after.values, atol=1e-5)
    assert after.methods[1].gap.max() < 0.01


@pytest.fixture(scope="module", params=["averaging", "text_cnn"])
def trained(request, reviews, tmp_path_factory):
    """A pipeline that was trained on texts of 2 to 6 words, one of which decides the label."""
    cnn = TextCNN(width=16, filters=16, kernels=(1, 2), word_dropout=0.0, embedding_dropout=0.0, dropout=0.0)
    architecture = {"averaging": Averaging(width=16), "text_cnn": cnn}
    preset = zoo.Preset(
        architecture=architecture[request.param],
        objective=catalog.load("objectives", "classify_text")(length=16),
        tokenizer=catalog.load("tokenizers", "words")(),
        data=zoo.Data(spec=str(reviews)),
        training=zoo.Training(epochs=12, batch_size=16, learning_rate=2e-2),
    )
    return zoo.train(preset, to=tmp_path_factory.mktemp("models") / request.param)


@pytest.mark.parametrize(
    ("text", "word"), [("the film was superb with people", 4), ("horrid story and then some more", 1)]
)
def test_the_decisive_word_contributes_most(trained, text, word):
    attribution = attribute(run_text(trained, {"text": text}))
    (chosen,) = attribution.chosen
    other = 1 - chosen
    for method in attribution.methods:
        values = method.values["tokens"]
        assert values[chosen].argmax() == word, method.name
        assert (values[chosen] - values[other]).argmax() == word, method.name


@pytest.mark.parametrize("architecture", ["bert", "gru", "text_cnn"])
def test_the_same_on_all_backends(architecture):
    pipeline = tiny_pipeline("classify_text", architecture)
    set_weights(pipeline)
    attribution = attribute(run_text(pipeline, {"text": "the cat sat"}))
    for name, expected in zip((INTEGRATED, GRADIENT, OCCLUSION), TORCH[architecture], strict=True):
        np.testing.assert_allclose(values_of(attribution, name)[0], expected, atol=1e-5, err_msg=name)


TORCH = {  # contributions of [CLS] the cat sat [SEP] to the first output, by each method, on torch
    "bert": (
        [0.004979, 0.00204, -0.00723, -0.005665, -0.006746],
        [0.009728, 0.002027, -0.005132, -0.004908, -0.004236],
        [-0.017426, -0.012281, -0.021175, -0.018704, -0.026451],
    ),
    "gru": (
        [-0.010204, -0.003101, 0.032835, -0.03104, 0.057267],
        [-0.01038, 0.0002, 0.027919, -0.034902, 0.035757],
        [-0.036599, -0.016337, 0.011261, -0.037312, 0.020392],
    ),
    "text_cnn": (
        [-0.281733, 0.054322, -0.390169, -0.107905, 0.273434],
        [-0.316128, 0.072844, -0.275761, -0.100885, 0.183908],
        [-0.423373, 0.6106, 0.163335, -0.34268, 0.467979],
    ),
}
