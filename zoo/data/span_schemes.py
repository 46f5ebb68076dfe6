"""Encode and decode spans of tokens as tags: BIO (IOB2), IOB1, BIOES, or plain tags that are no spans.

IOB1: Ramshaw & Marcus 1995, https://aclanthology.org/W95-0107, where B- only separates a span from a span of the same
label right before it. BIO: Tjong Kim Sang & Veenstra 1999, https://aclanthology.org/E99-1023, where each span begins
with B-. BIOES: the last token of a span has E-, a span of one token S-. All are decoded by the rule of CoNLL-2000's
conlleval, https://www.clips.uantwerpen.be/conll2000/chunking/conlleval.txt, where an I- without its B- is a span too.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

OUTSIDE = "O"
PLAIN = "plain"
NAMES = ("bio", "iob1", "bioes")

Span = tuple[str, int, int]  # label, first token, past-the-last token


def split(tag: str) -> tuple[str, str]:
    """(prefix, label) of a tag: "B-per" is B of per, "O" is O of "_"."""
    return tag[:1], tag[1:].split("-", maxsplit=1)[-1] or "_"


def is_span_tag(tag: str) -> bool:
    """Whether a tag is one of a scheme of spans: B-, I-, E- or S- with a label, or outside of spans."""
    return tag == OUTSIDE or (tag[:2] in ("B-", "I-", "E-", "S-") and bool(tag[2:]))


def is_boundary(before: str, after: str) -> bool:
    """Whether a span ends or begins between two neighbouring tags."""
    (prefix, label), (next_prefix, next_label) = split(before), split(after)
    return prefix in "OES" or next_prefix in "OBS" or label != next_label


def decode(tags: Sequence[str], strict: str | None = None) -> list[Span]:
    """The spans of a list of tags, in their order.

    With `strict`, "bio" or "bioes", only the spans whose tags follow that scheme to the letter.
    """
    boundaries = [index for index, pair in enumerate(pairwise([OUTSIDE, *tags, OUTSIDE])) if is_boundary(*pair)]
    spans = [(split(tags[start])[1], start, end) for start, end in pairwise(boundaries) if tags[start] != OUTSIDE]
    return [span for span in spans if not strict or _is_valid(span, tags, strict)]


def encode(spans: Iterable[Span], count: int, scheme: str = "bio") -> list[str]:
    """The tags of `count` tokens for `spans`, which do not overlap, in a scheme."""
    tags = [OUTSIDE] * count
    for (previous, _, previous_end), (label, start, end) in pairwise([("", 0, 0), *spans]):
        begins = "I" if scheme == "iob1" and (previous, previous_end) != (label, start) else "B"
        prefixes = [begins, *"I" * (end - start - 1)]
        if scheme == "bioes":
            prefixes[-1] = "E" if len(prefixes) > 1 else "S"
        tags[start:end] = [f"{prefix}-{label}" for prefix in prefixes]
    return tags


def tags_of(labels: Iterable[str], scheme: str) -> tuple[str, ...]:
    """The tag vocabulary of a scheme: all tags that spans of these labels may have, and the tag outside of spans."""
    prefixes = "BIES" if scheme == "bioes" else "BI"
    return (OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in prefixes))


def count_repairs(tags: Sequence[str], scheme: str) -> int:
    """How many spans of `decode` do not follow the scheme to the letter, such as an I- without its B-."""
    return 0 if scheme == "iob1" else len(decode(tags)) - len(decode(tags, scheme))


def detect(sequences: Iterable[Sequence[str]]) -> str:
    """The scheme of lists of tags: one of `NAMES`, or "plain" where a tag is of no scheme or all are outside."""
    detector = SchemeDetector()
    for tags in sequences:
        detector.add(tags)
    return detector.scheme()


class SchemeDetector:
    """Detects the scheme of lists of tags that are added one by one."""

    def __init__(self) -> None:
        self._tags, self._begins_inside, self._separates = set(), False, True

    def add(self, tags: Sequence[str]) -> None:
        """Add the tags of a text."""
        self._tags.update(tags)
        for (previous, _, previous_end), (label, start, _) in pairwise([("", 0, 0), *decode(tags)]):
            self._begins_inside |= tags[start][:1] == "I"
            self._separates &= tags[start][:1] != "B" or (previous, previous_end) == (label, start)

    @property
    def has_spans(self) -> bool:
        """Whether some tag so far is of a span."""
        return any(tag != OUTSIDE and is_span_tag(tag) for tag in self._tags)

    def scheme(self) -> str:
        """One of `NAMES`, or "plain"."""
        tags = self._tags - {OUTSIDE}
        if not tags or not all(map(is_span_tag, tags)):
            return PLAIN
        if any(tag[0] in "ES" for tag in tags):
            return "bioes"
        return "iob1" if self._begins_inside and self._separates else "bio"


def transitions(tags: Sequence[str], scheme: str) -> list[list[bool]]:
    """The allowed transitions of a scheme, from row to column: (tags + 1, tags + 1) lists of booleans.

    The last row stands for the beginning of a text, the last column for its end.
    """
    states = [*tags, OUTSIDE]  # a text begins and ends like a tag outside of spans
    return [[_may_follow(before, after, scheme) for after in states] for before in states]


def _may_follow(before, after, scheme):
    """Whether a valid text holds the two tags side by side; in IOB1 every pair is valid."""
    (prefix, label), (next_prefix, next_label) = split(before), split(after)
    continues = next_prefix in "IE"
    if scheme == "bio":
        return not continues or (prefix in "BI" and label == next_label)
    return continues == (prefix in "BI") and (not continues or label == next_label)


def _is_valid(span, tags, scheme):
    first, last = tags[span[1]][0], tags[span[2] - 1][0]
    if scheme == "bio":
        return first == "B"
    return (first, last) == ("B", "E") or (first == "S" and span[2] - span[1] == 1)
