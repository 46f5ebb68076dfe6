"""Exact metrics of labelled spans, such as named entities: equal to seqeval and so to CoNLL-2000's conlleval.

A predicted span is correct where its label and both of its ends are. Texts are lists of (label, start, end); a quotient
0/0 is 0. https://github.com/chakki-works/seqeval, https://www.clips.uantwerpen.be/conll2000/chunking/
"""

from collections import Counter
from collections.abc import Sequence

Span = tuple[str, int, int]  # label, first word, past-the-last word


def span_scores(truth: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> dict[str, float]:
    """Micro-averaged f1, precision and recall of the spans of a list of texts, as fractions."""
    return _quotients(*(counts.total() for counts in _count(truth, predicted)))


def per_class(truth: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> list[dict]:
    """A row for each label that occurs, sorted: label, precision, recall, f1 and support (true spans)."""
    correct, positives, true = _count(truth, predicted)
    names, rows = ("precision", "recall", "f1"), []
    for label in sorted(positives | true):
        scores = _quotients(correct[label], positives[label], true[label])
        rows.append({"label": label, **{name: scores[name] for name in names}, "support": true[label]})
    return rows


def _count(truth, predicted):
    """Counts by label of the correct, the predicted and the true spans."""
    correct, positives, true = Counter(), Counter(), Counter()
    for true_spans, predicted_spans in zip(truth, predicted, strict=True):
        true_spans, predicted_spans = set(true_spans), set(predicted_spans)
        matches = true_spans & predicted_spans
        for counts, spans in ((correct, matches), (positives, predicted_spans), (true, true_spans)):
            counts.update(label for label, _, _ in spans)
    return correct, positives, true


def _quotients(correct, positives, true):
    return {
        "f1": 2 * correct / max(positives + true, 1),
        "precision": correct / max(positives, 1),
        "recall": correct / max(true, 1),
    }
