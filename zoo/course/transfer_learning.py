"""Transfer learning by number of labels: a frozen backbone, LoRA and all weights, against training from scratch.

Claim: a network that was pretrained on texts without labels needs fewer labelled examples and less time than one from
random weights (Howard & Ruder 2018, arXiv:1801.06146; Devlin 2018, arXiv:1810.04805); frozen features cost accuracy,
and LoRA (Hu 2021, arXiv:2106.09685) reaches that of all weights with a few of them.

A small Transformer encoder is pretrained on masked tokens of a synthetic language, `zoo.course._language`, whose texts
have topics. Then it learns to classify the topic from few labelled texts, which show few of the topics' nouns.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from zoo.adapters.training import LoRATraining
from zoo.course._curves import mean
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._language import Language, masked_arrays
from zoo.course._objective_training import (
    Arrays,
    Network,
    compile_steps,
    encoder,
    fit_steps,
    network,
    predict,
    train_steps,
)
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.masked_token import MaskedToken
from zoo.presets import LoRA
from zoo.runtime.errors import UserError

SCRATCH, FROZEN, LORA, ALL = METHODS = ("from scratch", "frozen backbone", "LoRA", "all weights")
LESS_TIME = "A pretrained network needs less time than one from scratch."
LORA_IS_ENOUGH = "LoRA reaches the accuracy of training all weights."
FROZEN_IS_WORSE = "Frozen features are less accurate than features that are trained too."
RATES = {SCRATCH: 3e-3, FROZEN: 1e-2, LORA: 3e-3, ALL: 1e-3}  # learning rates; low where features must not be lost
MASK_RATE = 0.3  # share of tokens that pretraining masks
PARTS = 6  # of the training on labels, after each of which the test texts are scored
MARGIN = 0.03  # of accuracies that differ


@dataclass(frozen=True, kw_only=True)
class TransferLearning(Experiment):
    """Test accuracy over the number of labelled examples for four ways to train."""

    labels: tuple[int, ...] = (4, 16, 64, 256)  # labelled examples, of each topic as many
    nouns: int = 12  # of each of the four topics
    width: int = 64  # of the residual stream
    heads: int = 4  # attention heads of a block
    rank: int = 4  # of LoRA's updates
    pretraining_steps: int = 1000  # of the optimizer, on texts without labels
    steps: int = 60  # of the optimizer, on labelled texts
    texts: int = 8192  # texts without labels
    test: int = 1024  # texts that are scored

    number = 15
    untested = (LESS_TIME, LORA_IS_ENOUGH, FROZEN_IS_WORSE)

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or list(self.labels) != sorted(self.labels):
            raise UserError(f"Expected two or more numbers of labels, the smallest first. Received: {self.labels}.")

    def measure(self, seed: int) -> list[Row]:
        random = np.random.default_rng(seed)
        pretrained = self._pretrained(random)
        train, test = self._language.balanced_texts(max(self.labels), random), self._language.texts(self.test, random)
        rows = []
        for method in METHODS:
            classifier = self._classifier(method, pretrained)
            start = classifier.model.get_weights()
            for count in self.labels:
                _restart(classifier.model, start)
                arrays = Arrays({"tokens": train.tokens[:count]}, train.topic[:count])
                curve = self._curve(classifier, arrays, test, random)
                rows += [{"method": method, "labels": count, **point} for point in curve]
        return rows

    def _curve(self, classifier: Network, arrays, test, random):
        """Yield the test accuracy after each part of the steps, and the seconds of training until then."""
        seconds, steps = 0.0, self.steps // PARTS
        for part in range(1, PARTS + 1):
            start = time.perf_counter()
            fit_steps(classifier, arrays, steps, random)
            seconds += time.perf_counter() - start
            right = predict(classifier.model, {"tokens": test.tokens}).argmax(1) == test.topic
            yield {"steps": part * steps, "accuracy": float(right.mean()), "seconds": seconds}

    def _pretrained(self, random) -> Network:
        """A network that was trained on masked tokens of texts without labels."""
        masked = network(self._architecture, MaskedToken())
        arrays = masked_arrays(self._language.texts(self.texts, random).tokens, self._language, random, MASK_RATE)
        train_steps(masked, arrays, self.pretraining_steps, random)
        return masked

    def _classifier(self, method, pretrained: Network) -> Network:
        """A compiled classifier that has run once, so that compilation is not timed."""
        labels = tuple(str(topic) for topic in range(self._language.topics))
        classifier = network(self._architecture, ClassifyText(labels=labels, pooling="mean", dropout=0.0))
        if method != SCRATCH:
            classifier.backbone.set_weights(pretrained.backbone.get_weights())
        if method == FROZEN:
            classifier.backbone.trainable = False
        if method == LORA:
            classifier = self._with_lora(classifier)
        compile_steps(classifier, self.steps, RATES[method])
        random, start = np.random.default_rng(0), classifier.model.get_weights()
        texts = self._language.texts(8, random)
        fit_steps(classifier, Arrays({"tokens": texts.tokens}, texts.topic), 1, random)
        classifier.model.set_weights(start)
        return classifier

    def _with_lora(self, classifier):
        backbone = {weight.path for weight in classifier.backbone.weights}
        head = [weight.path for weight in classifier.model.weights if weight.path not in backbone]
        training = LoRATraining(classifier.model, self._architecture, LoRA(rank=self.rank), head)
        return classifier._replace(model=training.model)

    @property
    def _language(self):
        return Language(nouns=self.nouns, ambiguous=0.0)

    @property
    def _architecture(self):
        return encoder(self._language.vocabulary, self.width, self.heads)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        few, many, last = min(self.labels), max(self.labels), max(row["steps"] for row in rows)
        ends = {(method, count): _mean(rows, method, count, last) for method in METHODS for count in (few, many)}
        goal, parts = ends[SCRATCH, many] - MARGIN, sorted({row["steps"] for row in rows})
        counts = {name: _first(self.labels, lambda n, name=name: _mean(rows, name, n, last), goal) for name in METHODS}
        enough = counts[SCRATCH]  # labels, with which both reach the goal
        steps = {name: _first(parts, lambda n, name=name: _mean(rows, name, enough, n), goal) for name in METHODS}
        return [
            Finding(
                "A pretrained network needs fewer labels than one from scratch.",
                f"for an accuracy of {goal:.2f}: {counts[ALL]} labels against {counts[SCRATCH]}",
                counts[ALL] < counts[SCRATCH],
            ),
            Finding(
                LESS_TIME,
                f"for an accuracy of {goal:.2f} with {enough} labels, steps: "
                + ", ".join(f"{name} {count}" for name, count in steps.items()),
                steps[ALL] < steps[SCRATCH],
            ),
            Finding(
                LORA_IS_ENOUGH,
                _against(ends, LORA, ALL, (few, many)),
                all(ends[LORA, count] > ends[ALL, count] - MARGIN for count in (few, many)),
            ),
            Finding(
                FROZEN_IS_WORSE,
                _against(ends, FROZEN, ALL, (few, many)),
                all(ends[FROZEN, count] < ends[ALL, count] - MARGIN for count in (few, many)),
            ),
        ]

    def plot(self, rows, figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        steps, count = sorted({row["steps"] for row in rows}), self.labels[-2]
        for method, marker in zip(METHODS, "osv^", strict=True):
            accuracies = [_mean(rows, method, labels, steps[-1]) for labels in self.labels]
            left.plot(self.labels, accuracies, marker=marker, label=method)
            seconds = [_mean(rows, method, count, step, "seconds") for step in steps]
            right.plot(seconds, [_mean(rows, method, count, step) for step in steps], marker=marker)
        left.set_xscale("log")
        left.set_xticks(self.labels, list(map(str, self.labels)))
        left.minorticks_off()
        left.set_xlabel(f"labelled examples ({steps[-1]} steps)")
        left.set_ylabel("test accuracy")
        right.set_xlabel(f"seconds of training ({count} labelled examples)")
        figure.legend(loc="outside upper center", ncols=4)


def _first(numbers, accuracy, goal) -> float:
    """The first number with an accuracy of at least `goal`; infinity where there is none."""
    return next((number for number in numbers if accuracy(number) >= goal), float("inf"))


def _against(ends, method, other, counts) -> str:
    return "; ".join(f"{count} labels: {ends[method, count]:.2f} against {ends[other, count]:.2f}" for count in counts)


def _restart(model: keras.Model, start: list[np.ndarray]) -> None:
    """Give a model its first weights back, and its optimizer the state before the first step."""
    model.set_weights(start)
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros(variable.shape, variable.dtype))


def _mean(rows, method, labels, steps, column="accuracy") -> float:
    """The mean of a column over the seeds."""
    return mean(rows, column, method=method, labels=labels, steps=steps)


SMALL = TransferLearning(labels=(4, 64), nouns=8, pretraining_steps=600, texts=4096, test=512)
