"""Targets of `fit`: the documented shapes are those of `collate`, and integer labels train as one-hot labels do."""

import inspect
import re

import keras
import numpy as np
import pytest
from tiny import compatible, shrink

import zoo
from zoo import catalog
from zoo.data.collate import Collator
from zoo.layers.label_loss import LabelAccuracy, LabelCrossentropy
from zoo.objectives import build_model, compile_model
from zoo.tokenizers.words import Words

LABELS = ("bad", "fine", "good")
WORDS = ["a", "great", "film", "from", "Rome", "and", "Paris"]
RECORDS = [
    {
        "text": " ".join(WORDS[: 3 + i]),
        "text_pair": "some other text",
        "ending": "of it",
        "label": LABELS[i % 3],
        "score": float(i),
        "tokens": WORDS[: 3 + i],
        "tags": ["O", "O", "O", "O", "B-city", "O", "B-city"][: 3 + i],
        "question": "which one",
        "context": " ".join(WORDS[: 3 + i]),
        "answers": [{"text": "great", "start": 2}],
        "source": " ".join(WORDS[: 3 + i]),
        "target": "some other text",
        "instruction": "say it",
        "output": " ".join(WORDS[: 3 + i]),
    }
    for i in range(5)
]
SETTINGS = {
    "classify_text": {"labels": LABELS},
    "classify_and_tag": {"labels": LABELS, "tags": ("O", "B-city", "I-city"), "scheme": "bio"},
    "tag_tokens": {"tags": ("O", "B-city", "I-city"), "scheme": "bio"},
    "find_span": {"allow_no_answer": "no", "question_length": 8, "length": 40},
}


def prepared(name):
    """(objective, its model, inputs, targets, weights) of `RECORDS`."""
    cls = catalog.load("objectives", name)
    known = {field.name for field in cls.__dataclass_fields__.values()}
    objective = cls(**{field: value for field, value in SETTINGS.get(name, {}).items() if field in known})
    tokenizer = Words().train(text for record in RECORDS for text in record.values() if isinstance(text, str))
    switches = {"bidirectional": True} if name in ("classify_and_tag", "tag_tokens", "find_span") else {}
    suitable = compatible(objective, **switches)
    architecture = shrink(
        next(part for part in ("lstm", "bert", "rnn_seq2seq") if part in suitable),
        vocabulary=tokenizer.vocabulary_size,
        length=40,
        **switches,
    )
    model = compile_model(objective, build_model(objective, architecture))
    rows = list(objective.examples(_records(name), tokenizer))
    collator = Collator.for_model(model, objective, tokenizer, rows[0])
    batch = collator.pad(rows, np.array([collator.sizes(row) for row in rows]).max(axis=0))
    return objective, model, *objective.collate(batch, np.random.default_rng(0))


def _records(name):
    labels = {"score_pair": "score"}
    return [record | ({"label": record[labels[name]]} if name in labels else {}) for record in RECORDS]


def documented_shapes(objective, heading):
    """[(axis, ...)] that the docstring of `collate` names in the part `heading`."""
    (part,) = re.findall(rf"^{heading}: (.*(?:\n {{4}}.*)*)", inspect.getdoc(objective.collate), re.MULTILINE)
    shapes = re.findall(r"\((batch[^)]*)\)", part)
    return [tuple(axis.strip() for axis in shape.split(",") if axis.strip()) for shape in shapes]


def matches(shape, axes, sizes):
    """Whether an array's shape is that of the axes; sizes that are not known yet are added to `sizes`."""
    return len(shape) == len(axes) and all(
        size == (int(axis) if axis.isdigit() else sizes.setdefault(axis, size))
        for axis, size in zip(axes, shape, strict=True)
    )


@pytest.mark.parametrize("name", catalog.names("objectives"))
def test_documented_shapes_are_those_of_collate(name):
    objective, model, inputs, targets, weights = prepared(name)
    tokens = inputs["tokens" if "tokens" in inputs else "target"]
    sizes = dict(zip(("batch", "time"), tokens.shape, strict=True))
    for heading, arrays in (("Inputs", inputs), ("Targets", targets), ("Weights", weights)):
        shapes = documented_shapes(objective, heading)
        assert shapes, heading
        arrays = {key: arrays[key] for key in model.input} if heading == "Inputs" else arrays
        for array in keras.tree.flatten(arrays):
            assert any(matches(array.shape, axes, dict(sizes)) for axes in shapes), (heading, array.shape)
    model.fit(
        {key: inputs[key] for key in model.input}, targets, sample_weight=weights, batch_size=len(tokens), verbose=0
    )


@pytest.mark.parametrize("form", ["integers", "column"])
def test_integer_labels_train_as_one_hot_labels_do(form):
    random = np.random.default_rng(0)
    inputs, labels = {"tokens": random.integers(1, 30, (24, 6))}, random.integers(0, 3, 24)
    histories = []
    for targets in (np.eye(3, dtype="float32")[labels], labels if form == "integers" else labels[:, None]):
        keras.utils.set_random_seed(0)
        model = zoo.build("averaging", "classify_text", vocabulary=30, labels=LABELS, width=8, label_smoothing=0.1)
        histories.append(model.fit(inputs, targets, epochs=2, batch_size=8, shuffle=False, verbose=0).history)
        assert model.evaluate(inputs, targets, verbose=0, return_dict=True)["accuracy"] <= 1
    assert histories[0] == histories[1]


def test_accuracy_and_loss_of_integer_labels():
    logits = np.array([[2.0, 0.0, 0.0], [0.0, 0.0, 3.0]], "float32")
    expected = keras.losses.CategoricalCrossentropy(from_logits=True)(np.eye(3)[[0, 1]], logits)
    assert float(LabelCrossentropy(from_logits=True)(np.array([0, 1]), logits)) == pytest.approx(float(expected))
    accuracy = LabelAccuracy()
    accuracy.update_state(np.array([0, 1]), logits)
    assert float(accuracy.result()) == 0.5
