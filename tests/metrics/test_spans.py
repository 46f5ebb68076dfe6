"""Span scores equal seqeval's, in its default mode (conlleval) and in strict mode."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import classification_report, f1_score, precision_score, recall_score
from seqeval.scheme import IOB2, IOBES

from zoo.data import span_schemes
from zoo.metrics.spans import per_class, span_scores

PREFIXES = {None: "BIES", "bio": "BI", "bioes": "BIES"}
SEQEVAL = {None: {}, "bio": {"mode": "strict", "scheme": IOB2}, "bioes": {"mode": "strict", "scheme": IOBES}}


def pairs(strict):
    """Lists of texts, each a list of (true tag, predicted tag)."""
    tag = st.sampled_from(["O", "O", *(f"{prefix}-{label}" for prefix in PREFIXES[strict] for label in ("a", "b-c"))])
    return st.lists(st.lists(st.tuples(tag, tag), min_size=1, max_size=7), min_size=1, max_size=4)


def columns(texts):
    return [[tag for tag, _ in text] for text in texts], [[tag for _, tag in text] for text in texts]


@pytest.mark.parametrize("strict", PREFIXES)
def test_scores_are_seqevals(strict):
    @settings(max_examples=300)
    @given(pairs(strict))
    def check(texts):
        truth, actual = columns(texts)
        spans = [[span_schemes.decode(tags, strict) for tags in column] for column in (truth, actual)]
        scores = span_scores(*spans)
        with warnings.catch_warnings(action="ignore"):  # of quotients 0/0
            for name, score in (("f1", f1_score), ("precision", precision_score), ("recall", recall_score)):
                assert scores[name] == pytest.approx(score(truth, actual, **SEQEVAL[strict]), abs=1e-9), name
            report = _report(truth, actual, strict) if any(map(any, spans)) else {}
        table = {row.pop("label"): row for row in per_class(*spans)}
        assert list(table) == sorted(report)
        for label, row in table.items():
            expected = [report[label][name] for name in ("precision", "recall", "f1-score", "support")]
            assert list(row.values()) == pytest.approx(expected, abs=1e-9)

    check()


def _report(truth, actual, strict):
    report = classification_report(truth, actual, output_dict=True, **SEQEVAL[strict])
    return {label: row for label, row in report.items() if not label.endswith(" avg")}


def test_no_true_or_no_predicted_spans():
    for truth, actual in (([], []), ([[]], [[]]), ([[("a", 0, 1)]], [[]]), ([[]], [[("a", 0, 1)]])):
        assert span_scores(truth, actual) == {"f1": 0, "precision": 0, "recall": 0}


def test_a_span_is_right_only_with_its_label_and_both_ends():
    truth, actual = [[("a", 0, 2), ("b", 3, 4)]], [[("a", 0, 2), ("b", 3, 5), ("c", 3, 4)]]
    assert span_scores(truth, actual) == pytest.approx({"f1": 0.4, "precision": 1 / 3, "recall": 0.5})
    rows = per_class(truth, actual)
    assert rows[0] == {"label": "a", "precision": 1, "recall": 1, "f1": 1, "support": 1}
    assert rows[2] == {"label": "c", "precision": 0, "recall": 0, "f1": 0, "support": 0}


def test_texts_must_be_equally_many():
    with pytest.raises(ValueError, match="shorter"):
        span_scores([[]], [])
