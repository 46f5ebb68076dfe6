"""Truncated back-propagation: recurrent layers keep their state from batch to batch."""

import dataclasses

import keras
import numpy as np
import pytest
from tiny import NO_DROPOUT, shrink

import zoo
from zoo.data.collate import Collator
from zoo.data.contiguous import ContiguousBatches
from zoo.data.examples import Examples, save
from zoo.objectives import build_model
from zoo.objectives.next_token import NextToken
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words
from zoo.transforms.stateful import make_stateful

OBJECTIVE = NextToken(length=8, stateful=True)


@pytest.fixture
def examples(tmp_path):
    ids = np.random.default_rng(0).integers(5, 40, 8 * 12 + 4).astype("int32")
    rows = [{"tokens": ids[i : i + 8], "labels": ids[i : i + 8]} for i in range(0, len(ids), 8)]
    save(tmp_path / "rows", rows)
    return Examples(tmp_path / "rows", Collator(("tokens",), ("labels",)))


def test_rows_continue_from_batch_to_batch(examples):
    batches = ContiguousBatches(examples, OBJECTIVE, 3)
    assert len(batches) == 4
    stream = batches.stream(0)
    batch_inputs = [next(stream)[0] for _ in range(5)]
    np.testing.assert_array_equal(
        np.concatenate([inputs["tokens"] for inputs in batch_inputs[:4]], axis=1),
        np.concatenate([examples.row("tokens", i) for i in range(12)]).reshape(3, 32),
    )
    assert [float(inputs["reset"].mean()) for inputs in batch_inputs] == [1, 0, 0, 0, 1]


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm"])
def test_a_text_in_parts_has_the_outputs_of_the_whole(name):
    model = build_model(OBJECTIVE, shrink(name, **NO_DROPOUT, depth=2))
    network = make_stateful(model, 3)
    tokens = np.random.default_rng(0).integers(1, 40, (3, 20)).astype("int32")
    at_once = keras.ops.convert_to_numpy(model({"tokens": tokens}))
    for _ in range(2):  # the second time the states are reset
        parts = [
            network({"tokens": tokens[:, i : i + 5], "reset": np.full((3, 1), float(i == 0), "float32")}, training=True)
            for i in range(0, 20, 5)
        ]
        actual = np.concatenate([keras.ops.convert_to_numpy(part) for part in parts], axis=1)
        np.testing.assert_allclose(actual, at_once, atol=1e-5)


@pytest.mark.parametrize(
    ("architecture", "reason"), [(shrink("gpt2"), "Received: none"), (shrink("lstm", bidirectional=True), "in reverse")]
)
def test_networks_without_forward_recurrence_are_refused(architecture, reason):
    with pytest.raises(ValueError, match=reason):
        make_stateful(keras.Model((backbone := architecture.backbone()).input, backbone.output), 3)


def test_training(tmp_path):
    (tmp_path / "play.txt").write_text("".join(f"line {i % 7} of the play\n" for i in range(200)))
    preset = Preset(
        architecture=shrink("lstm"),
        objective=OBJECTIVE,
        tokenizer=Words(),
        data=Data(spec=str(tmp_path / "play.txt")),
        training=Training(epochs=3, batch_size=4, learning_rate=2e-2),
    )
    pipeline = zoo.train(preset, to=tmp_path / "m")
    assert pipeline.scores["test"]["perplexity"] < 4
    with pytest.raises(ValueError, match="contradict each other"):
        zoo.train(dataclasses.replace(preset, training=Training(packed_length=64)), to=tmp_path / "n")
