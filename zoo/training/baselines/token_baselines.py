"""Baselines of language models: a uniform guess, and the unigram model, the frequency of each token in training.

Shannon 1948, https://doi.org/10.1002/j.1538-7305.1948.tb01338.x, section 3. Of sequence to sequence also the copy of
the source.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from zoo.data.masking import mask_examples, masked_scores
from zoo.data.tokenization import in_chunks
from zoo.metrics import text as text_metrics
from zoo.objectives import Objective
from zoo.objectives._text_generation import TextGeneration
from zoo.objectives.masked_token import MaskedToken
from zoo.objectives.next_token import NextToken
from zoo.objectives.pretrain import Pretrain
from zoo.objectives.translate import Translate
from zoo.training.baselines.baseline import CHANCE, Baseline, BaselineData, baselines_of

UNIGRAMS = "unigram frequencies"
COPY = "a copy of the source"
BLOCK = 1 << 20  # ids that are counted at once

Labels = Callable[[Sequence[dict]], Iterator[np.ndarray]]  # records -> the ids that a model predicts, in parts


@baselines_of.register
def _(objective: NextToken, data: BaselineData) -> dict[str, Baseline]:
    return _token_baselines(data, "labels", _labels(objective, data))


@baselines_of.register
def _(objective: TextGeneration, data: BaselineData) -> dict[str, Baseline]:
    return _token_baselines(data, "labels", _labels(objective, data))


@baselines_of.register
def _(objective: Translate, data: BaselineData) -> dict[str, Baseline]:
    metric = "bleu" if objective.monitor == "perplexity" else objective.monitor

    def copy(records: Sequence[dict]) -> dict[str, float]:
        sources, targets = ([record[name] for record in records] for name in ("source", "target"))
        return {metric: _text_score(metric, sources, targets, objective.ignore_case)}

    return _token_baselines(data, "labels", _labels(objective, data)) | {COPY: copy}


@baselines_of.register
def _(objective: MaskedToken, data: BaselineData) -> dict[str, Baseline]:
    return _token_baselines(data, "tokens", _masked_labels(objective, data))


@baselines_of.register
def _(objective: Pretrain, data: BaselineData) -> dict[str, Baseline]:
    return _token_baselines(data, "tokens", _masked_labels(objective, data))


def _token_baselines(data, key, labels: Labels) -> dict[str, Baseline]:
    size = data.tokenizer.vocabulary_size
    counts = _counts(data, key, size)
    return {
        CHANCE: _distribution_baseline(np.zeros(size), labels),
        UNIGRAMS: _distribution_baseline(counts, labels),
    }


def _counts(data, key, size):
    """(size,) how often each id occurs in the training examples under a key, where a model may have to predict it."""
    counts, values = np.zeros(size, "int64"), data.examples.values
    words = values.get("word_ids", values[key])  # -1 at special tokens, which are never masked
    for start in range(0, len(words), BLOCK):
        part = values[key][start : start + BLOCK]
        counts += np.bincount(part[(part >= 0) & (words[start : start + BLOCK] >= 0)], minlength=size)[:size]
    return counts


def _distribution_baseline(counts, labels: Labels) -> Baseline:
    """The scores of the same probabilities at each position, from counts with one added to each."""
    losses = -np.log((counts + 1) / (counts + 1).sum())
    guess = int(np.argmax(counts))

    def score(records: Sequence[dict]) -> dict[str, float]:
        scores = masked_scores([{"losses": losses[ids], "hits": ids == guess} for ids in labels(records)])
        return {name: scores[name] for name in ("perplexity", "accuracy")}

    return score


def _labels(objective: Objective, data: BaselineData) -> Labels:
    def labels(records: Sequence[dict]) -> Iterator[np.ndarray]:
        for chunk in in_chunks(records):
            for example in objective.examples(chunk, data.tokenizer):
                yield example["labels"][example["labels"] >= 0]

    return labels


def _masked_labels(objective: MaskedToken | Pretrain, data: BaselineData) -> Labels:
    def labels(records: Sequence[dict]) -> Iterator[np.ndarray]:
        for chunk in in_chunks(records):
            examples = objective.examples(chunk, data.tokenizer)
            yield from (example["labels"] for example in mask_examples(examples, objective.masking))

    return labels


def _text_score(metric, texts, references, ignore_case):
    """The score of a metric of `zoo.metrics.text.text_scores`, without the others."""
    if metric in text_metrics.ROUGES:
        return text_metrics.rouge(texts, references)[metric]
    return getattr(text_metrics, metric)(texts, references, ignore_case)
