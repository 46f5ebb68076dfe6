"""Packing: full rows, no attention between examples, and the outputs and loss of one example per row."""

import keras
import numpy as np
import pytest
from tiny import NO_DROPOUT, shrink

import zoo
from zoo.data.batches import Batches
from zoo.data.collate import Collator
from zoo.data.examples import Examples, save
from zoo.data.packing import PackedExamples, pack_first_fit
from zoo.objectives import build_model, compile_model
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.masked_token import MaskedToken
from zoo.objectives.next_sentence import NextSentence
from zoo.objectives.next_token import NextToken
from zoo.objectives.pretrain import Pretrain
from zoo.objectives.score_pair import ScorePair
from zoo.objectives.translate import Translate
from zoo.tokenizers.words import Words
from zoo.transforms.packed import pack_model

TEXTS = ["a b c d. e f g", "h i. j", "k l m n o p q r. s t", "a c. e g i", "b d f h j l. n", "o. q s"]
TEXT = [{"text": text, "ending": ""} for text in TEXTS]
PAIRS = [{"source": text, "target": text[::-1]} for text in TEXTS]
INSTRUCTIONS = [{"instruction": text, "output": text[:4]} for text in TEXTS]
LABELLED = [{"text": text, "label": text[0]} for text in TEXTS]
SCORED = [{"text": text, "text_pair": text[::-1], "label": len(text)} for text in TEXTS]
PACKED_LENGTH = 40
CASES = [
    ("next_token", NextToken(length=9), TEXT, ["gpt2", "llama"]),
    ("masked_token", MaskedToken(length=9), TEXT, ["bert", "transformer_encoder", "roberta"]),
    ("next_sentence", NextSentence(length=20, dropout=0.0), TEXT, ["bert", "transformer_encoder"]),
    ("pretrain", Pretrain(length=20), TEXT, ["bert"]),
    ("translate", Translate(length=20, target_length=20), PAIRS, ["transformer"]),
    ("follow_instructions", FollowInstructions(length=20), INSTRUCTIONS, ["gpt2", "transformer"]),
    ("classify_text", ClassifyText(labels=tuple("abhkon"), length=20, dropout=0.0), LABELLED, ["bert"]),
    ("score_pair", ScorePair(length=20, dropout=0.0, mean=9.0, std=3.0), SCORED, ["bert"]),
]
EVERY = [
    pytest.param(objective, records, name, id=f"{case}-{name}")
    for case, objective, records, names in CASES
    for name in names
]


@pytest.fixture(scope="module")
def words():
    return Words().train([*TEXTS, *(text[::-1] for text in TEXTS), "User Assistant :"])


def test_rows_are_filled_and_every_example_is_in_one():
    random = np.random.default_rng(0)
    sizes = random.integers(1, 60, (500, 2))
    rows = pack_first_fit(sizes, 100)
    assert sorted(i for row in rows for i in row) == list(range(500))
    assert max(sizes[row].sum(0).max() for row in rows) <= 100
    assert len(rows) < 1.25 * sizes.sum(0).max() / 100


def packing_case(objective, records, name, words, tmp_path):
    keras.utils.set_random_seed(0)
    architecture = shrink(name, vocabulary=words.vocabulary_size, length=64, **NO_DROPOUT)
    objective = objective.preparation(architecture).objective
    model = build_model(objective, architecture)
    rows = list(objective.examples(records, words))
    save(tmp_path / "rows", rows)
    examples = Examples(tmp_path / "rows", Collator.for_model(model, objective, words, rows[0]))
    packed_model = pack_model(model)
    return objective, model, packed_model, examples, PackedExamples(examples, packed_model, PACKED_LENGTH)


