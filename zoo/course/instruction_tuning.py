"""Instruction tuning: following instructions before and after, with a loss on the answers alone or on all tokens.

Claim: a language model goes on with a text; tuned on instructions with answers, it follows instructions (Wei 2022,
arXiv:2109.01652; Ouyang 2022, arXiv:2203.02155), and the loss should cover the answers alone. Shi 2024,
arXiv:2405.14394, finds cases where a loss on the instructions, too, is better.

A small decoder is pretrained on a running text: lists of words, each followed by a sign and what the sign says: the
same list, its first word, or its last. Instructions ask for the same in a form that the text never has: "please", the
task, the list, "answer". Lists of the test are in no training text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.architectures.llama import Llama
from zoo.course._bars import plot_bars
from zoo.course._curves import mean
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._objective_training import Arrays, Network, network, train_steps
from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig
from zoo.objectives.follow_instructions import FollowInstructions

START, END, PLEASE, ANSWER, SIGN, ASK, FIRST = 1, 2, 3, 4, 5, 8, 11  # ids; a sign, and a word to ask with, of each task
TASKS = ("repeat", "first", "last")
SIGNS, BEFORE, SCRATCH, ANSWERS, ALL = STAGES = (
    "before, asked by its signs",
    "before",
    "tuned, not pretrained",
    "tuned, loss on answers",
    "tuned, loss on all tokens",
)
ANSWERS_ALONE = "A loss on the answers alone is better than a loss on all tokens."
HELD_OUT = 4  # one of so many lists is for the test: those whose ids have a sum that is a multiple
TUNING_RATE = 1e-3  # learning rate
MARGIN = 0.03  # of shares that differ


@dataclass(frozen=True, kw_only=True)
class InstructionTuning(Experiment):
    """The share of instructions that are followed exactly, by task, before and after tuning."""

    words: int = 32  # of the vocabulary
    length: int = 4  # words of a list
    width: int = 64  # of the residual stream
    heads: int = 4  # attention heads of a block
    pretraining_steps: int = 800  # of the optimizer, on running text
    steps: int = 200  # of the optimizer, on instructions
    texts: int = 16384  # lists of the running text
    instructions: int = 64  # for tuning
    test: int = 64  # instructions of each task that are scored

    number = 16
    untested = (ANSWERS_ALONE,)

    def measure(self, seed: int) -> list[Row]:
        random = np.random.default_rng(seed)
        tuned = network(self._architecture, FollowInstructions())
        start = tuned.model.get_weights()
        train_steps(tuned, self._running_text(random), self.pretraining_steps, random)
        pretrained = tuned.model.get_weights()
        tests = [self._lists(self.test, random, held_out=True) for _ in TASKS]
        instructions = self._lists(self.instructions, random), random.integers(0, len(TASKS), self.instructions)
        rows = [*self._score(tuned, SIGNS, tests), *self._score(tuned, BEFORE, tests)]
        for stage, weights in ((SCRATCH, start), (ANSWERS, pretrained), (ALL, pretrained)):
            tuned.model.set_weights(weights)
            arrays = self._instruction_arrays(*instructions, answers_only=stage != ALL)
            train_steps(tuned, arrays, self.steps, np.random.default_rng(seed), TUNING_RATE)
            rows += self._score(tuned, stage, tests)
        return rows

    def _lists(self, count, random, held_out=False) -> np.ndarray:
        """(count, length) ids of lists of the training texts, or of the test."""
        lists = FIRST + random.integers(0, self.words, (4 * HELD_OUT * count, self.length))
        return lists[(lists.sum(axis=1) % HELD_OUT == 0) == held_out][:count]

    def _running_text(self, random) -> Arrays:
        """Windows of all lists with their signs and what follows, one after another."""
        lists, tasks = self._lists(self.texts, random), random.integers(0, len(TASKS), self.texts)
        pairs = zip(lists, tasks, strict=True)
        texts = [[*_prompt(words, task, SIGNS), *_answer(words, task), END] for words, task in pairs]
        stream, window = np.concatenate(texts), self._window
        rows = stream[: len(stream) // window * window].reshape(-1, window)
        return _next_tokens(rows, rows > 0)

    def _instruction_arrays(self, lists, tasks, answers_only) -> Arrays:
        rows, is_answer = np.zeros((2, len(lists), self._window), "int32")
        for i, (words, task) in enumerate(zip(lists, tasks, strict=True)):
            prompt, answer = _prompt(words, task, BEFORE), [*_answer(words, task), END]
            rows[i, : len(prompt) + len(answer)] = [*prompt, *answer]
            is_answer[i, len(prompt) : len(prompt) + len(answer)] = 1
        return _next_tokens(rows, is_answer if answers_only else rows > 0)

    def _score(self, tuned: Network, stage, tests) -> list[Row]:
        """A row for each task: the share of the prompts whose completion is the answer."""
        config = GenerationConfig(max_new_tokens=self.length + 1, stop_ids=[END])
        prompts = [_prompt(words, task, stage) for task, lists in enumerate(tests) for words in lists]
        answers = [_answer(words, task) for task, lists in enumerate(tests) for words in lists]
        completions = [completion.ids for (completion,) in generate(tuned.model, prompts, config=config)]
        right = [ids == answer for ids, answer in zip(completions, answers, strict=True)]
        shares = np.reshape(right, (len(TASKS), -1)).mean(axis=1)
        return [{"stage": stage, "task": task, "followed": float(x)} for task, x in zip(TASKS, shares, strict=True)]

    @property
    def _window(self):
        """Ids of a row: those of the longest instruction with its answer."""
        return 2 * self.length + 5

    @property
    def _architecture(self):
        blocks: dict[str, Any] = {"depth": 2, "heads": self.heads, "kv_heads": self.heads, "hidden": 2 * self.width}
        return Llama(vocabulary=FIRST + self.words, padding=0, width=self.width, **blocks)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        means = {stage: mean(rows, "followed", stage=stage) for stage in STAGES}
        return [
            _finding(means, SIGNS, BEFORE, "A pretrained model can do a task, and yet not follow an instruction."),
            _finding(means, ANSWERS, BEFORE, "Instruction tuning makes a pretrained model follow instructions."),
            _finding(means, ANSWERS, SCRATCH, "Instructions alone, without pretraining, do not teach the tasks."),
            _finding(means, ANSWERS, ALL, ANSWERS_ALONE),
        ]

    def plot(self, rows, figure) -> None:
        axes = figure.subplots()
        plot_bars(axes, rows, "task", "stage", "followed")
        axes.set_ylabel("share of instructions that are followed")
        figure.legend(loc="outside upper center", ncols=3)


def _answer(words, task) -> list[int]:
    """The answer of a task to a list of words."""
    return list(map(int, (words, words[:1], words[-1:])[task]))


def _prompt(words, task, stage) -> list[int]:
    """The instruction to do a task with a list of words; or the list with a sign, as the running text has it."""
    words = list(map(int, words))
    return [START, *words, SIGN + task] if stage == SIGNS else [START, PLEASE, ASK + task, *words, ANSWER]


def _next_tokens(rows, is_learned) -> Arrays:
    """The examples of next-token prediction of rows of ids, with a loss where `is_learned`."""
    rows = rows.astype("int32")
    return Arrays({"tokens": rows[:, :-1]}, rows[:, 1:], is_learned[:, 1:].astype("float32"))


def _finding(means, better, worse, claim) -> Finding:
    measured = f"followed: {better} {means[better]:.2f}, {worse} {means[worse]:.2f}"
    return Finding(claim, measured, means[better] > means[worse] + MARGIN)


SMALL = InstructionTuning(words=16, length=3, width=32, pretraining_steps=500, steps=100, texts=8192, test=32)
