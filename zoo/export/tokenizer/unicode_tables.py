"""What the Rust library does to each code point of Unicode, found by asking it, so a twin can do exactly the same.

Python's own `unicodedata` will not do: it is of another Unicode version than the library's tables, of which there are
several. The surrogates, which are no characters, are left out of every question and keep a zero.
"""

from functools import cache

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

POINTS = 0x110000
VALID = np.r_[0:0xD800, 0xE000:POINTS]
ASKED = np.setdiff1d(VALID, ord("0"))  # the zero marks the end of an answer; nothing else becomes one
GONE, BARRIER = -1, -2  # in place of a code point: nothing, or nothing that still keeps its neighbours in order
BLANK, LETTER, ALONE, APOSTROPHE = range(4)  # classes for words
SPACE, NUMBER, OTHER, QUOTE = range(4, 8)  # further classes for bytes, beside BLANK and LETTER


def to_text(points):
    """Return the text of an array of code points."""
    return np.asarray(points, "<u4").tobytes().decode("utf-32-le")


def to_points(text):
    """Return the code points of a text, int64."""
    return np.frombuffer(text.encode("utf-32-le"), "<u4").astype(np.int64)


def answers(normalizer, *columns):
    """Return what the texts made of a row of code points become, one text for each row; none may hold a "0"."""
    rows = np.stack([*columns, np.full(len(columns[0]), ord("0"))], 1)
    return normalizer.normalize_str(to_text(rows.ravel())).split("0")[:-1]


@cache
def members(pattern):
    """Return which code points are in the regular expression [pattern], (POINTS,) bool."""
    kept = normalizers.Replace(Regex(f"[^{pattern}]"), "").normalize_str(to_text(VALID))
    return np.bincount(to_points(kept), minlength=POINTS).astype(bool)


@cache
def clinging():
    """Return beside which code points an added token is no word of its own, (POINTS,) bool."""
    backend = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    backend.add_tokens([AddedToken("x", single_word=True, normalized=False)])
    rows = np.stack([np.full(len(VALID), ord("x")), VALID, np.full(len(VALID), ord(" "))], 1)
    found = np.ones(len(VALID), bool)
    for start in range(0, len(VALID), 4096):  # the library looks at all that is left of a token
        encoding = backend.encode(to_text(rows[start : start + 4096].ravel()))
        places = [first for id, (first, _) in zip(encoding.ids, encoding.offsets, strict=True) if id]
        found[start + np.array(places, int) // 3] = False
    return np.bincount(VALID[found], minlength=POINTS).astype(bool)


def word_classes(alone):
    """Return the class of each code point for `zoo.text.splitting.WORDS`, (POINTS,) uint8."""
    classes = np.full(POINTS, ALONE, np.uint8)
    classes[members(r"\w") & ~members(alone)] = LETTER
    classes[[ord("'"), ord("’")]] = APOSTROPHE
    classes[members(r"\s")] = BLANK
    return classes


@cache
def whitespace_classes():
    """Return the class of each code point for `zoo.text.splitting.WHITESPACE_WORDS`, (POINTS,) uint8."""
    return np.where(members(r"\S"), LETTER, BLANK).astype(np.uint8)


@cache
def bert_classes():
    """Return the class of each code point for BERT's pre-tokenizer, (POINTS,) uint8."""
    text = to_text(np.stack([np.full(len(VALID), ord("a")), VALID], 1).ravel()) + "a"
    pieces = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)
    spans = np.array([span for _, span in pieces])
    classes = np.zeros(len(text) + 1, np.int64)  # here: how many pieces begin less how many end, summed up
    np.add.at(classes, spans[:, 0], 1)
    np.add.at(classes, spans[:, 1], -1)
    classes = np.where(np.cumsum(classes) > 0, LETTER, BLANK)
    classes[spans[spans[:, 1] - spans[:, 0] == 1, 0]] = ALONE
    table = np.zeros(POINTS, np.uint8)
    table[VALID] = classes[1 : 2 * len(VALID) : 2]
    return table


def byte_level_classes():
    """Return the class of each code point for GPT-2's pre-tokenizer, (POINTS,) uint8."""
    classes = np.full(POINTS, OTHER, np.uint8)
    for pattern, number in ((r"\p{L}", LETTER), (r"\p{N}", NUMBER), (r"\s", BLANK)):
        classes[members(pattern)] = number
    classes[ord("'")], classes[ord(" ")] = QUOTE, SPACE
    return classes


def images(normalizer):
    """Return what each code point becomes, and which become a character with blanks around it.

    The first array is (POINTS, k) int32 of code points, `GONE` or `BARRIER`; the second is (POINTS,) bool.
    """
    texts = answers(normalizer, ASKED)
    lonely = np.zeros(POINTS, bool)
    lonely[ASKED] = [len(text) == 3 and text[0] == text[2] == " " for text in texts]
    texts = [text.strip(" ") if len(text) == 3 else text for text in texts]
    counts = np.fromiter(map(len, texts), int)
    table = np.full((POINTS, counts.max()), GONE, np.int32)
    places = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    table[np.repeat(ASKED, counts), places] = to_points("".join(texts))
    table[ord("0"), 0] = ord("0")
    return table, lonely


@cache
def bert_images(clean, chinese, accents, lower):
    """Return `images` of BERT's normaliser and the rank of each code point in canonical order, (POINTS,) uint8."""
    table, lonely = images(normalizers.BertNormalizer(clean, chinese, accents, lower))
    ranks = np.zeros(POINTS, np.uint8)
    if accents:
        moves = moving()
        survivors = moves[table[moves, 0] == moves]
        ranks[survivors] = _ranks(survivors)
        cleaned = to_points(normalizers.BertNormalizer(clean, False, False, False).normalize_str(to_text(VALID)))
        stripped = cleaned[table[cleaned, 0] == GONE]
        table[np.setdiff1d(stripped, moves), 0] = BARRIER
    return table, lonely, ranks


def moving():
    """Return the code points that canonical order may move (their combining class is not 0)."""
    marks = np.flatnonzero(members(r"\p{M}"))
    after_last = _swaps(np.full(len(marks), 0x345), marks)  # U+0345 has the last class, 240
    before_first = _swaps(marks, np.full(len(marks), 0x334))  # U+0334 has the first class, 1
    return marks[after_last | before_first]


def _ranks(points):
    """Return for each of these code points how many of the others canonical order puts before it, plus one."""
    first, second = np.meshgrid(points, points, indexing="ij")
    return 1 + _swaps(first.ravel(), second.ravel()).reshape(first.shape).sum(1)


def _swaps(first, second):
    """Return for each pair of code points whether NFD puts the second before the first."""
    pairs = zip(answers(normalizers.NFD(), first, second), first, second, strict=True)
    return np.array([answer == chr(s) + chr(f) and f != s for answer, f, s in pairs], bool)
