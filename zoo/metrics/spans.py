"""Exact metrics of labelled spans, such as named entities: equal to seqeval and so to CoNLL-2000's conlleval.

A span counts as found where its label and both of its ends are right. Texts are lists of (label, start, end); a
quotient 0/0 is 0. https://github.com/chakki-works/seqeval, https://www.clips.uantwerpen.be/conll2000/chunking/
"""

from collections import Counter


def span_scores(truth, found):
    """Micro-averaged f1, precision and recall of the spans found in each of a list of texts, as fractions."""
    return _quotients(*(counts.total() for counts in _count(truth, found)))


def per_class(truth, found):
    """One dict for each label that occurs, sorted: label, precision, recall, f1 and support (true spans)."""
    right, called, true = _count(truth, found)
    rows = [(label, _quotients(right[label], called[label], true[label])) for label in sorted(called | true)]
    names = ("precision", "recall", "f1")
    return [{"label": label, **{name: row[name] for name in names}, "support": true[label]} for label, row in rows]


def _count(truth, found):
    """Counts by label of the spans that are right, that were found, and that are true."""
    right, called, true = Counter(), Counter(), Counter()
    for wanted, given in zip(truth, found, strict=True):
        wanted, given = set(wanted), set(given)
        for counts, spans in ((right, wanted & given), (called, given), (true, wanted)):
            counts.update(label for label, _, _ in spans)
    return right, called, true


def _quotients(right, called, true):
    return {
        "f1": 2 * right / max(called + true, 1),
        "precision": right / max(called, 1),
        "recall": right / max(true, 1),
    }
