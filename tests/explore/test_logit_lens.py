"""The logit lens: what each layer would predict, by the network's own head."""

import numpy as np
import pytest
from keras import ops
from tiny import all_on_torch
from tiny_pipelines import record_of, run_of, tiny_pipeline, tiny_run

from zoo import catalog
from zoo.explore.logit_lens import logit_lens
from zoo.explore.output_classes import output_classes
from zoo.explore.text_run import run_text
from zoo.layers.lora import attach
from zoo.transforms.graph import Graph

BERT_STREAM = ("embedding_dropout", "block0_feed_forward_norm", "block1_feed_forward_norm")
PRE_NORM_STREAM = ("embedding_dropout", "block0_feed_forward_sum", "block1_feed_forward_sum")
STREAMS = {  # the layers that compute the residual stream: before the first block, and after each
    "averaging": ("dense0", "dense1"),
    "bart": ("target_dropout", "decoder0_feed_forward_norm", "decoder1_feed_forward_norm"),
    "bert": BERT_STREAM,
    "conv": ("embedding_dropout", "block0_sum", "block1_sum"),
    "distilbert": BERT_STREAM,
    "gpt2": PRE_NORM_STREAM,
    "gru": ("layer0_forwards", "layer1_forwards"),
    "llama": ("embedding", "block0_feed_forward_sum", "block1_feed_forward_sum"),
    "lstm": ("layer0_forwards", "layer1_forwards"),
    "lstm_cnn": ("embedding_dropout", "layer0", "layer1"),
    "mlp": ("dense0", "dense1"),
    "rnn": ("layer0_forwards", "layer1_forwards"),
    "rnn_seq2seq": ("decoder0", "decoder1"),
    "roberta": BERT_STREAM,
    "t5": ("decoder_dropout", "decoder0_feed_forward_sum", "decoder1_feed_forward_sum"),
    "transformer": ("target_dropout", "decoder0_feed_forward_norm", "decoder1_feed_forward_norm"),
    "transformer_encoder": PRE_NORM_STREAM,
}
FEW = ("averaging", "gpt2", "rnn_seq2seq", "transformer", "transformer_encoder")
ARCHITECTURES = [name for name in catalog.names("architectures") if name != "text_cnn"]


@pytest.fixture(scope="module", params=all_on_torch(ARCHITECTURES, FEW))
def run(request):
    return run_of(request.param)


@pytest.fixture(scope="module")
def lens(run):
    return logit_lens(run)


def inputs_of(run):
    return {name: ops.convert_to_tensor(run.inputs[name]) for name in run.pipeline.model.input}


def probabilities(candidates):
    return np.array([[candidate.probability for candidate in row] for row in candidates])


def assert_rows_are(lens, layer, run, outputs):
    classes = output_classes(run.pipeline)
    assert lens.candidates[layer] == classes.top(classes.logits(outputs), 5)
    np.testing.assert_array_equal(lens.entropy[layer], classes.entropy(classes.logits(outputs)))


def test_the_last_layer_predicts_what_the_network_predicts(run, lens):
    assert_rows_are(lens, -1, run, run.pipeline.model(inputs_of(run), training=False))
    assert not lens.rank[-1].any()


def test_each_layer_is_read_by_the_head(run, lens):
    """Its output, of the layer that `STREAMS` names, takes the place of the last block's."""
    architecture = catalog.name_of("architectures", run.pipeline.preset.architecture)
    *_, last = names = STREAMS[architecture]
    assert len(lens.layers) == len(names)
    for number, name in enumerate(names):
        outputs = {}

        def call(step, *args, name=name, outputs=outputs, **kwargs):
            outputs.setdefault(step.layer.name, step.layer(*args, **kwargs))
            return outputs[name] if step.layer.name == last else step.layer(*args, **kwargs)

        assert_rows_are(lens, number, run, Graph(run.pipeline.model).run(inputs_of(run), call))


def test_distributions_are_complete_and_ordered(run, lens):
    shape = (len(lens.layers), len(lens.candidates[0]))
    assert lens.rank.shape == lens.entropy.shape == shape
    assert shape[1] == (len(run.sequences[lens.sequence]) if lens.sequence else 1)
    first = [[row[0].text for row in layer] for layer in lens.candidates]
    same = np.array([[text == last for text, last in zip(layer, first[-1], strict=True)] for layer in first])
    np.testing.assert_array_equal(lens.rank == 0, same)
    for layer in lens.candidates:
        p = probabilities(layer)
        assert (np.diff(p) <= 0).all()
        assert (p > 0).all()
        assert (p.sum(axis=1) <= 1 + 1e-5).all()
    assert (lens.entropy > 0).all()


