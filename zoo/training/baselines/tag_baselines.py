"""Baselines of sequence labelling: the most frequent tag everywhere, and the most frequent tag of each word."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from zoo.data import span_schemes
from zoo.data.record_sample import RecordSample
from zoo.data.tag_set import TagSet
from zoo.objectives._tagging import names_of, words_of
from zoo.objectives.classify_and_tag import ClassifyAndTag
from zoo.objectives.tag_tokens import TagTokens
from zoo.training.baselines.baseline import CHANCE, Baseline, BaselineData, baselines_of, scored
from zoo.training.baselines.label_baselines import REGRESSION, label_decisions, label_predictors

MOST_FREQUENT = "the most frequent tag of each word"

Tag = Callable[[Sequence[dict]], list[list[str]]]  # records -> the tag of each of their words


@baselines_of.register
def _(objective: TagTokens, data: BaselineData) -> dict[str, Baseline]:
    return {
        name: scored(objective, data, lambda records, tag=tag: tag_decisions(objective.tag_set, tag(records)))
        for name, tag in taggers(objective.tag_set, data.sample).items()
    }


@baselines_of.register
def _(objective: ClassifyAndTag, data: BaselineData) -> dict[str, Baseline]:
    predictors = label_predictors(objective.classifier, data.sample)
    both = {}
    for name, tag in taggers(objective.tag_set, data.sample).items():
        for label_name, predict in predictors.items():
            if (name == CHANCE) == (label_name == CHANCE):
                title = name if name == CHANCE else f"{REGRESSION} and {name}"
                both[title] = scored(objective, data, _joint(objective.tag_set, predict, tag))
    return both


def _joint(tag_set, predict, tag):
    """The function from records to decisions of a label and of tags."""

    def decide(records: Sequence[dict]) -> list[dict]:
        labels = label_decisions(predict(records))
        tags = tag_decisions(tag_set, tag(records))
        return [
            decision | {"classes": label["labels"], "probabilities": label["probabilities"]}
            for decision, label in zip(tags, labels, strict=True)
        ]

    return decide


def taggers(tag_set: TagSet, sample: RecordSample) -> dict[str, Tag]:
    """{name: tagger} of each baseline, from a sample of the training records."""
    tags, words = Counter(), {}
    for record in sample.records:
        for word, tag in zip(words_of(record)[0], tag_set.normalise(record["tags"]), strict=True):
            tags[tag] += 1
            words.setdefault(word, Counter())[tag] += 1
    majority = tags.most_common(1)[0][0] if tags else tag_set.tags[0]
    best = {word: counts.most_common(1)[0][0] for word, counts in words.items()}
    return {
        CHANCE: lambda records: [[majority] * len(words_of(record)[0]) for record in records],
        MOST_FREQUENT + sample.suffix: lambda records: [
            [best.get(word, majority) for word in words_of(record)[0]] for record in records
        ],
    }


def tag_decisions(tag_set: TagSet, texts: Iterable[Sequence[str]]) -> list[dict]:
    """Decisions in the form of `TagTokens.decide`, without padding, of the tags of each text."""
    key, names = names_of(tag_set)
    indices = {name: i for i, name in enumerate(names)}
    decisions = []
    for tags in texts:
        tags = tag_set.normalise(tags)
        spans = span_schemes.decode(tags) if tag_set.spans else [(tag, i, i + 1) for i, tag in enumerate(tags)]
        spans = [span for span in spans if span[0] in indices]
        decisions.append(
            {
                "word_tags": tag_set.ids(tags),
                key: np.array([indices[label] for label, _, _ in spans], int),
                "first": np.array([start for _, start, _ in spans], int),
                "last": np.array([end - 1 for _, _, end in spans], int),
            }
        )
    return decisions
