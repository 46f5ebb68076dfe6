"""Text classification: one label or several, texts or pairs, on every architecture."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from tiny import NO_DROPOUT, all_on_torch, compatible, decide, shrink

import zoo
from zoo.objectives import build_model, compile_model
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data
from zoo.training import checkpoint


@pytest.mark.parametrize("name", all_on_torch(compatible(ClassifyText())))
def test_every_architecture_learns_eight_records_by_heart(name):
    keras.utils.set_random_seed(0)
    random = np.random.default_rng(0)
    tokens = np.where(np.arange(8) < random.integers(4, 9, (8, 1)), random.integers(5, 40, (8, 8)), 0).astype("int32")
    objective, targets = ClassifyText(labels=("a", "b", "c"), dropout=0.0), np.eye(3, dtype="float32")[np.arange(8) % 3]
    model = compile_model(objective, build_model(objective, shrink(name, **NO_DROPOUT)), keras.optimizers.Adam(0.02))
    inputs = {"tokens": tokens, "segments": np.zeros_like(tokens)}
    inputs = {name: inputs[name] for name in model.input}
    model.fit(inputs, targets, batch_size=8, epochs=60, verbose=0, shuffle=False)
    predicted = model.predict_on_batch(inputs)
    assert (predicted.argmax(1) == targets.argmax(1)).all()


def test_answers_are_sorted_and_sum_to_one():
    objective = ClassifyText(labels=("a", "b", "c"))
    answer = objective.answer(*decide(objective, np.array([[0.0, 2.0, 1.0]], "float32")), {})
    assert answer["label"] == "b"
    assert list(answer["probabilities"]) == ["b", "c", "a"]
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert objective.format(answer) == "b 0.665"


def test_labels_are_selected_from_the_threshold_on():
    objective = ClassifyText(labels=("a", "b", "c"), multi_label=True, threshold=0.7)
    decisions = decide(objective, np.array([[2.0, -1.0, 1.0], [-2.0, -1.0, -1.0]], "float32"))
    answer = objective.answer(decisions[0], {})
    assert answer["labels"] == ["a", "c"]
    assert objective.format(answer) == "a 0.881  c 0.731"
    assert objective.format(objective.answer(decisions[1], {})) == "(none)"


def test_the_threshold_is_calibrated_on_validation():
    objective = ClassifyText(labels=("a", "b"), multi_label=True)
    decisions = decide(objective, np.array([[-1.0, -3.0], [-1.2, -3.5], [-4.0, -2.8]], "float32"))
    records = [{"labels": ["a"]}, {"labels": ["a"]}, {"labels": []}]
    calibrated = objective.calibrate(decisions, records)
    assert 0.06 < calibrated.threshold < 0.23
    assert calibrated.scores(decisions, records)["f1_micro"] == 1
    assert ClassifyText(labels=("a", "b")).calibrate(decisions, records).threshold == 0.5


@pytest.mark.parametrize("multi_label", [False, True])
def test_decisions_are_those_of_plain_numpy(multi_label):
    objective = ClassifyText(labels=("a", "b", "c"), multi_label=multi_label)
    logits = np.random.default_rng(0).normal(size=(5, 3)).astype("float32")
    exponents = np.exp(logits)
    probabilities = exponents / (1 + exponents) if multi_label else exponents / exponents.sum(1, keepdims=True)
    for decision, row in zip(decide(objective, logits), probabilities, strict=True):
        assert decision["labels"].tolist() == np.argsort(-row).tolist()
        np.testing.assert_allclose(decision["probabilities"], np.sort(row)[::-1], rtol=1e-5)
        expected = {objective.labels[i]: pytest.approx(row[i], rel=1e-5) for i in range(3)}
        assert objective.answer(decision, {})["probabilities"] == expected
        assert not multi_label or decision["selected"].tolist() == (np.sort(row)[::-1] >= 0.5).tolist()
    assert set(objective.outputs) == set(decision)


def test_classes_are_weighted_by_their_inverse_frequency(tiny, tmp_path):
    rows = "text\tlabel\n" + "bad film\tx\n" * 30 + "good film\ty\n" * 10
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.tsv").write_text(rows)
    dataset = zoo.open_dataset(str(tmp_path))
    objective = replace(tiny.objective, balanced=True).prepare(dataset, tiny.architecture)
    assert objective.class_weights == pytest.approx({"x": 40 / 60, "y": 2.0})
    batch = {"tokens": np.ones((2, 3), "int32"), "labels": np.array([[1, 0], [0, 1]], "uint8")}
    np.testing.assert_allclose(objective.collate(batch, None)[2], [40 / 60, 2.0])


def test_label_smoothing_and_class_weights_reach_the_loss():
    logits, target = np.array([[3.0, 0.0]], "float32"), np.array([[1.0, 0.0]], "float32")
    plain, smooth = (
        float(ClassifyText(label_smoothing=s, labels=("a", "b")).loss(None)(target, logits)) for s in (0.0, 0.2)
    )
    assert plain == pytest.approx(np.log1p(np.exp(-3)), rel=1e-5)
    assert smooth == pytest.approx(plain + 0.1 * 3, rel=1e-5)


@pytest.mark.parametrize("multi_label", [False, True])
def test_rdrop_adds_the_divergence_of_two_passes(multi_label):
    objective, fields = ClassifyText(labels=("a", "b", "c"), multi_label=multi_label), {"rdrop": 2.0}
    batch = {"tokens": np.arange(6).reshape(2, 3), "labels": np.array([[1, 0, 0], [0, 0, 1]], "uint8")}
    inputs, targets, weights = replace(objective, **fields).collate(batch, None)
    np.testing.assert_array_equal(inputs["tokens"], [[0, 1, 2], [3, 4, 5]] * 2)
    np.testing.assert_array_equal(weights, [1] * 4)
    logits = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    exponents = np.exp(logits)
    p = exponents / (1 + exponents) if multi_label else exponents / exponents.sum(1, keepdims=True)
    choices = np.stack([p, 1 - p], -1) if multi_label else p
    logs = np.log(choices).reshape(2, 2, -1)
    passes = (choices / 3 if multi_label else choices).reshape(2, 2, -1)  # the mean over 3 labels
    divergences = [(passes[i] * (logs[i] - logs[1 - i])).sum(-1).mean() for i in (0, 1)]
    plain, more = (float(o.loss(None)(targets, logits)) for o in (objective, replace(objective, **fields)))
    assert more == pytest.approx(plain + 2.0 / 2 * np.mean(divergences), rel=1e-5)


def test_rdrop_needs_dropout():
    with pytest.raises(ValueError, match="Expected dropout for objective.rdrop"):
        ClassifyText(labels=("a",), rdrop=1.0, dropout=0.0).check_architecture(
            shrink("transformer_encoder", dropout=0.0)
        )
    with pytest.raises(ValueError, match="Expected objective.rdrop of 0 or more. Received: objective.rdrop=-1"):
        ClassifyText(labels=("a",), rdrop=-1.0).check_architecture(shrink("transformer_encoder"))


def test_training_with_rdrop(tiny, tmp_path):
    tiny = replace(tiny, objective=replace(tiny.objective, rdrop=1.0, dropout=0.3))
    assert zoo.train(tiny, to=tmp_path / "m").scores["test"]["accuracy"] > 0.9


@pytest.mark.parametrize(("multi_label", "pair"), [(True, False), (False, True)])
def test_training_with_several_labels_and_with_pairs(tiny, tmp_path, multi_label, pair):
    rows = [
        {"text": "red round", "text_pair": "red", "label": "same", "labels": ["warm", "shape"]},
        {"text": "blue", "text_pair": "red", "label": "other", "labels": ["cold"]},
        {"text": "nothing", "text_pair": "nothing", "label": "same", "labels": []},
        {"text": "red", "text_pair": "blue", "label": "other", "labels": ["warm"]},
    ]
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows * 20))
    tiny = replace(
        tiny,
        objective=replace(tiny.objective, multi_label=multi_label, pair=pair),
        data=Data(spec=str(tmp_path / "d.jsonl")),
    )
    pipeline = zoo.train(tiny, to=tmp_path / "m", overrides=["training.epochs=40"])
    assert pipeline.scores["test"]["accuracy"] == 1
    for row in rows:
        answer = pipeline.predict((row["text"], row["text_pair"]) if pair else row["text"])
        assert sorted(answer["labels"]) == sorted(row["labels"]) if multi_label else answer["label"] == row["label"]
    loaded = zoo.load(tmp_path / "m")
    assert loaded.objective == pipeline.objective
    for actual, expected in zip(*(checkpoint.values(p.model.weights) for p in (loaded, pipeline)), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_predict_takes_texts_or_pairs_as_in_training():
    with pytest.raises(ValueError, match=r"Expected text and text_pair for this model. Received: 1 text\(s\), 'one'"):
        ClassifyText(labels=("a", "b"), pair=True).fields.record("one")
    with pytest.raises(ValueError, match=r"Expected text for this model. Received: 2 text\(s\), \('one', 'two'\)"):
        ClassifyText(labels=("a", "b")).fields.record(("one", "two"))


def test_an_architecture_that_reads_two_sequences_is_refused():
    class Translator(type(shrink("averaging"))):
        def __call__(self, source, target):
            return None

    with pytest.raises(
        ValueError, match="reads one sequence of tokens. Received: Translator, which reads source and target"
    ):
        build_model(ClassifyText(labels=("a", "b")), Translator())
