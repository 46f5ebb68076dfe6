"""Callbacks, an optimizer, a loss and metrics of the caller's own, in a run that resumes."""

import csv
from dataclasses import dataclass, replace

import keras
import numpy as np
import pytest
from kill import KilledError, kill_after

import zoo
from zoo import catalog
from zoo.objectives.classify_text import ClassifyText
from zoo.training import checkpoint
from zoo.training.compiling import CompileOptions


class Record(keras.callbacks.Callback):
    """Records the validation score of each epoch."""

    def __init__(self):
        super().__init__()
        self.scores = []

    def on_epoch_end(self, epoch, logs=None):
        self.scores.append(logs["val_accuracy"])


def squared(y_true, y_pred):
    """The squared error of the probabilities."""
    return keras.ops.mean((keras.ops.softmax(y_pred) - y_true) ** 2, axis=-1)


def history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_callbacks_see_the_scores_and_can_stop_the_run(tiny, tmp_path):
    record = Record()
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(stop.model, "stop_training", True))
    zoo.train(tiny, to=tmp_path / "m", callbacks=[record, stop])
    assert len(history(tmp_path / "m")) == 1 == len(record.scores)
    assert record.scores == [float(history(tmp_path / "m")[0]["val_accuracy"])]


def test_an_optimizer_a_loss_and_a_metric_of_ones_own(tiny, tmp_path):
    made = []

    def lion(**options):
        made.append((keras.optimizers.Lion(**options), options))
        return made[-1][0]

    metric = keras.metrics.TopKCategoricalAccuracy(1, name="top")
    tiny = replace(tiny, training=replace(tiny.training, epochs=2, learning_rate=3e-3, clip_norm=0.5))
    zoo.train(tiny, to=tmp_path / "m", optimizer=lion, loss=squared, metrics=[metric])
    rows = history(tmp_path / "m")
    assert 0 < float(rows[0]["top"]) <= 1
    assert float(rows[0]["loss"]) < 0.5  # a squared error of two probabilities; cross-entropy begins at 0.69
    ((optimizer, options),) = made
    assert (type(optimizer).__name__, options["global_clipnorm"]) == ("Lion", 0.5)
    assert int(optimizer.iterations) == 24
    assert float(rows[-1]["learning_rate"]) < float(rows[0]["learning_rate"]) <= 3e-3


def test_the_run_resumes_to_the_same_weights_with_the_same_options_only(tiny, tmp_path, monkeypatch):
    options = {"optimizer": keras.optimizers.Lion, "loss": squared}
    tiny = replace(tiny, training=replace(tiny.training, learning_rate=3e-3))
    full = zoo.train(tiny, to=tmp_path / "full", **options)
    with monkeypatch.context() as patch:
        kill_after(patch, 2)
        with pytest.raises(KilledError):
            zoo.train(tiny, to=tmp_path / "m", **options)
    with pytest.raises(zoo.UserError, match=r"optimizer=Lion, with which the run began. Received: optimizer=None"):
        zoo.train(tiny, to=tmp_path / "m", resume=True)
    with pytest.raises(zoo.UserError, match="Expected loss=squared"):
        zoo.train(tiny, to=tmp_path / "m", resume=True, optimizer=keras.optimizers.Lion)
    again = zoo.train(tiny, to=tmp_path / "m", resume=True, **options)
    for a, b in zip(*(checkpoint.values(p.model.weights) for p in (full, again)), strict=True):
        np.testing.assert_array_equal(a, b)


@dataclass(frozen=True, kw_only=True)
class ScoreOfMyOwn(ClassifyText):
    """A score and a loss of one's own by a subclass: they are in preset.json, so the run resumes by itself."""

    monitor = "bad_recall"

    def loss(self, model):
        return squared

    def scores(self, decisions, records):
        pairs = zip(decisions, records, strict=True)
        recalled = [self.answer(*pair)["label"] == "bad" for pair in pairs if pair[1]["label"] == "bad"]
        return super().scores(decisions, records) | {"bad_recall": float(np.mean(recalled or [0]))}


def test_a_score_of_ones_own_selects_the_best_epoch(tiny, tmp_path, monkeypatch):
    monkeypatch.setitem(catalog.REGISTERED["objectives"], "score_of_my_own", ScoreOfMyOwn)
    pipeline = zoo.train(replace(tiny, objective=ScoreOfMyOwn(length=16)), to=tmp_path / "m")
    assert pipeline.scores["test"]["bad_recall"] > 0.5
    assert "val_bad_recall" in history(tmp_path / "m")[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"optimizer": keras.optimizers.Adam()},
            "Keras optimizer's class.*Received: optimizer=Adam, an instance",
        ),
        ({"optimizer": lambda **options: "adam"}, "Expected optimizer to return a Keras optimizer. Received: adam"),
        (
            {"callbacks": [keras.callbacks.EarlyStopping]},
            "keras.callbacks.Callback. Received: EarlyStopping",
        ),
        ({"callbacks": [print]}, "Expected callbacks to be instances"),
    ],
)
def test_mistakes_are_user_errors(options, message, tiny, tmp_path):
    with pytest.raises(zoo.UserError, match=message):
        zoo.train(tiny, to=tmp_path / "m", **options)


def test_settings_of_adamw_are_refused_with_another_optimizer(tiny):
    options = CompileOptions(optimizer=keras.optimizers.Lion)
    changed = replace(tiny, training=replace(tiny.training, beta_1=0.5, ema=0.9), tuning=zoo.Tuning(layer_decay=0.9))
    with pytest.raises(zoo.UserError, match=r"AdamW for training.beta_1, training.ema, tuning.layer_decay"):
        options.check(changed)
    with pytest.raises(zoo.UserError, match=r"objective.rdrop. Received: loss=squared"):
        CompileOptions(loss=squared).check(replace(tiny, objective=ClassifyText(rdrop=1.0)))
