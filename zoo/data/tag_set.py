"""The tag vocabulary of a model, and the span scheme (BIO, BIOES, plain) that its tags follow."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.data import span_schemes
from zoo.data.labels import check_several
from zoo.runtime.console import console
from zoo.runtime.errors import UserError

MAX_LISTED = 5  # tags in a message
STRAY = 0.1  # most tags that are of no span, to each that is, where they are taken for mistakes


@dataclass(frozen=True)
class TagSet:
    """Tags in the order of a model's outputs, and their scheme: one of `span_schemes.NAMES`, or "plain".

    Spans are learned in the scheme of the data, but in BIO where that is IOB1.
    """

    tags: tuple[str, ...]
    scheme: str

    @property
    def spans(self) -> bool:
        """Whether tags encode spans."""
        return self.scheme in span_schemes.NAMES

    @property
    def output_scheme(self) -> str:
        """The scheme in which spans are learned."""
        return "bioes" if self.scheme == "bioes" else "bio"

    def normalise(self, tags: Sequence[str]) -> Sequence[str]:
        """A list of tags as it is learned: repaired, and in `output_scheme`."""
        return span_schemes.encode(span_schemes.decode(tags), len(tags), self.output_scheme) if self.spans else tags

    def ids(self, tags: Sequence[str]) -> np.ndarray:
        """The index of each tag among the outputs, (tags,) int32; -1 for a tag that is not in the vocabulary."""
        indices = {tag: index for index, tag in enumerate(self.tags)}
        return np.array([indices.get(tag, -1) for tag in self.normalise(tags)], "int32")

    def allowed(self) -> np.ndarray | None:
        """`span_schemes.transitions` as (tags + 1, tags + 1) booleans; None where every transition is allowed."""
        return np.array(span_schemes.transitions(self.tags, self.output_scheme)) if self.spans else None

    def boundaries(self) -> tuple[np.ndarray, np.ndarray]:
        """Two boolean arrays: whether a boundary lies between two neighbouring tags, and whether a tag is of a span.

        Their shapes are (tags + 1, tags + 1) and (tags + 1,); the last index stands for a word outside of the text.
        """
        states = [*self.tags, span_schemes.OUTSIDE]
        between = np.array([[span_schemes.is_boundary(before, after) for after in states] for before in states])
        return between, np.array(states) != span_schemes.OUTSIDE

    def name(self, tag: str) -> str:
        """The name of a tag in answers: a span's label, or the tag itself."""
        return span_schemes.split(tag)[1] if self.spans else tag

    def names(self) -> tuple[str, ...]:
        """The different names, in the order of the outputs."""
        return tuple(
            dict.fromkeys(self.name(tag) for tag in self.tags if not self.spans or tag != span_schemes.OUTSIDE)
        )

    def check_counts(self, counts: "TagCounts", where: str) -> None:
        """Report the repaired spans and the unknown tags of a split, which `where` describes, on standard error.

        Raises UserError where the vocabulary holds none of the split's tags.
        """
        tags, repaired = counts.tags(self), counts.repairs(self)
        unknown = Counter({tag: count for tag, count in tags.items() if tag not in self.tags})
        listed = ", ".join(f"{tag} ({count})" for tag, count in unknown.most_common(MAX_LISTED))
        if tags and tags.keys() <= unknown.keys():
            known = ", ".join(self.tags[:MAX_LISTED])
            raise UserError(f"Expected tags such as {known} in {where}. Received: {listed}.")
        if repaired:
            message = f"Repaired in {where}: {repaired} spans that did not begin, or end, as the scheme requires."
            console.print(message)
        if unknown:
            console.print(f"Never predicted, since not in the training split, in {where}: {listed}.")


class TagCollector:
    """Collects the tag vocabulary and the span scheme of a training split, one text at a time."""

    def __init__(self) -> None:
        self._tags, self._detector = set(), span_schemes.SchemeDetector()
        self._spans = 0  # tokens whose tag is of a span, or outside of spans
        self._counts, self._others = Counter(), {}  # of other tags: tokens, first location

    def add(self, tags: Sequence[str], location: str = "") -> None:
        """Add the tags of a text."""
        self._tags.update(tags)
        self._detector.add(tags)
        others = [tag for tag in tags if not span_schemes.is_span_tag(tag)]
        self._spans += len(tags) - len(others)
        for tag in others:
            self._counts[tag] += 1
            self._others.setdefault(tag, location)

    def tag_set(self, where: str, tags: Iterable[str] = (), scheme: str = "") -> TagSet:
        """The `TagSet` of the texts so far, with `tags` and `scheme` in place of the collected ones where passed.

        Raises UserError where there are fewer than two tags; `where` describes the split in its message.
        """
        if not scheme and not tags:
            self._check_scheme()
        scheme = scheme or self._detector.scheme()
        if tags:
            return TagSet(tuple(tags), scheme)
        collected = check_several(self._tags, "tags", where)
        if scheme == span_schemes.PLAIN:
            return TagSet(collected, scheme)
        labels = {label for tag in collected for label, _, _ in span_schemes.decode([tag])}
        return TagSet(span_schemes.tags_of(sorted(labels), TagSet(collected, scheme).output_scheme), scheme)

    def _check_scheme(self):
        """Raise UserError where nearly all tags are of spans: the others are mistakes, which would hide the spans."""
        if self._others and self._counts.total() <= STRAY * self._spans and self._detector.has_spans:
            tag, location = next(iter(self._others.items()))
            raise UserError(
                f"Expected tags of spans, such as B-X, I-X and O, as nearly all are. Received: {tag!r} at {location}. "
                "Correct it, or learn tags that are no spans by objective.scheme=plain."
            )


class TagCounts:
    """Counts of a split's tags and of its spans to repair, for every scheme, since that of the data is known last."""

    def __init__(self) -> None:
        self._tags = {scheme: Counter() for scheme in (span_schemes.PLAIN, "bio", "bioes")}
        self._repairs = Counter()

    def add(self, tags: Sequence[str]) -> None:
        """Count the tags of a text."""
        spans = span_schemes.decode(tags)
        self._tags[span_schemes.PLAIN].update(tags)
        for scheme in ("bio", "bioes"):
            self._tags[scheme].update(span_schemes.encode(spans, len(tags), scheme))
            self._repairs[scheme] += span_schemes.count_repairs(tags, scheme)

    def tags(self, tag_set: TagSet) -> Counter:
        """The counts of tags as `tag_set` normalises them."""
        return self._tags[tag_set.output_scheme if tag_set.spans else span_schemes.PLAIN]

    def repairs(self, tag_set: TagSet) -> int:
        """The number of spans that `tag_set` has to repair."""
        return self._repairs[tag_set.output_scheme] if tag_set.scheme in ("bio", "bioes") else 0
