"""Sequence labelling shared by objectives: words of records, spans from tags, batched decoding, the tag vocabulary."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from keras import ops

from zoo.backend.shapes import power_of_two
from zoo.data.tag_set import TagCollector, TagCounts, TagSet
from zoo.data.word_alignment import split_words, word_offsets
from zoo.layers.tags import tags_to_spans
from zoo.objectives import Preparation
from zoo.objectives._runner import Runner

AUTO = "auto"  # the span scheme is that of the data
BATCH_SIZE = 256  # texts decoded at once
STEP = 16  # padded lengths are multiples of this many words, so that decoding compiles few times
SPANS = ("labels", "tags", "scores", "first", "last")  # tensors of a decision with an entry for each span


def words_of(record: dict) -> tuple[list[str], Sequence | np.ndarray, str]:
    """(words, their character offsets, the text that the offsets refer to) of a record."""
    if "tokens" in record:
        return record["tokens"], word_offsets(record["tokens"]), " ".join(record["tokens"])
    words = split_words(record["text"])
    return [word for word, _, _ in words], [offsets for _, *offsets in words], record["text"]


def names_of(tag_set: TagSet) -> tuple[str, tuple[str, ...]]:
    """The key of a decision that holds indices of names, and the names; the last name is "", for padding."""
    return "labels" if tag_set.spans else "tags", (*tag_set.names(), "")


def named_spans(tag_set: TagSet, tag: Any, score: Any, padding_mask: Any) -> dict[str, Any]:
    """The spans (without a span scheme: the words) of (rows, words) tags, as a dict of (rows, spans) tensors.

    `labels` (or `tags`), indices of `names_of`; `scores`; `first` and `last` word, -1 as padding.
    """
    if tag_set.spans:
        spans = tags_to_spans(tag, score, padding_mask, *tag_set.boundaries())
    else:
        word = ops.broadcast_to(ops.arange(ops.shape(tag)[1], dtype="int32"), ops.shape(tag))
        spans = {"first": word, "last": word, "tag": tag, "score": score}
        spans = {name: ops.where(padding_mask, array, -1) for name, array in spans.items()}
    key, names = names_of(tag_set)
    indices = {name: i for i, name in enumerate(names)}
    index_of_tag = np.array([*(indices.get(tag_set.name(tag), -1) for tag in tag_set.tags), indices[""]], "int32")
    index = ops.take(index_of_tag, ops.where(spans["tag"] < 0, len(tag_set.tags), spans["tag"]))
    return {key: index, "scores": spans["score"], "first": spans["first"], "last": spans["last"]}


def decide_texts(run: Runner, texts: list[dict], inputs: dict) -> list[dict]:
    """The decision for each text, {name: array}, without padding.

    Args:
        run: the runner of the model.
        texts: for each text `tags`, (words, tags) scores, and arrays with one size for all texts.
        inputs: further inputs of the objective's `decide`, such as the transitions of a CRF.
    """
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]["tags"]))
    decisions: list[dict] = [{}] * len(texts)
    for start in range(0, len(order), BATCH_SIZE):
        indices = order[start : start + BATCH_SIZE]
        batch = run.decide(_stack([texts[i] for i in indices]) | inputs)
        for row, i in enumerate(indices):
            decisions[i] = _unpadded({name: array[row] for name, array in batch.items()}, len(texts[i]["tags"]))
    return decisions


def _stack(texts):
    """{name: (texts, ...) array}, padded with zeros to one of few shapes, and `padding_mask`, True at words."""
    rows, words = power_of_two(len(texts)), STEP * (1 + max(len(text["tags"]) for text in texts) // STEP)
    batch = {"padding_mask": np.zeros((rows, words), bool)}
    for name, array in texts[0].items():
        shape = (rows, words, *array.shape[1:]) if name == "tags" else (rows, *array.shape)
        batch[name] = np.zeros(shape, "float32")
        for out, text in zip(batch[name], texts, strict=False):
            out[: len(text[name])] = text[name]
    for mask, text in zip(batch["padding_mask"], texts, strict=False):
        mask[: len(text["tags"])] = True
    return batch


def _unpadded(decision, words):
    """A row of a decision without the padding of words and spans."""
    exists = decision["first"] >= 0
    spans = {name: decision[name][exists] for name in SPANS if name in decision}
    return decision | spans | {"word_tags": decision["word_tags"][:words]}


class TagPreparation(Preparation[Any]):
    """Collects the tags and the scheme of the training split, and reports repaired spans and unknown tags."""

    def __init__(self, objective: Any) -> None:
        super().__init__(objective)
        self.collector, self.counts = TagCollector(), {}

    def add(self, split: str, location: str, record: dict) -> None:
        if split == "train":
            self.collector.add(record["tags"], location)
        self.counts.setdefault(split, TagCounts()).add(record["tags"])

    def finish(self, describe: Callable[[str], str]) -> Any:
        scheme = "" if self.objective.scheme == AUTO else self.objective.scheme
        if self.objective.tags and scheme:
            tag_set = self.objective.tag_set
        else:
            tag_set = self.collector.tag_set(describe("train"), self.objective.tags, scheme)
        for split, counts in self.counts.items():
            tag_set.check_counts(counts, describe(split))
        return replace(self.objective, tags=tag_set.tags, scheme=tag_set.scheme)
