"""Baselines of extractive question answering: the sentence most similar to the question by TF-IDF, and "no answer"."""

from collections.abc import Sequence

import numpy as np

from zoo.data.sentences import split_sentences
from zoo.objectives.find_span import FindSpan
from zoo.training.baselines.baseline import Baseline, BaselineData, baselines_of, scored
from zoo.training.baselines.tfidf import Tfidf

SENTENCE = "the sentence most like the question by TF-IDF"
NO_ANSWER = "no answer everywhere"


@baselines_of.register
def _(objective: FindSpan, data: BaselineData) -> dict[str, Baseline]:
    vectorizer = Tfidf(list(dict.fromkeys(record["context"] for record in data.sample.records)))
    best = scored(objective, data, lambda records: [_best_sentence(vectorizer, record) for record in records])
    baselines = {SENTENCE + data.sample.suffix: best}
    if objective.no_answer_allowed:
        nothing_found = scored(objective, data, lambda records: [_decision([], 1.0)] * len(records))
        return {NO_ANSWER: nothing_found} | baselines
    return baselines


def _best_sentence(vectorizer, record):
    """The decision for the sentence of the context with the highest cosine to the question."""
    sentences = split_sentences(record["context"])
    if not sentences:
        return _decision([], 1.0)
    cosines = (vectorizer(sentences) @ vectorizer([record["question"]]).T).toarray()[:, 0]
    best = int(np.argmax(cosines))
    start = 0
    for sentence in sentences[: best + 1]:
        start = record["context"].index(sentence, start)
        end = start + len(sentence)
        span, start = (start, end), end
    return _decision([span], 1.0 - float(cosines[best]))


def _decision(spans: Sequence[tuple[int, int]], no_answer: float) -> dict:
    """A decision in the form of `FindSpan.predict`, of character offsets and the probability of no answer."""
    return {
        "first": 0 if spans else -1,
        "last": 0 if spans else -1,
        "score": 1.0 - no_answer,
        "no_answer": no_answer,
        "best_scores": np.full(len(spans), 1.0 - no_answer),
        "spans": np.array(spans, int).reshape(-1, 2),
    }
