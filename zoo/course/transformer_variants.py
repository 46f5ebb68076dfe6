"""The three variants of the Transformer on three tasks: encoder-only, decoder-only and encoder-decoder.

Claim: encoders suit classification and tagging (Devlin 2018, arXiv:1810.04805), decoders generation (Radford 2019,
GPT-2), encoder-decoders translation (Vaswani 2017, arXiv:1706.03762). Raffel 2020, arXiv:1910.10683, section 3.2,
compares them with each task as text to text.

Three small networks of about as many weights are trained for as many steps on three synthetic tasks, each from a source
to a target of the same length:

    tagging      the tag of an ambiguous word depends on the next word: "saw" is a noun before a verb
    generation   a text goes on: words come in pairs, whose second word follows from the first, all of one topic
    translation  word for word in reverse order, at random in one of two dialects, so that a source has two translations

The encoder labels each position of the source, all at once. The decoder reads the source and continues it; in tagging
it labels the words that it reads, too. The encoder-decoder encodes the source and decodes the target.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.architectures.transformer import Transformer
from zoo.course._bars import plot_bars
from zoo.course._curves import mean, select, unique
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._objective_training import Arrays, Network, decoder, encoder, network, predict, train_steps
from zoo.course._transduction import START, TASKS, Task
from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig
from zoo.objectives.next_token import NextToken
from zoo.objectives.tag_tokens import TagTokens
from zoo.objectives.translate import Translate
from zoo.runtime.errors import UserError, one_of

ENCODER, DECODER, BOTH = "encoder-only", "decoder-only", "encoder-decoder"
IN_PLACE = "decoder-only, tags while it reads"
READS_FIRST = "A decoder cannot tag as well as an encoder, even where it reads the text before it writes the tags."
MARGIN = 0.05  # of scores that differ


@dataclass(frozen=True, kw_only=True)
class TransformerVariants(Experiment):
    """Scores of the three variants on tagging, generation and translation."""

    tasks: tuple[str, ...] = ("tagging", "generation", "translation")  # names of the tasks
    width: int = 64  # of the residual stream
    heads: int = 4  # attention heads of a block
    length: int = 6  # words of a source, and of a target; even
    steps: int = 400  # of the optimizer
    examples: int = 4096  # of which the batches are drawn
    test: int = 256  # examples that are scored

    number = 13
    untested = (READS_FIRST,)

    def __post_init__(self) -> None:
        for task in self.tasks:
            one_of("tasks", task, TASKS)
        if self.length % 2 or self.length < 2:
            raise UserError(f"Expected an even length of 2 or more. Received: length={self.length}.")

    def measure(self, seed: int) -> list[Row]:
        return [row for name in self.tasks for row in self._measure_task(TASKS[name](self.length), name, seed)]

    def _measure_task(self, task: Task, name, seed):
        random = np.random.default_rng(seed)
        train, test = task.texts(self.examples, random), task.texts(self.test, random)
        runs = {ENCODER: self._label_encoder, DECODER: self._continue, BOTH: self._translate}
        if name == "tagging":
            runs[IN_PLACE] = self._label_decoder
        for variant, run in runs.items():
            trained, answers = run(task, train, test, np.random.default_rng(seed))
            score = task.score(test, answers)
            yield {"task": name, "variant": variant, "weights": trained.model.count_params(), "score": score}

    def _label_encoder(self, task, train, test, random):
        return self._label(self._encoder(task), task, train, test, random)

    def _label_decoder(self, task, train, test, random):
        return self._label(self._decoder(task), task, train, test, random)

    def _label(self, architecture, task, train, test, random):
        """Label each position of the source with a word of the target, all at once."""
        tags = tuple(str(word) for word in range(task.vocabulary))
        trained = network(architecture, TagTokens(tags=tags, scheme="plain", dropout=0.0))
        train_steps(trained, Arrays({"tokens": train.source}, train.target), self.steps, random)
        logits = predict(trained.model, {"tokens": test.source})
        noise = task.temperature * random.gumbel(size=logits.shape)  # the largest sum is a sample of the softmax
        return trained, (logits + noise).argmax(-1)

    def _continue(self, task, train, test, random):
        """Read the source, then write the target: one text, trained on every next token."""
        trained = network(self._decoder(task), NextToken())
        texts = np.concatenate([train.source, np.full_like(train.source[:, :1], START), train.target], axis=1)
        train_steps(trained, Arrays({"tokens": texts[:, :-1]}, texts[:, 1:]), self.steps, random)
        return trained, self._generate(task, trained, [[*row, START] for row in test.source.tolist()])

    def _translate(self, task, train, test, random):
        """Encode the source, then decode the target."""
        trained = network(self._encoder_decoder(task), Translate(label_smoothing=0.0))
        start = np.full_like(train.target[:, :1], START)
        inputs = {"source": train.source, "target": np.concatenate([start, train.target[:, :-1]], axis=1)}
        train_steps(trained, Arrays(inputs, train.target), self.steps, random)
        return trained, self._generate(task, trained, [[START]] * len(test.source), test.source.tolist())

    def _generate(self, task, trained: Network, prompts, sources=None) -> np.ndarray:
        """Completions, (rows, length) ids."""
        config = GenerationConfig(max_new_tokens=self.length, temperature=task.temperature)
        completions = generate(trained.model, prompts, sources, config)
        return np.array([completion.ids for (completion,) in completions])

    def _encoder(self, task):
        return encoder(task.vocabulary, self.width, self.heads)

    def _decoder(self, task):
        return decoder(task.vocabulary, self.width, self.heads, 2 * self.length + 1)

    def _encoder_decoder(self, task):
        """One block each; cross-attention has the weights that the feed-forward layers lack."""
        sizes: dict[str, Any] = {"vocabulary": task.vocabulary, "width": self.width, "hidden": self.width}
        return Transformer(**sizes, depth=1, heads=self.heads, norm="pre", dropout=0.0)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        functions = {
            "tagging": _tagging_findings,
            "generation": _generation_findings,
            "translation": _translation_findings,
        }
        return [finding for task in self.tasks for finding in functions[task](_means(rows, task))]

    def plot(self, rows, figure) -> None:
        axes = figure.subplots()
        plot_bars(axes, rows, "task", "variant", "score")
        axes.set_ylabel("score: share that is right")
        figure.legend(loc="outside upper center", ncols=4)


def _means(rows, task) -> dict[str, float]:
    """{variant: mean score over the seeds}."""
    rows = select(rows, task=task)
    return {variant: mean(rows, "score", variant=variant) for variant in unique(rows, "variant")}


def _line(scores: dict[str, float]) -> str:
    return "right: " + ", ".join(f"{name} {score:.2f}" for name, score in scores.items())


def _tagging_findings(scores) -> list[Finding]:
    return [
        Finding(
            "An encoder, which sees both sides of a word, tags better than a decoder, which sees only the left side.",
            _line({name: scores[name] for name in (ENCODER, IN_PLACE)}),
            scores[ENCODER] > scores[IN_PLACE] + MARGIN,
        ),
        Finding(
            READS_FIRST,
            _line({name: scores[name] for name in (ENCODER, DECODER)}),
            scores[ENCODER] > scores[DECODER] + MARGIN,
        ),
    ]


def _generation_findings(scores) -> list[Finding]:
    claim = "A decoder generates; an encoder, which chooses all words at once, does not."
    return [Finding(claim, _line(scores), scores[DECODER] > scores[ENCODER] + MARGIN)]


def _translation_findings(scores) -> list[Finding]:
    return [
        Finding(
            "An encoder-decoder translates; an encoder, which chooses all words at once, mixes translations.",
            _line({name: scores[name] for name in (BOTH, ENCODER)}),
            scores[BOTH] > scores[ENCODER] + MARGIN,
        ),
        Finding(
            "An encoder-decoder translates better than a decoder of its size that reads the source as a prompt.",
            _line({name: scores[name] for name in (BOTH, DECODER)}),
            scores[BOTH] > scores[DECODER] + MARGIN,
        ),
    ]


SMALL = TransformerVariants(tasks=("tagging",), width=32, steps=200)
