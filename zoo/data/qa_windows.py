"""Sliding windows over a context that is longer than the network reads, and the best answer spans of all windows.

As in BERT's run_squad.py (Devlin 2018, https://arxiv.org/abs/1810.04805, section 4.2 and its code): the question
stands before each part of the context, and the parts overlap. The difference: the score of a span is its lead over the
score of "no answer" in its own window. That is the same for a single window, and makes several windows comparable.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.runtime.errors import UserError

CANDIDATE, BEGIN, END = 1, 2, 4  # what a token can be, and is: the bits of a label
NO_ANSWER = 0  # the index in a window that stands for "no answer here": [CLS], where the tokenizer puts one


@dataclass(frozen=True, eq=False)
class Window:
    """A question with a part of its context."""

    ids: np.ndarray  # (n,) int32
    segments: np.ndarray  # (n,) int32: 0 for the question and its special tokens, 1 for the context
    start: int  # index in the window of the first context token
    tokens: slice  # which of the context's tokens the window holds
    offsets: np.ndarray  # (tokens of the complete context, 2) int32: the characters that each token covers

    @property
    def context(self) -> slice:
        """Where in the window the context's tokens stand."""
        return slice(self.start, self.start + self.tokens.stop - self.tokens.start)

    def find(self, start: int, end: int) -> np.ndarray | None:
        """First and last index of the tokens that cover characters `start` to before `end`; None if one is missing."""
        covering = np.flatnonzero((self.offsets[:, 0] < end) & (self.offsets[:, 1] > start))
        if not len(covering) or covering[0] < self.tokens.start or covering[-1] >= self.tokens.stop:
            return None
        return covering[[0, -1]] - self.tokens.start + self.start


def qa_windows(question, context, template, length: int, stride: int) -> list[Window]:
    """All windows of up to `length` ids over a context; there is at least one, even if the context is empty.

    Args:
        question, context: their `Encoding`s without special tokens.
        template: the tokenizer's `SpecialTokenTemplate`.
        stride: tokens of the context from the beginning of one window to that of the next.

    Raises UserError where the question leaves no room.
    """
    special = template.special_ids(2, length)
    room = length - len(question) - sum(map(len, special))
    if room < 1:
        raise UserError(f"Expected room for the context beside {len(question)} ids. Received: length={length}.")
    begin = len(special[0]) + len(question) + len(special[1])
    lost = int(begin <= NO_ANSWER)  # with neither special tokens nor a question, "no answer" takes a token's index
    question, windows, start = (question.ids, question.offsets), [], 0
    while True:
        end = min(start + room, len(context))
        both = template.assemble([question, (context.ids[start:end], context.offsets[start:end])])
        tokens = slice(min(start + lost, end), end)
        windows.append(Window(both.ids, both.segments, begin + lost, tokens, context.offsets))
        if end == len(context):
            return windows
        start += min(room, stride)


def span_labels(window: Window, answers: Iterable[dict]) -> np.ndarray:
    """(n,) int8 bits for each token: the first of the answers that the window holds, else "no answer"."""
    bits = np.zeros(len(window.ids), np.int8)
    bits[window.context] = bits[NO_ANSWER] = CANDIDATE
    spans = (window.find(answer["start"], answer["start"] + len(answer["text"])) for answer in answers)
    begin, end = next((span for span in spans if span is not None), (NO_ANSWER, NO_ANSWER))
    bits[begin] |= BEGIN
    bits[end] |= END
    return bits


def strip_span(context: str, start: int, end: int) -> tuple[int, int]:
    """The characters of a span without the blanks at its ends; tokens of some tokenizers begin with a blank."""
    text = context[start:end]
    start += len(text) - len(text.lstrip())
    return start, start + len(text.strip())


def best_spans(logits: np.ndarray, longest: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The `count` spans of up to `longest` tokens with the highest scores, best first.

    Args:
        logits: (tokens, 2) of beginning and ending at each token; a span's score is the sum of its two.

    Returns `(spans, scores)`: (spans, 2) first and last token, and (spans,) float64.
    """
    starts, ends = np.asarray(logits, np.float64).T
    if not len(starts):
        return np.zeros((0, 2), int), np.zeros(0)
    after = np.append(ends, np.full(longest - 1, -np.inf))
    scores = (starts[:, None] + np.lib.stride_tricks.sliding_window_view(after, longest)).ravel()
    least = np.partition(scores, -count)[-count] if count < len(scores) else -np.inf
    candidates = np.flatnonzero((scores >= least) & np.isfinite(scores))
    best = candidates[np.argsort(-scores[candidates], kind="stable")][:count]
    first, more = np.divmod(best, longest)
    return np.stack([first, first + more], axis=1), scores[best]


@dataclass(frozen=True, eq=False)
class Spans:
    """The best spans of a context over all its windows, best first; empty where the context has no token."""

    offsets: np.ndarray  # (spans, 2) int: characters of the context
    scores: np.ndarray  # (spans,) float64: log-odds of each against no answer

    @classmethod
    def combine(cls, outputs: Sequence[tuple[Window, np.ndarray]], longest: int, count: int) -> "Spans":
        """Combine the windows of a context; a span that several windows hold has its highest score.

        Args:
            outputs: [(window, (n, 2) or longer logits of beginning and ending at each token)].
        """
        best = {}
        for window, logits in outputs:
            spans, scores = best_spans(logits[window.context], longest, count)
            tokens = map(tuple, (spans + window.tokens.start).tolist())
            for span, score in zip(tokens, (scores - logits[NO_ANSWER].sum(dtype=np.float64)).tolist(), strict=True):
                best[span] = max(score, best.get(span, -np.inf))
        ranked = sorted(best, key=lambda span: (-best[span], span))[:count]
        first, last = np.array(ranked, int).reshape(-1, 2).T
        offsets = outputs[0][0].offsets
        characters = np.stack([offsets[first, 0], offsets[last, 1]], axis=1)
        return cls(characters, np.array([best[span] for span in ranked]))

    def probabilities(self, abstain):
        """`(of each span, of no answer)`, which add up to 1; without `abstain` an answer is certain if there is one."""
        scores = np.append(self.scores, 0.0 if abstain or not len(self.scores) else -np.inf)
        exponents = np.exp(scores - scores.max())
        shares = exponents / exponents.sum()
        return shares[:-1], float(shares[-1])
