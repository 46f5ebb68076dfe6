"""How tags spell spans of tokens: BIO (IOB2), IOB1, BIOES, or plain tags that spell none.

IOB1: Ramshaw & Marcus 1995, https://aclanthology.org/W95-0107, where B- only parts a span from one of the same label
right before it. BIO: Tjong Kim Sang & Veenstra 1999, https://aclanthology.org/E99-1023, where each span begins with B-.
BIOES: the last token of a span has E-, a span of one token S-. All are read by the one rule of CoNLL-2000's conlleval,
https://www.clips.uantwerpen.be/conll2000/chunking/conlleval.txt, which makes a span of an I- without its B- as well.
"""

from itertools import pairwise

OUTSIDE = "O"
PLAIN = "plain"
SCHEMES = ("bio", "iob1", "bioes")


def split(tag):
    """(prefix, label) of a tag: "B-per" is B of per, "O" is O of "_"."""
    return tag[:1], tag[1:].split("-", maxsplit=1)[-1] or "_"


def apart(before, after):
    """Whether neighbouring tags are not of one span."""
    (first, label), (second, other) = split(before), split(after)
    return first in "OES" or second in "OBS" or label != other


def read(tags, strict=None):
    """Spans (label, first token, past-the-last token) that a list of tags spells, in their order.

    With `strict`, "bio" or "bioes", only those that are spelled just as that scheme demands.
    """
    edges = [place for place, pair in enumerate(pairwise([OUTSIDE, *tags, OUTSIDE])) if apart(*pair)]
    spans = [(split(tags[start])[1], start, end) for start, end in pairwise(edges) if tags[start] != OUTSIDE]
    return [span for span in spans if not strict or _is_sound(span, tags, strict)]


def write(spans, count, scheme="bio"):
    """The tags of `count` tokens that spell `spans`, which do not overlap, in a scheme."""
    tags = [OUTSIDE] * count
    for (other, _, edge), (label, start, end) in pairwise([("", 0, 0), *spans]):
        begins = "I" if scheme == "iob1" and (other, edge) != (label, start) else "B"
        prefixes = [begins, *"I" * (end - start - 1)]
        if scheme == "bioes":
            prefixes[-1] = "E" if len(prefixes) > 1 else "S"
        tags[start:end] = [f"{prefix}-{label}" for prefix in prefixes]
    return tags


def spelled(labels, scheme):
    """All tags that spans of these labels may have in a scheme, and the one outside."""
    prefixes = "BIES" if scheme == "bioes" else "BI"
    return (OUTSIDE, *(f"{prefix}-{label}" for label in labels for prefix in prefixes))


def repairs(tags, scheme):
    """How many spans `read` finds that are not spelled as the scheme demands, such as an I- without its B-."""
    return 0 if scheme == "iob1" else len(read(tags)) - len(read(tags, scheme))


def detect(sequences):
    """The scheme that lists of tags are in: one of `SCHEMES`, or "plain" where one is of none, or all are outside."""
    kinds, inside, parted = set(), False, True
    for tags in sequences:
        kinds.update(tags)
        spans = [("", 0, 0), *read(tags)]
        for (other, _, edge), (label, start, _) in pairwise(spans):
            inside |= tags[start][:1] == "I"
            parted &= tags[start][:1] != "B" or (other, edge) == (label, start)
    kinds -= {OUTSIDE}
    if not kinds or not all(kind[:2] in ("B-", "I-", "E-", "S-") and kind[2:] for kind in kinds):
        return PLAIN
    if any(kind[0] in "ES" for kind in kinds):
        return "bioes"
    return "iob1" if inside and parted else "bio"


def follows(tags, scheme):
    """Which of a list of tags may follow which in a scheme, from row to column: (tags + 1, tags + 1) lists of booleans.

    The last row stands for the beginning of a text, the last column for its end.
    """
    every = [*tags, OUTSIDE]  # text ends as before and after a tag of no span
    return [[_may_follow(before, after, scheme) for after in every] for before in every]


def _may_follow(before, after, scheme):
    """Whether the two stand in a sound text; in IOB1 everything does."""
    (first, label), (second, other) = split(before), split(after)
    goes_on = second in "IE"
    if scheme == "bio":
        return not goes_on or (first in "BI" and label == other)
    return goes_on == (first in "BI") and (not goes_on or label == other)


def _is_sound(span, tags, scheme):
    first, last = tags[span[1]][0], tags[span[2] - 1][0]
    if scheme == "bio":
        return first == "B"
    return (first, last) == ("B", "E") or (first == "S" and span[2] - span[1] == 1)
