"""Unicode tables over all code points, probed from the tokenizers library, so that a graph equals it.

Python's `unicodedata` has another Unicode version than the library's tables, which differ among themselves. Surrogates
are no characters: they are never probed, and are zero in every table.
"""

from functools import cache

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CODE_POINTS = 0x110000
VALID = np.delete(np.arange(CODE_POINTS, dtype=np.int32), slice(0xD800, 0xE000))
PROBED = np.delete(VALID, ord("0"))  # a zero ends each probe; no other character is normalised to a zero
CHUNK = 2**14  # code points that are probed at once
DELETED, BARRIER = -1, -2  # in place of a code point: deleted, or deleted after its neighbours are kept in order
WHITESPACE, LETTER, SINGLE, APOSTROPHE = range(4)  # classes for words; a character of SINGLE is a word by itself
SPACE, NUMBER, OTHER, QUOTE = range(4, 8)  # further classes for byte-level words, beside WHITESPACE and LETTER


def to_text(points: np.ndarray) -> str:
    """The text of an array of code points."""
    return np.asarray(points, "<u4").tobytes().decode("utf-32-le")


def to_points(text: str) -> np.ndarray:
    """The code points of a text, int32."""
    return np.frombuffer(text.encode("utf-32-le"), "<i4").astype(np.int32)


def normalize_rows(normalizer: normalizers.Normalizer, *columns: np.ndarray) -> list[str]:
    """The normalised text of each row of code points; no text may hold a "0"."""
    rows = np.stack([*columns, np.full(len(columns[0]), ord("0"))], 1)
    return normalizer.normalize_str(to_text(rows.ravel())).split("0")[:-1]


@cache
def members(pattern: str) -> np.ndarray:
    """Whether each code point matches the regular expression [pattern], (CODE_POINTS,) bool."""
    matches = _normalize_all(normalizers.Replace(Regex(f"[^{pattern}]"), ""))
    return np.bincount(matches, minlength=CODE_POINTS).astype(bool)


