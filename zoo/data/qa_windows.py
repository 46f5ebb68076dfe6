"""Sliding windows over a context that is longer than the network reads, and the best answer spans of all windows.

As in BERT's run_squad.py (Devlin 2018, https://arxiv.org/abs/1810.04805, section 4.2 and its code): the question
stands before each part of the context, and the parts overlap. The difference: the score of a span is relative to the
score of "no answer" in its window. That is the same for a single window, and makes several windows comparable.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.backend.shapes import bucket, power_of_two
from zoo.runtime.errors import UserError
from zoo.text.template import Encoding, SpecialTokenTemplate

CANDIDATE, BEGIN, END = 1, 2, 4  # bits of a token's label: may be in an answer, begins the answer, ends it
MAX_RECORDS, MAX_SPANS = 64, 1 << 22  # in a batch
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
        """The indices of the context's tokens in the window."""
        return slice(self.start, self.start + self.tokens.stop - self.tokens.start)

    def find(self, start: int, end: int) -> np.ndarray | None:
        """First and last index of the tokens that cover the characters from `start` to before `end`.

        None where the window lacks one of them.
        """
        covering = np.flatnonzero((self.offsets[:, 0] < end) & (self.offsets[:, 1] > start))
        if not len(covering) or covering[0] < self.tokens.start or covering[-1] >= self.tokens.stop:
            return None
        return covering[[0, -1]] - self.tokens.start + self.start


def check_room(template: SpecialTokenTemplate, length: int, question_length: int) -> None:
    """Raise UserError for a `length` that leaves no room for the context beside the longest question."""
    least = sum(map(len, template.pair)) + question_length + 1
    if length < least:  # not only when a long question comes
        raise UserError(
            f"Expected objective.length of at least {least}, for questions of up to {question_length} tokens. "
            f"Received: length={length}."
        )


def qa_windows(
    question: Encoding, context: Encoding, template: SpecialTokenTemplate, length: int, stride: int
) -> list[Window]:
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
    windows, start = [], 0
    while True:
        end = min(start + room, len(context))
        part = context.ids[start:end], context.offsets[start:end]
        encoding = template.assemble([(question.ids, question.offsets), part])
        tokens = slice(min(start + lost, end), end)
        windows.append(Window(encoding.ids, encoding.segments, begin + lost, tokens, context.offsets))
        if end == len(context):
            return windows
        start += min(room, stride)


def span_labels(window: Window, answers: Iterable[dict]) -> np.ndarray:
    """(n,) int8 bits for each token: of the first answer that is in the window, else of "no answer"."""
    bits = np.zeros(len(window.ids), np.int8)
    bits[window.context] = bits[NO_ANSWER] = CANDIDATE
    spans = (window.find(answer["start"], answer["start"] + len(answer["text"])) for answer in answers)
    begin, end = next((span for span in spans if span is not None), (NO_ANSWER, NO_ANSWER))
    bits[begin] |= BEGIN
    bits[end] |= END
    return bits


def strip_span(context: str, start: int, end: int) -> tuple[int, int]:
    """The offsets of a span without white space at its ends; tokens of some tokenizers begin with a blank."""
    text = context[start:end]
    start += len(text) - len(text.lstrip())
    return start, start + len(text.strip())


def window_batches(
    groups: Sequence[Sequence[Window]], logits: Sequence[np.ndarray], length: int, max_answer: int
) -> Iterator[tuple[list[int], dict[str, np.ndarray]]]:
    """Yield (record indices, batch) so that each record is in one batch with all its windows.

    A batch is what `zoo.layers.answer_spans.top_spans` takes: `logits`, `record`, `token` and `context`, padded to one
    of few shapes.

    Args:
        groups: the windows of each record.
        logits: (n, 2) or longer, of each window, record by record.
        length: longest window.
        max_answer: longest span, in tokens; each token of a context starts this many candidate spans.
    """
    rows = iter(logits)
    logits_of = {i: [next(rows) for _ in windows] for i, windows in enumerate(groups)}
    order = sorted(logits_of, key=lambda i: -len(groups[i][0].offsets))
    while order:
        tokens = power_of_two(max(len(groups[order[0]][0].offsets), 1))
        count = max(1, min(MAX_RECORDS, MAX_SPANS // (tokens * max_answer)))
        indices, order = order[:count], order[count:]
        windows = [(row, *pair) for row, i in enumerate(indices) for pair in zip(groups[i], logits_of[i], strict=True)]
        yield indices, _stack(windows, length) | {"context": _context_mask([groups[i][0] for i in indices], tokens)}


def _stack(windows, length):
    """`logits`, `record` and `token` of [(row of the record, window, its logits)]."""
    rows, time = power_of_two(len(windows)), int(bucket(max(len(window.ids) for _, window, _ in windows), length))
    logits, record = np.zeros((rows, max(time, 1), 2), "float32"), np.zeros(rows, "int32")
    token = np.full(logits.shape[:2], -1, "int32")
    for row, (number, window, values) in enumerate(windows):
        count = len(window.ids)
        logits[row, :count], record[row] = values[:count], number
        token[row, window.context] = np.arange(window.tokens.start, window.tokens.stop)
    return {"logits": logits, "record": record, "token": token}


def _context_mask(windows, tokens):
    """Padding mask of contexts: (records, tokens) booleans, True at the tokens of a record's context."""
    counts = np.zeros(power_of_two(len(windows)), int)
    counts[: len(windows)] = [len(window.offsets) for window in windows]
    return np.arange(tokens) < counts[:, None]
