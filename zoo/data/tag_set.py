"""The tags that a model gives, and what the scheme in which they spell spans makes of them."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from zoo.data import span_schemes
from zoo.data.labels import collect_labels
from zoo.runtime.console import console

SHOWN = 5  # tags in a message


@dataclass(frozen=True)
class TagSet:
    """Tags in the order of a model's outputs, and their scheme: one of `span_schemes.SCHEMES`, or "plain".

    Spans are learned in the scheme of the data, but in BIO where that is IOB1.
    """

    tags: tuple
    scheme: str

    @classmethod
    def of(cls, dataset, tags=(), scheme=""):
        """The tags of a dataset's training split, where none are given, in the scheme that they look like, likewise."""
        scheme = scheme or span_schemes.detect(record["tags"] for record in dataset.records("train"))
        if tags:
            return cls(tuple(tags), scheme)
        tags = collect_labels(dataset, "tags")
        if scheme == span_schemes.PLAIN:
            return cls(tags, scheme)
        labels = {label for tag in tags for label, _, _ in span_schemes.read([tag])}
        return cls(span_schemes.spelled(sorted(labels), cls(tags, scheme).spelling), scheme)

    @property
    def spans(self):
        """Whether tags spell spans."""
        return self.scheme in span_schemes.SCHEMES

    @property
    def spelling(self):
        """The scheme in which spans are learned."""
        return "bioes" if self.scheme == "bioes" else "bio"

    def learned(self, tags):
        """A list of tags as they are learned: repaired, and of the scheme that is learned."""
        return span_schemes.write(span_schemes.read(tags), len(tags), self.spelling) if self.spans else tags

    def numbers(self, tags):
        """The place of each of a list of tags among the outputs, (tags,) int32; -1 where it is not there."""
        places = {tag: number for number, tag in enumerate(self.tags)}
        return np.array([places.get(tag, -1) for tag in self.learned(tags)], "int32")

    def allowed(self):
        """Which tag may follow which, (tags + 1, tags + 1) booleans, as `span_schemes.follows` has it; None: any."""
        return np.array(span_schemes.follows(self.tags, self.spelling)) if self.spans else None

    def edges(self):
        """(whether two neighbouring tags are of two spans, whether a tag is of one); the last is that of no word."""
        every = [*self.tags, span_schemes.OUTSIDE]
        apart = np.array([[span_schemes.apart(one, other) for other in every] for one in every])
        return apart, np.array(every) != span_schemes.OUTSIDE

    def name(self, tag):
        """What a tag says of a word: a span's label, or the tag itself."""
        return span_schemes.split(tag)[1] if self.spans else tag

    def names(self):
        """The different names, in the order of the outputs."""
        return tuple(
            dict.fromkeys(self.name(tag) for tag in self.tags if not self.spans or tag != span_schemes.OUTSIDE)
        )

    def check(self, dataset, split):
        """Tell people of the spans in a split that had to be repaired, and of tags that are not learned.

        Raises ValueError where none of the split's tags are learned.
        """
        repaired, counts = 0, Counter()
        for record in dataset.records(split):
            counts.update(self.learned(record["tags"]))
            repaired += span_schemes.repairs(record["tags"], self.spelling) if self.scheme in ("bio", "bioes") else 0
        unknown = Counter({tag: count for tag, count in counts.items() if tag not in self.tags})
        shown = ", ".join(f"{tag} ({count})" for tag, count in unknown.most_common(SHOWN))
        if counts and counts.keys() <= unknown.keys():
            known = ", ".join(self.tags[:SHOWN])
            raise ValueError(f"Expected tags such as {known} in {dataset.where(split)}. Received: {shown}.")
        if repaired:
            what = "spans that did not begin, or end, as the scheme demands"
            console.print(f"Repaired in {dataset.where(split)}: {repaired} {what}.", markup=False)
        if unknown:
            console.print(f"Never found, since not in training, in {dataset.where(split)}: {shown}.", markup=False)