@cache
def joins_added_tokens() -> np.ndarray:
    """Whether each code point, as a neighbour, makes an added token part of a longer word, (CODE_POINTS,) bool."""
    backend = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    backend.add_tokens([AddedToken("x", single_word=True, normalized=False)])
    rows = np.stack([np.full(len(VALID), ord("x")), VALID, np.full(len(VALID), ord(" "))], 1)
    joins = np.ones(len(VALID), bool)
    for start in range(0, len(VALID), 4096):  # for speed: the library scans all text left of a token
        encoding = backend.encode(to_text(rows[start : start + 4096].ravel()))
        offsets = [first for id, (first, _) in zip(encoding.ids, encoding.offsets, strict=True) if id]
        joins[start + np.array(offsets, int) // 3] = False
    return np.bincount(VALID[joins], minlength=CODE_POINTS).astype(bool)


def word_classes(single: str) -> np.ndarray:
    """The class of each code point for `zoo.text.splitting.WORDS`, (CODE_POINTS,) uint8.

    `single` is `zoo.text.splitting.CJK`: the scripts whose characters are words by themselves.
    """
    classes = np.full(CODE_POINTS, SINGLE, np.uint8)
    classes[members(r"\w") & ~members(single)] = LETTER
    classes[[ord("'"), ord("’")]] = APOSTROPHE
    classes[members(r"\s")] = WHITESPACE
    return classes


@cache
def whitespace_classes() -> np.ndarray:
    """The class of each code point for `zoo.text.splitting.WHITESPACE_WORDS`, (CODE_POINTS,) uint8."""
    return np.where(members(r"\S"), LETTER, WHITESPACE).astype(np.uint8)


@cache
def bert_classes() -> np.ndarray:
    """The class of each code point for BERT's pre-tokenizer, (CODE_POINTS,) uint8."""
    table = np.zeros(CODE_POINTS, np.uint8)
    for points in _chunks(VALID):
        text = to_text(np.stack([np.full(len(points), ord("a")), points], 1).ravel()) + "a"
        words = pre_tokenizers.BertPreTokenizer().pre_tokenize_str(text)
        spans = np.array([span for _, span in words])
        depth = np.zeros(len(text) + 1, np.int64)  # at each character: words that begin less words that end
        np.add.at(depth, spans[:, 0], 1)
        np.add.at(depth, spans[:, 1], -1)
        classes = np.where(np.cumsum(depth) > 0, LETTER, WHITESPACE)
        classes[spans[spans[:, 1] - spans[:, 0] == 1, 0]] = SINGLE
        table[points] = classes[1 : 2 * len(points) : 2]
    return table


def byte_level_classes() -> np.ndarray:
    """The class of each code point for GPT-2's pre-tokenizer, (CODE_POINTS,) uint8."""
    classes = np.full(CODE_POINTS, OTHER, np.uint8)
    for pattern, number in ((r"\p{L}", LETTER), (r"\p{N}", NUMBER), (r"\s", WHITESPACE)):
        classes[members(pattern)] = number
    classes[ord("'")], classes[ord(" ")] = QUOTE, SPACE
    return classes


def replacements(normalizer: normalizers.Normalizer) -> tuple[np.ndarray, np.ndarray]:
    """The characters that each code point is normalised to, and whether spaces surround them.

    The first array is (CODE_POINTS, k) int32 of code points, `DELETED` or `BARRIER`; the second is (CODE_POINTS,) bool.
    """
    isolated, runs = np.zeros(CODE_POINTS, bool), []
    for points in _chunks(PROBED):
        texts = normalize_rows(normalizer, points)
        isolated[points] = [len(text) == 3 and text[0] == text[2] == " " for text in texts]
        texts = [text.strip(" ") if len(text) == 3 else text for text in texts]
        runs.append((points, np.fromiter(map(len, texts), int), to_points("".join(texts))))
    table = np.full((CODE_POINTS, max(counts.max() for _, counts, _ in runs)), DELETED, np.int32)
    for points, counts, characters in runs:
        columns = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        table[np.repeat(points, counts), columns] = characters
    table[ord("0"), 0] = ord("0")
    return table, isolated


def _normalize_all(normalizer):
    """The code points of the normalised text of all code points."""
    texts = (normalizer.normalize_str(to_text(points)) for points in _chunks(VALID))
    return np.concatenate([to_points(text) for text in texts])


def _chunks(points):
    """Yield parts of an array: the strings of all code points would take 300 MB."""
    for start in range(0, len(points), CHUNK):
        yield points[start : start + CHUNK]


@cache
def bert_replacements(clean: bool, chinese: bool, accents: bool, lower: bool) -> tuple[np.ndarray, ...]:
    """`replacements` of BERT's normaliser, and the rank of each code point in canonical order, (CODE_POINTS,) uint8."""
    table, isolated = replacements(normalizers.BertNormalizer(clean, chinese, accents, lower))
    ranks = np.zeros(CODE_POINTS, np.uint8)
    if accents:
        marks = reordered_marks()
        survivors = marks[table[marks, 0] == marks]
        ranks[survivors] = _ranks(survivors)
        cleaned = _normalize_all(normalizers.BertNormalizer(clean, False, False, False))
        stripped = cleaned[table[cleaned, 0] == DELETED]
        table[np.setdiff1d(stripped, marks), 0] = BARRIER
    return table, isolated, ranks


def reordered_marks() -> np.ndarray:
    """The code points that canonical order may move (combining class above 0)."""
    marks = np.flatnonzero(members(r"\p{M}"))
    after_last = _swapped(np.full(len(marks), 0x345), marks)  # U+0345 has the last class, 240
    before_first = _swapped(marks, np.full(len(marks), 0x334))  # U+0334 has the first class, 1
    return marks[after_last | before_first]


def _ranks(points):
    """For each code point the number of code points that canonical order puts before it, plus one."""
    return np.array([1 + _swapped(np.full(len(points), point), points).sum() for point in points])


def _swapped(a, b):
    """For each pair of code points whether NFD puts b before a."""
    pairs = zip(normalize_rows(normalizers.NFD(), a, b), a, b, strict=True)
    return np.array([text == chr(second) + chr(first) and first != second for text, first, second in pairs], bool)
