"""Windows over a context that may be longer than a network reads, and the best spans that are found in them.

As BERT's run_squad.py has them (Devlin 2018, https://arxiv.org/abs/1810.04805, section 4.2 and its code): the question
stands before each stretch of the context, and stretches overlap. The difference: the score of a span is how much it
exceeds the score of "no answer" in its own window, which is the same for a single window and makes several comparable.
"""

from dataclasses import dataclass

import numpy as np

POSSIBLE, BEGIN, END = 1, 2, 4  # what a token can be, and is: the bits of a target
NOTHING = 0  # the place in a window that stands for "no answer here": [CLS], where the tokenizer puts one


@dataclass(frozen=True, eq=False)
class Window:
    """A question with a stretch of its context."""

    ids: np.ndarray  # (n,) int32
    types: np.ndarray  # (n,) int32: 0 for the question and its special tokens, 1 for the rest
    first: int  # place of the first of the context's tokens that are here
    tokens: slice  # which of the context's tokens are here
    offsets: np.ndarray  # (tokens of the whole context, 2) int32: the characters that each covers

    @property
    def places(self):
        """Where in the window the context's tokens stand."""
        return slice(self.first, self.first + self.tokens.stop - self.tokens.start)

    def find(self, start, end):
        """First and last place of the tokens that cover characters `start` to before `end`; None if one is not here."""
        covering = np.flatnonzero((self.offsets[:, 0] < end) & (self.offsets[:, 1] > start))
        if not len(covering) or covering[0] < self.tokens.start or covering[-1] >= self.tokens.stop:
            return None
        return covering[[0, -1]] - self.tokens.start + self.first


def windows(question, context, layout, length, stride):
    """All windows of up to `length` ids over a context; there is at least one, even if the context is empty.

    Args:
        question, context: their `Encoding`s without special tokens.
        layout: where a tokenizer's special tokens stand.
        stride: tokens of the context from the beginning of one window to that of the next.

    Raises ValueError where the question leaves no room.
    """
    special = layout.around(2, length)
    room = length - len(question) - sum(map(len, special))
    if room < 1:
        raise ValueError(f"Expected room for the context beside {len(question)} ids. Received: length={length}.")
    first = len(special[0]) + len(question) + len(special[1])
    lost = int(first <= NOTHING)  # with neither special tokens nor a question, a token gives its place away
    asked, found, start = (question.ids, question.offsets), [], 0
    while True:
        end = min(start + room, len(context))
        whole = layout.arrange([asked, (context.ids[start:end], context.offsets[start:end])])
        tokens = slice(min(start + lost, end), end)
        found.append(Window(whole.ids, whole.segments, first + lost, tokens, context.offsets))
        if end == len(context):
            return found
        start += min(room, stride)


def target(window, answers):
    """(n,) int8 bits for each place: the first of the answers that stands in the window, else "no answer"."""
    bits = np.zeros(len(window.ids), np.int8)
    bits[window.places] = bits[NOTHING] = POSSIBLE
    spans = (window.find(answer["start"], answer["start"] + len(answer["text"])) for answer in answers)
    begin, end = next((span for span in spans if span is not None), (NOTHING, NOTHING))
    bits[begin] |= BEGIN
    bits[end] |= END
    return bits


def trimmed(context, start, end):
    """Where a stretch begins and ends without the blanks that some tokenizers' tokens begin with."""
    text = context[start:end]
    start += len(text) - len(text.lstrip())
    return start, start + len(text.strip())


def best_spans(logits, longest, count):
    """The `count` spans of up to `longest` tokens with the highest scores, best first.

    Args:
        logits: (tokens, 2) of beginning and ending at each token; a span's score is the sum of its two.

    Returns `(spans, scores)`: (found, 2) first and last token, and (found,) float64.
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
    """The best spans of a context, all windows together, best first; empty where the context has no token."""

    offsets: np.ndarray  # (found, 2) int: characters of the context
    scores: np.ndarray  # (found,) float64: log-odds of each against no answer

    @classmethod
    def of(cls, found, longest, count):
        """Combine the windows of one context; a span that several windows hold has its highest score.

        Args:
            found: [(window, (n, 2) or more logits of beginning and ending at each place)].
        """
        best = {}
        for window, logits in found:
            spans, scores = best_spans(logits[window.places], longest, count)
            tokens = map(tuple, (spans + window.tokens.start).tolist())
            for span, score in zip(tokens, (scores - logits[NOTHING].sum(dtype=np.float64)).tolist(), strict=True):
                best[span] = max(score, best.get(span, -np.inf))
        ranked = sorted(best, key=lambda span: (-best[span], span))[:count]
        first, last = np.array(ranked, int).reshape(-1, 2).T
        offsets = found[0][0].offsets
        characters = np.stack([offsets[first, 0], offsets[last, 1]], axis=1)
        return cls(characters, np.array([best[span] for span in ranked]))

    def probabilities(self, abstain):
        """`(of each span, of no answer)`, which add up to 1; without `abstain` an answer is certain if there is one."""
        scores = np.append(self.scores, 0.0 if abstain or not len(self.scores) else -np.inf)
        exponents = np.exp(scores - scores.max())
        shares = exponents / exponents.sum()
        return shares[:-1], float(shares[-1])