@pytest.mark.parametrize(("objective", "records", "name"), EVERY)
def test_packed_rows_have_the_outputs_of_their_examples_alone(objective, records, name, words, tmp_path):
    objective, model, packed_model, examples, packed_examples = packing_case(objective, records, name, words, tmp_path)
    assert len(packed_examples) < len(examples)
    outputs = []
    for network, source in ((model, examples), (packed_model, packed_examples)):
        shapes = source.shapes(objective.length).max(axis=0)
        batch = source.batch(range(len(source)), shapes)
        inputs = {key: batch[key] for key in network.input if key != "mask_positions"}
        if "mask_positions" in network.input:
            inputs["mask_positions"] = np.tile(np.arange(shapes[0], dtype="int32"), (len(source), 1))
        actual = keras.tree.flatten(network(inputs, training=False))
        outputs.append([keras.ops.convert_to_numpy(y) for y in actual])
    for unpacked, packed in zip(*outputs, strict=True):
        for number, row in enumerate(packed_examples.rows):
            start = 0
            for index, example in enumerate(row):
                if packed.shape[1] == packed_examples.most:  # one output an example
                    np.testing.assert_allclose(packed[number, index], unpacked[example], atol=1e-5)
                    continue
                size = examples.sizes[example, -1 if "target" in model.input else 0]
                np.testing.assert_allclose(packed[number, start : start + size], unpacked[example, :size], atol=1e-5)
                start += size


@pytest.mark.parametrize(
    ("objective", "records", "name"), [case for case in EVERY if "masked" not in case.id and "pretrain" not in case.id]
)
def test_packed_rows_have_the_same_loss(objective, records, name, words, tmp_path):
    objective, model, packed_model, examples, packed_examples = packing_case(objective, records, name, words, tmp_path)
    losses = []
    for network, source in ((model, examples), (packed_model, packed_examples)):
        compile_model(objective, network, keras.optimizers.SGD(0.0))
        batches = Batches(source, objective, len(source), accumulation=1)
        (inputs, targets, weights) = next(batches.stream(0))
        losses.append(
            float(
                network.evaluate(
                    inputs, targets, sample_weight=weights, verbose=0, batch_size=len(source), return_dict=True
                )["loss"]
            )
        )
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.mark.parametrize(("objective", "records", "name"), [(*CASES[1][1:3], "bert"), (*CASES[3][1:3], "bert")])
def test_labels_are_the_tokens_at_the_mask_positions(objective, records, name, words, tmp_path):
    objective, _, _, _, packed_examples = packing_case(objective, records, name, words, tmp_path)
    before = packed_examples.batch(range(len(packed_examples)), packed_examples.shapes(0)[0])
    inputs, targets, weights = objective.collate(
        packed_examples.batch(range(len(packed_examples)), packed_examples.shapes(0)[0]), np.random.default_rng(0)
    )
    labels, sample_weight = (y["tokens"] if isinstance(y, dict) else y for y in (targets, weights))
    originals = np.take_along_axis(before["tokens"], inputs["mask_positions"], axis=1)
    np.testing.assert_array_equal(originals[sample_weight > 0], labels[sample_weight > 0])
    assert (sample_weight > 0).any(1).all()


@pytest.mark.parametrize("name", ["lstm", "conv", "lstm_cnn"])
def test_recurrent_and_convolutional_networks_are_refused(name):
    with pytest.raises(
        ValueError, match="that mixes tokens in attention and pooling only. Received: one with the layer"
    ):
        pack_model(build_model(NextSentence(), shrink(name)))


def test_a_row_must_hold_the_longest_example(words, tmp_path):
    *_, packed_model, examples, _ = packing_case(NextSentence(length=20), TEXT, "bert", words, tmp_path)
    with pytest.raises(ValueError, match=r"at least the longest, \d+. Received: 4"):
        PackedExamples(examples, packed_model, 4)


def test_objectives_that_cannot_pack_are_refused():
    with pytest.raises(ValueError, match="must be 0 with TagTokens. Received: training.packed_length=64"):
        zoo.train("lstm_cnn_helpdesk_tag_tokens", overrides=["training.packed_length=64"])
