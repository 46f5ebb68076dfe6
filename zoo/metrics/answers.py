"""Exact metrics of extractive question answering, equal to the official SQuAD scripts, as fractions.

SQuAD 1.1, where each question has an answer: Rajpurkar et al. 2016, section 6.1, https://arxiv.org/abs/1606.05250.
SQuAD 2.0, where some have none, which is predicted as the answer "": Rajpurkar et al. 2018,
https://arxiv.org/abs/1806.03822. The scripts: https://rajpurkar.github.io/SQuAD-explorer/.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

ARTICLES = re.compile(r"\b(?:a|an|the)\b")
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text: str) -> str:
    """Normalise an answer: lower case, no ASCII punctuation, no articles, single blanks between words."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(NO_PUNCTUATION)).split())


def exact_match(answer: str, truth: str) -> float:
    """1.0 where two texts are the same once normalised, else 0.0."""
    return float(normalize(answer) == normalize(truth))


def f1(answer: str, truth: str, empty: float = 1.0) -> float:
    """Harmonic mean of the precision and recall of an answer's words, counted with repetition.

    `empty` is the score of two texts without words: 1 in SQuAD 2.0, where that means no answer; 0 in 1.1.
    """
    words, true_words = normalize(answer).split(), normalize(truth).split()
    if not words and not true_words:
        return empty
    shared = (Counter(words) & Counter(true_words)).total()
    return 2 * shared / (len(words) + len(true_words))


def answer_scores(answers: Sequence[str], truths: Sequence[Sequence[str]]) -> dict[str, float]:
    """`exact_match` and `f1` of SQuAD 1.1.

    Args:
        answers: one text a question.
        truths: a list of texts a question, none of them empty; the best score counts.
    """
    pairs = list(zip(answers, truths, strict=True))
    exact = [max(exact_match(answer, reference) for reference in references) for answer, references in pairs]
    overlap = [max(f1(answer, reference, 0.0) for reference in references) for answer, references in pairs]
    return {"exact_match": _mean(exact), "f1": _mean(overlap)}


def answer_or_none_scores(
    answers: Sequence[str],
    truths: Sequence[Sequence[str]],
    no_answer: Sequence[float] | None = None,
    threshold: float = 1.0,
) -> dict[str, float]:
    """`exact_match` and `f1` of SQuAD 2.0: of all questions, of those with and without an answer, and the best.

    Args:
        answers: one text a question, "" for none; with `no_answer`, the best answer even where "" is more likely.
        truths: a list of texts a question, empty where it has no answer.
        no_answer: how likely it is that each question has none, on any scale; adds `best_...` to the scores.
        threshold: of `no_answer`, above which a question counts as left unanswered.
    """
    answerable, scores, best = [bool(references) for references in truths], {}, {}
    for name, metric in {"exact_match": exact_match, "f1": f1}.items():
        values = [_best(metric, answer, references) for answer, references in zip(answers, truths, strict=True)]
        if no_answer is not None:
            best_score, best_at = best_threshold(answers, values, no_answer, answerable)
            best |= {f"best_{name}": best_score, f"best_{name}_threshold": best_at}
            rows = zip(values, no_answer, answerable, strict=True)
            values = [float(not has) if chance > threshold else value for value, chance, has in rows]
        scores |= _means(name, values, answerable)
    return scores | best


def best_threshold(
    answers: Sequence[str], scores: Sequence[float], no_answer: Sequence[float], answerable: Sequence[bool]
) -> tuple[float, float]:
    """`(score, threshold)`: the highest mean score of all thresholds of `no_answer`, and the first such threshold.

    Starts with all questions unanswered and adds the answers by rising `no_answer`, as the official script does: it
    separates questions of equal `no_answer`, though no threshold does.

    Args:
        answers: one text a question, "" for none.
        scores: of each of those answers.
        no_answer: how likely it is that each question has none, on any scale.
        answerable: whether each question has an answer.
    """
    total = best = len(answerable) - sum(answerable)
    threshold = 0.0
    for i in sorted(range(len(answers)), key=lambda i: no_answer[i]):
        total += scores[i] if answerable[i] else -bool(answers[i])
        if total > best:
            best, threshold = total, float(no_answer[i])
    return best / max(len(answers), 1), threshold


def _best(metric, answer, truths):
    """The best score over the truths; truths without a word mean no answer, as in the official script."""
    return max(metric(answer, truth) for truth in [t for t in truths if normalize(t)] or [""])


def _means(name, values, answerable):
    with_answer = [value for value, has in zip(values, answerable, strict=True) if has]
    without = [value for value, has in zip(values, answerable, strict=True) if not has]
    return {name: _mean(values), f"answerable_{name}": _mean(with_answer), f"unanswerable_{name}": _mean(without)}


def _mean(values):
    return sum(values) / len(values) if values else 0.0
