"""BLEU, chrF and ROUGE equal sacrebleu and rouge-score, and are 0 for empty texts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF

from zoo.metrics.text import text_scores

NAMES = {"bleu", "chrf", "rouge1", "rouge2", "rougeL"}
texts = st.lists(st.sampled_from(["the", "cat", "cats", "sat", ".", "Ünder", "貓", "n't"]), max_size=12).map(" ".join)
pairs = st.lists(st.tuples(texts, texts), min_size=1, max_size=6)


@settings(max_examples=50)
@given(pairs)
def test_equal_to_the_libraries(rows):
    output, expected = map(list, zip(*rows, strict=True))
    actual, reference_scorer = (
        text_scores(output, expected),
        RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=True),
    )
    assert actual["bleu"] == pytest.approx(BLEU().corpus_score(output, [expected]).score / 100, abs=1e-6)
    assert actual["chrf"] == pytest.approx(CHRF().corpus_score(output, [expected]).score / 100, abs=1e-6)
    for name in ("rouge1", "rouge2", "rougeL"):
        scores = [reference_scorer.score(target, text)[name].fmeasure for text, target in rows]
        assert actual[name] == pytest.approx(sum(scores) / len(rows), abs=1e-6)


def test_by_hand():
    actual = text_scores(["a b c d e"], ["a b c d f"])
    assert actual["bleu"] == pytest.approx((4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    assert actual["rouge1"] == pytest.approx(4 / 5)
    assert actual["rouge2"] == pytest.approx(3 / 4)
    assert actual["rougeL"] == pytest.approx(4 / 5)


def test_the_same_texts_score_one():
    assert text_scores(["the cat sat on it"], ["the cat sat on it"]) == pytest.approx(dict.fromkeys(NAMES, 1.0))


@pytest.mark.parametrize("rows", [[("", "")], [("", "the cat")], [("the cat", "")], []])
def test_empty_texts_score_zero(rows):
    assert text_scores([text for text, _ in rows], [reference for _, reference in rows]) == pytest.approx(
        dict.fromkeys(NAMES, 0)
    )


def test_ignore_case():
    actual = text_scores(["the cat sat on it"], ["The CAT sat on it"], ignore_case=True)
    assert actual == pytest.approx(dict.fromkeys(NAMES, 1.0))
    assert text_scores(["the cat sat on it"], ["The CAT sat on it"])["chrf"] < 0.9


def test_lists_of_two_lengths():
    with pytest.raises(ValueError, match="a reference for each text. Received: 1 and 2"):
        text_scores(["a"], ["a", "b"])
