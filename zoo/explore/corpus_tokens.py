"""The tokens of a corpus in the order of its texts, with their contexts and tags: one file of an index."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.tokenization import in_chunks
from zoo.data.word_alignment import chunk_words
from zoo.explore.corpus_text import CorpusText
from zoo.objectives import Generates
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file

if TYPE_CHECKING:
    from zoo.pipeline.pipeline import Pipeline


@dataclass(frozen=True)
class Tags:
    """A tag for each token of a corpus: `names[ids]`; "" where a token is of no word."""

    ids: np.ndarray  # (tokens,) integers
    names: np.ndarray  # (tags,) strings


@dataclass(frozen=True)
class CorpusTokens:
    """The tokens of a corpus. A window is what the network reads at once: a text, or a part of a long one."""

    ids: np.ndarray  # (tokens,) int32, with the special tokens of each window
    offsets: np.ndarray  # (tokens, 2) int32: characters in the token's text; of a special token both are the same
    windows: np.ndarray  # (windows + 1,) int64: the first token of each window, and the number of tokens
    text_of_window: np.ndarray  # (windows,) int32
    utf8: np.ndarray  # bytes of all texts
    texts: np.ndarray  # (texts + 1,) int64: the first byte of each text, and the number of bytes
    tags: Tags | None  # that the corpus brings

    def __len__(self) -> int:
        return len(self.ids)

    def text(self, number: int) -> str:
        """A text of the corpus."""
        start, end = self.texts[number : number + 2]
        return self.utf8[start:end].tobytes().decode("utf-8", "surrogatepass")

    def window_of(self, tokens: np.ndarray) -> np.ndarray:
        """The window of each of some tokens, integers of the same shape."""
        return np.searchsorted(self.windows, tokens, side="right") - 1

    def tags_of(self, words: Iterable[tuple[np.ndarray, Sequence[str]]]) -> Tags:
        """The tags of tokens by those of words: `((words, 2) characters, tag of each word)` for each text."""
        names, parts = {"": 0}, []
        starts = self.windows[np.searchsorted(self.text_of_window, np.arange(len(self.texts)))]
        for (offsets, tags), start, end in zip(words, starts[:-1], starts[1:], strict=True):
            tag_ids = np.array([names.setdefault(tag, len(names)) for tag in tags], "int32")
            parts.append(_tags_of_tokens(self.offsets[start:end], offsets, tag_ids))
        return Tags(np.concatenate(parts), np.array(list(names)))

    def save(self, path: Path) -> None:
        """Write all into a file, atomically."""
        arrays: dict[str, Any] = {name: array for name, array in vars(self).items() if name != "tags"}
        if self.tags:
            arrays |= {"tag_ids": self.tags.ids, "tag_names": self.tags.names}
        with atomic_file(path) as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, path: Path) -> "CorpusTokens":
        """Read what `save` wrote."""
        with np.load(path) as file:
            arrays = dict(file)
        tags = Tags(arrays.pop("tag_ids"), arrays.pop("tag_names")) if "tag_ids" in arrays else None
        return cls(**arrays, tags=tags)


def tokenize_corpus(pipeline: "Pipeline", texts: Iterable[CorpusText]) -> CorpusTokens:
    """The tokens of texts, in windows of at most `objective.length` ids.

    Raises UserError where there is no text.
    """
    special, windows, utf8, tagged = special_ids(pipeline), [], [], []
    for number, (text, ids, offsets) in enumerate(_encoded(pipeline.tokenizer, texts)):
        utf8.append(text.text.encode("utf-8", "surrogatepass"))
        tagged.append((text.words, text.tags))
        room = pipeline.objective.length - sum(map(len, special))
        windows += [(number, *_window(ids[part], offsets[part], *special)) for part in chunk_words(len(ids), room)]
    if not windows:
        raise UserError("Expected a corpus with text. Received: none but blank texts.")
    sizes, numbers = [len(ids) for _, ids, _ in windows], [number for number, _, _ in windows]
    tokens = CorpusTokens(
        ids=np.concatenate([ids for _, ids, _ in windows]),
        offsets=np.concatenate([offsets for _, _, offsets in windows]),
        windows=np.cumsum([0, *sizes], dtype="int64"),
        text_of_window=np.array(numbers, "int32"),
        utf8=np.frombuffer(b"".join(utf8), "uint8"),
        texts=np.cumsum([0, *map(len, utf8)], dtype="int64"),
        tags=None,
    )
    return replace(tokens, tags=tokens.tags_of(tagged)) if any(len(tags) for _, tags in tagged) else tokens


def special_ids(pipeline: "Pipeline") -> tuple[Sequence[int], Sequence[int]]:
    """The special ids before and after a text."""
    if isinstance(pipeline.objective, Generates) and "source" not in pipeline.model.input:
        return pipeline.tokenizer.prefix, ()
    before, after = pipeline.tokenizer.template.special_ids(1, pipeline.objective.length)
    return before, after


def _encoded(tokenizer, texts) -> Iterator[tuple[CorpusText, np.ndarray, np.ndarray]]:
    for chunk in in_chunks(texts):
        encodings = tokenizer.encode_batch([text.text for text in chunk], special=False)
        yield from ((text, encoding.ids, encoding.offsets) for text, encoding in zip(chunk, encodings, strict=True))


def _window(ids, offsets, before, after):
    """`(ids, offsets)` with special tokens."""
    first, last = (int(offsets[0, 0]), int(offsets[-1, 1])) if len(offsets) else (0, 0)
    edges = np.full((len(before), 2), first), offsets, np.full((len(after), 2), last)
    return np.concatenate([before, ids, after]).astype("int32"), np.concatenate(edges).astype("int32")


def _tags_of_tokens(tokens, words, tag_ids):
    """The tag of the word that the last character of each token is in; 0 where it is in no word."""
    if not len(words):
        return np.zeros(len(tokens), "int32")
    last = tokens[:, 1] - 1
    word = np.minimum(np.searchsorted(words[:, 1], last, side="right"), len(words) - 1)
    inside = (words[word, 0] <= last) & (last < words[word, 1]) & (tokens[:, 0] < tokens[:, 1])
    return np.where(inside, tag_ids[word], 0).astype("int32")