def test_the_lens_changes_no_answer():
    run = run_of("gpt2")
    before = ops.convert_to_numpy(run.model(inputs_of(run)))
    logit_lens(run)
    np.testing.assert_array_equal(ops.convert_to_numpy(run.model(inputs_of(run))), before)


def test_a_masked_lm_head_predicts_all_tokens():
    run = tiny_run("masked_token", "bert", depth=2)
    lens, (position,) = logit_lens(run), run.inputs["mask_positions"][0]
    assert lens.layers == ["embedding", "block0", "block1"]
    assert len(lens.candidates[0]) == len(run.sequences["tokens"])
    p = ops.convert_to_numpy(ops.softmax(run.model(inputs_of(run))))[0, 0]
    assert lens.candidates[-1][position][0].probability == pytest.approx(p.max(), abs=1e-5)
    logit_lens(tiny_run("pretrain", "bert", depth=2))  # whose answers come from a network of losses


@pytest.mark.parametrize(
    ("objective", "settings", "texts"),
    [
        ("tag_tokens", {}, {"NOUN", "VERB", "X"}),
        ("tag_tokens", {"crf": True}, {"NOUN", "VERB", "X"}),
        ("classify_and_tag", {}, {"NOUN", "VERB", "X"}),
        ("classify_text", {}, {"good", "bad", "fair"}),
        ("classify_text", {"multi_label": True}, {"good", "bad", "fair"}),
        ("next_sentence", {}, {"follows"}),
    ],
)
def test_candidates_are_tags_or_labels(objective, settings, texts):
    run = tiny_run(objective, "distilbert", depth=2, **settings)
    lens = logit_lens(run)
    assert {candidate.text for row in lens.candidates[-1] for candidate in row} == texts
    positions = len(run.sequences["tokens"]) if "tags" in str(run.pipeline.objective) else 1
    assert len(lens.candidates[-1]) == positions
    if settings == {"multi_label": True}:
        p = probabilities(lens.candidates[-1])[0]
        assert lens.entropy[-1, 0] == pytest.approx(-(p * np.log(p) + (1 - p) * np.log(1 - p)).sum(), abs=1e-5)


@pytest.mark.parametrize("objective", ["find_span", "embed_text", "score_pair"])
def test_no_lens_without_classes(objective):
    assert logit_lens(tiny_run(objective, "distilbert", depth=2)) is None


def test_no_lens_without_a_stack():
    assert logit_lens(tiny_run("classify_text", "text_cnn")) is None
    assert logit_lens(tiny_run("tag_tokens", "lstm", depth=1)) is None  # word vectors of another width
    assert logit_lens(tiny_run("tag_tokens", "lstm", depth=1, width=12)).layers == ["embedding", "layer0"]


def test_directions_of_a_layer_are_one_block():
    lens = logit_lens(tiny_run("tag_tokens", "lstm", depth=2, bidirectional=True))
    assert lens.layers == ["layer0", "layer1"]
    assert lens.rank.shape[0] == 2


def test_an_encoder_decoder_that_classifies_is_read_at_its_decoder():
    run = tiny_run("classify_text", "bart", depth=2, decoder_start_id=2)
    lens = logit_lens(run)
    assert lens.layers == ["embedding", "decoder0", "decoder1"]
    assert_rows_are(lens, -1, run, run.model(inputs_of(run), training=False))


def test_updates_of_lora_count():
    pipeline = tiny_pipeline("tag_tokens", "transformer_encoder", depth=2)
    before = logit_lens(run_text(pipeline, record_of("tag_tokens")))
    for number in range(2):
        update = attach(pipeline.model.get_layer(f"block{number}_feed_forward").down, "kernel", rank=2, scale=1.0)
        update.b.assign(np.random.default_rng(number).normal(size=update.b.shape))
    run = run_text(pipeline, record_of("tag_tokens"))
    lens = logit_lens(run)
    assert_rows_are(lens, -1, run, run.model(inputs_of(run), training=False))
    np.testing.assert_array_equal(lens.entropy[0], before.entropy[0])  # the embedding has no update
    assert (abs(lens.entropy[1:] - before.entropy[1:]).max(axis=1) > 0.01).all()
