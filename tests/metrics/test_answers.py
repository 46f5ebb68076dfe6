"""SQuAD metrics equal the official scripts, which are implemented here once more from their rules."""

import string

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zoo.metrics import answers as metrics

# Words that the rules treat in special ways stand among plain ones, so that ties and empty answers are frequent.
words = st.sampled_from(
    ["the", "a", "an", "An", "The.", "cat", "cat,", "Cat's", "dog", "a-cat", "!", "and", "ő", "", "-"]
)
texts = st.lists(words, max_size=4).map(" ".join) | st.text(max_size=6)
chances = st.sampled_from([0.0, 0.2, 0.2000001, 0.5, 1.0]) | st.floats(-3, 3)


def questions(fewest):
    """Lists of (answer, true answers, probability of no answer)."""
    return st.lists(st.tuples(texts, st.lists(texts, min_size=fewest, max_size=3), chances), min_size=1, max_size=8)


def plain_words(text):
    """The normalised words of a text: lower case, no punctuation, no articles."""
    unpunctuated = "".join(" " if c.isspace() else c for c in text.lower() if c not in string.punctuation)
    actual, word = [], ""
    for character in unpunctuated + " ":  # an article is one where no letter, digit or underscore stands beside it
        if character.isalnum() or character == "_":
            word += character
            continue
        actual += [" " if word in ("a", "an", "the") else word, character]
        word = ""
    return "".join(actual).split()


def reference_exact(answer, truth):
    return 1.0 if plain_words(answer) == plain_words(truth) else 0.0


def reference_f1(answer, truth, second):
    """`second`: the rules of 2.0, where two empty texts have 1; in 1.1 the score is 0 without a shared word."""
    predicted, true = plain_words(answer), plain_words(truth)
    if second and (not predicted or not true):
        return 1.0 if predicted == true else 0.0
    unmatched, shared = list(true), 0
    for word in predicted:
        if word in unmatched:
            unmatched.remove(word)
            shared += 1
    if shared == 0:
        return 0.0
    precision, recall = shared / len(predicted), shared / len(true)
    return 2 * precision * recall / (precision + recall)


def reference_second(rows, threshold):
    """The scores that the script of SQuAD 2.0 prints."""
    actual = {}
    for name in ("exact_match", "f1"):
        raw = []
        for answer, truths, _ in rows:
            references = [truth for truth in truths if plain_words(truth)] or [""]
            exact = [reference_exact(answer, reference) for reference in references]
            f1 = [reference_f1(answer, reference, True) for reference in references]
            raw.append(max(exact if name == "exact_match" else f1))
        final = [
            (0.0 if row[1] else 1.0) if row[2] > threshold else score for row, score in zip(rows, raw, strict=True)
        ]
        mean = lambda values: sum(values) / len(values) if values else 0.0  # noqa: E731
        actual[name] = mean(final)
        actual[f"answerable_{name}"] = mean([score for row, score in zip(rows, final, strict=True) if row[1]])
        actual[f"unanswerable_{name}"] = mean([score for row, score in zip(rows, final, strict=True) if not row[1]])
        actual[f"best_{name}"], actual[f"best_{name}_threshold"] = reference_search(rows, raw)
    return actual


def reference_search(rows, raw):
    current = best = sum(1 for row in rows if not row[1])
    at = 0.0
    for row, score in sorted(zip(rows, raw, strict=True), key=lambda pair: pair[0][2]):
        if row[1]:
            current += score
        elif row[0]:
            current -= 1
        if current > best:
            best, at = current, row[2]
    return best / len(rows), at


@given(texts)
@example("A cat's  the_the  Übung — the.")
@example("")
def test_normalised_text_is_its_plain_words(text):
    assert metrics.normalize(text).split() == plain_words(text)


@given(questions(1))
@example([("the", ["a"], 0.0)])
@example([("", [""], 0.0)])
def test_first_version(rows):
    answers, truths, _ = zip(*rows, strict=True)
    actual = metrics.answer_scores(answers, truths)
    exact = [max(reference_exact(answer, t) for t in accepted) for answer, accepted, _ in rows]
    overlap = [max(reference_f1(answer, t, False) for t in accepted) for answer, accepted, _ in rows]
    assert actual == pytest.approx({"exact_match": sum(exact) / len(rows), "f1": sum(overlap) / len(rows)}, abs=1e-9)


@settings(max_examples=300)
@given(questions(0), chances)
@example([("the", ["a"], 0.7)], 0.5)  # answers and truths of which nothing is left
@example([("cat", [], 0.2), ("cat", ["cat"], 0.2), ("", [], 0.2)], 0.2)  # ties
@example([("cat", [], 0.5)], 1.0)
def test_second_version(rows, threshold):
    answers, truths, no_answer = zip(*rows, strict=True)
    actual = metrics.answer_or_none_scores(answers, truths, no_answer, threshold)
    assert actual == pytest.approx(reference_second(rows, threshold), abs=1e-9)


@given(questions(0))
def test_second_version_without_chances_takes_answers_as_they_are(rows):
    answers, truths, _ = zip(*rows, strict=True)
    expected = reference_second([(answer, accepted, 0.0) for answer, accepted, _ in rows], 1.0)
    actual = metrics.answer_or_none_scores(answers, truths)
    assert actual == pytest.approx({name: expected[name] for name in actual}, abs=1e-9)
    assert len(actual) == 6


@given(questions(0))
def test_the_best_score_is_reached_and_never_passed(rows):
    """With texts that hold words, or none at all, and no two questions equally likely to have no answer."""
    rows = [
        (answer.strip() + " x", [truth + " x" for truth in truths], i / 8) for i, (answer, truths, _) in enumerate(rows)
    ]
    answers, truths, no_answer = zip(*rows, strict=True)
    actual = metrics.answer_or_none_scores(answers, truths, no_answer)
    reached = [metrics.answer_or_none_scores(answers, truths, no_answer, t)["f1"] for t in (-1.0, *no_answer)]
    assert actual["best_f1"] == pytest.approx(max(reached))
    if actual["best_f1_threshold"] > 0:
        assert reached[1 + int(actual["best_f1_threshold"] * 8)] == pytest.approx(max(reached))


def test_known_scores():
    assert metrics.answer_scores(["the Cat sat", "x"], [["cat", "A cat sat!"], ["y"]]) == {
        "exact_match": 0.5,
        "f1": 0.5,
    }
    assert metrics.f1("two cats", "two dogs and cats") == pytest.approx(2 / 3)
    actual = metrics.answer_or_none_scores(["", "Rome", "Rome"], [[], [], ["Rome", "in Rome"]])
    assert actual["exact_match"] == pytest.approx(2 / 3)
    assert (actual["answerable_f1"], actual["unanswerable_f1"]) == (1.0, 0.5)


def test_no_questions():
    assert metrics.answer_scores([], []) == {"exact_match": 0.0, "f1": 0.0}
    assert set(metrics.answer_or_none_scores([], [], []).values()) == {0.0}
