"""Baselines of pairs of texts: the cosine similarity of their TF-IDF vectors.

Salton et al. 1975, https://doi.org/10.1145/361219.361220.
"""

from collections.abc import Sequence

import numpy as np

from zoo.data.tokenization import in_chunks
from zoo.objectives.embed_text import EmbedText
from zoo.objectives.next_sentence import NextSentence
from zoo.objectives.score_pair import ScorePair
from zoo.training.baselines.baseline import CHANCE, Baseline, BaselineData, baselines_of, scored
from zoo.training.baselines.tfidf import Tfidf

COSINE = "the cosine of TF-IDF"
MAX_NUMBERS = 20_000_000  # of the dense vectors of all texts of a split: 80 MB


@baselines_of.register
def _(objective: ScorePair, data: BaselineData) -> dict[str, Baseline]:
    constant = scored(objective, data, lambda records: [{"score": objective.mean}] * len(records))
    if not objective.pair:
        return {CHANCE: constant}
    vectorizer = Tfidf(_sampled_texts(data))

    def decide(records: Sequence[dict]) -> list[dict]:
        columns = ([record[name] for record in records] for name in ("text", "text_pair"))
        return [{"score": cosine} for cosine in vectorizer.cosines(*columns)]

    return {CHANCE: constant, COSINE + data.sample.suffix: scored(objective, data, decide)}


@baselines_of.register
def _(objective: EmbedText, data: BaselineData) -> dict[str, Baseline]:
    texts = _sampled_texts(data)

    def decide(records: Sequence[dict]) -> list[dict]:
        vectorizer = Tfidf(texts, max(MAX_NUMBERS // max(2 * len(records), 1), 100))
        vectors, partners = (
            vectorizer([record[name] for record in records]).astype("float32").toarray()
            for name in ("text", "text_pair")
        )
        return [{"vector": vector, "partner": partner} for vector, partner in zip(vectors, partners, strict=True)]

    def chance(records: Sequence[dict]) -> dict[str, float]:
        count = max(len(records), 1)
        return {"accuracy": 1 / count, "mrr": float((1 / np.arange(1, count + 1)).mean())}

    return {CHANCE: chance, COSINE + data.sample.suffix: scored(objective, data, decide)}


def _sampled_texts(data):
    """Both texts of a sample of the training pairs."""
    return [record[name] for record in data.sample.records for name in ("text", "text_pair")]


@baselines_of.register
def _(objective: NextSentence, data: BaselineData) -> dict[str, Baseline]:
    pairs = _pairs(objective, data.sample.records)
    truth = np.array([pair.follows for pair in pairs], bool)
    vectorizer = Tfidf([pair.second for pair in pairs])
    threshold = _best_threshold(_cosines(vectorizer, pairs), truth)

    def similar(records: Sequence[dict]) -> dict[str, float]:
        pairs = _pairs(objective, records)
        return _accuracy(_cosines(vectorizer, pairs) >= threshold, pairs)

    def majority(records: Sequence[dict]) -> dict[str, float]:
        pairs = _pairs(objective, records)
        return _accuracy(np.full(len(pairs), truth.mean() >= 0.5 if len(truth) else True), pairs)

    return {CHANCE: majority, COSINE + data.sample.suffix: similar}


def _pairs(objective, records):
    """The sentence pairs of records, with the negatives that prediction in chunks draws."""
    return [pair for chunk in in_chunks(records) for pair in objective.pairs(chunk)]


def _cosines(vectorizer, pairs):
    return vectorizer.cosines([pair.first for pair in pairs], [pair.second for pair in pairs])


def _accuracy(predicted, pairs):
    truth = np.array([pair.follows for pair in pairs], bool)
    return {"accuracy": float((predicted == truth).mean()) if len(pairs) else 0.0}


def _best_threshold(cosines, truth):
    """The cosine from which on a prediction of "follows" has the highest accuracy."""
    if not len(truth):
        return 0.0
    order = np.argsort(-cosines, kind="stable")
    # at index i: the pairs before it are predicted to follow
    correct = np.append(0, np.cumsum(np.where(truth[order], 1, -1)))
    best = int(np.argmax(correct))
    return float(cosines[order[best - 1]]) if best else np.inf
