"""Exact metrics of answers to questions, equal to the official SQuAD scripts, as fractions.

SQuAD 1.1, where every question has an answer: Rajpurkar et al. 2016, section 6.1, https://arxiv.org/abs/1606.05250.
SQuAD 2.0, where some have none, which is written as the answer "": Rajpurkar et al. 2018,
https://arxiv.org/abs/1806.03822. The scripts: https://rajpurkar.github.io/SQuAD-explorer/.
"""

import re
import string
from collections import Counter

ARTICLES = re.compile(r"\b(?:a|an|the)\b")
NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize(text):
    """Lower case, without ASCII punctuation and articles, single blanks between words."""
    return " ".join(ARTICLES.sub(" ", text.lower().translate(NO_PUNCTUATION)).split())


def exact_match(answer, truth):
    """1.0 where two texts are the same once normalised, else 0.0."""
    return float(normalize(answer) == normalize(truth))


def f1(answer, truth, empty=1.0):
    """Harmonic mean of the precision and recall of an answer's words, counted with repetition.

    `empty` is the score of two texts that hold no word: 1 in SQuAD 2.0, where that means no answer; 0 in 1.1.
    """
    words, wanted = normalize(answer).split(), normalize(truth).split()
    if not words and not wanted:
        return empty
    shared = (Counter(words) & Counter(wanted)).total()
    return 2 * shared / (len(words) + len(wanted))


def answer_scores(answers, truths):
    """`exact_match` and `f1` of SQuAD 1.1.

    Args:
        answers: one text a question.
        truths: a list of texts a question, none of them empty; the one that suits the answer best counts.
    """
    exact = [max(exact_match(answer, truth) for truth in own) for answer, own in zip(answers, truths, strict=True)]
    overlap = [max(f1(answer, truth, 0.0) for truth in own) for answer, own in zip(answers, truths, strict=True)]
    return {"exact_match": _mean(exact), "f1": _mean(overlap)}


def answer_or_none_scores(answers, truths, no_answer=None, threshold=1.0):
    """The scores of SQuAD 2.0: of all questions, of those with an answer and of those without, and the best possible.

    Args:
        answers: one text a question, "" for none; where `no_answer` is given, the best there is.
        truths: a list of texts a question, empty where it has no answer.
        no_answer: how likely it is that each question has none, on any scale; adds `best_...` to the scores.
        threshold: of `no_answer`, above which a question counts as left unanswered.
    """
    answerable, scores, best = [bool(own) for own in truths], {}, {}
    for name, measure in {"exact_match": exact_match, "f1": f1}.items():
        each = [_best(measure, answer, own) for answer, own in zip(answers, truths, strict=True)]
        if no_answer is not None:
            most, at = best_threshold(answers, each, no_answer, answerable)
            best |= {f"best_{name}": most, f"best_{name}_threshold": at}
            asked = zip(each, no_answer, answerable, strict=True)
            each = [float(not has) if value > threshold else score for score, value, has in asked]
        scores |= _parts(name, each, answerable)
    return scores | best


def best_threshold(answers, scores, no_answer, answerable):
    """`(score, threshold)`: the highest mean score that any threshold of `no_answer` gives, and the first such one.

    Starts with every question unanswered and takes the answers in, the surest first, as the official script does: it
    tells questions of equal `no_answer` apart by their order, though no threshold does.

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


def _best(measure, answer, truths):
    """The score by the truth that suits best; truths without a word mean none, as in the official script."""
    return max(measure(answer, truth) for truth in [t for t in truths if normalize(t)] or [""])


def _parts(name, each, answerable):
    with_answer = [score for score, has in zip(each, answerable, strict=True) if has]
    without = [score for score, has in zip(each, answerable, strict=True) if not has]
    return {name: _mean(each), f"answerable_{name}": _mean(with_answer), f"unanswerable_{name}": _mean(without)}


def _mean(values):
    return sum(values) / len(values) if values else 0.0
