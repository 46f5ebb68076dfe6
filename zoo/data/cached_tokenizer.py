"""A tokenizer with a cache of encodings on disk, for validation texts, which are encoded after every epoch."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from zoo.data.examples import ArrayStore, is_intact, save
from zoo.runtime.errors import UserError
from zoo.runtime.leftovers import remove_leftovers
from zoo.text.tokenizer import Text, Tokenizer
from zoo.text.unicode import as_texts

FEWEST = 16  # texts in the smallest batch that is cached


class CachedTokenizer(Tokenizer):
    """A `Tokenizer` that reads the ids and offsets of a batch of texts from disk, where it has encoded them before.

    Args:
        tokenizer: the tokenizer whose encodings are cached.
        folder: the cache of this tokenizer; created if missing.
    """

    def __init__(self, tokenizer: Tokenizer, folder: Path):
        super().__init__(tokenizer.backend, tokenizer.settings)
        self.folder = folder
        self._intact: set[Path] = set()  # folders whose checksums this process has compared
        remove_leftovers(folder)

    def _ids_and_offsets(self, texts: Iterable[Text]) -> list[tuple[np.ndarray, np.ndarray]]:
        texts = list(as_texts(texts))
        if len(texts) < FEWEST:
            return super()._ids_and_offsets(texts)
        folder = self.folder / _digest(texts)
        rows = self._stored(folder)
        if rows is None:
            rows = super()._ids_and_offsets(texts)
            save(folder, ({"ids": ids, "offsets": offsets.reshape(-1)} for ids, offsets in rows), folder.exists())
        return rows

    def _stored(self, folder):
        """The ids and offsets in a folder; None where it is missing, damaged, or removed at this moment."""
        if folder not in self._intact and not is_intact(folder):
            return None
        try:
            store = ArrayStore(folder)
            rows = [(np.array(store.row("ids", i)), store.row("offsets", i).reshape(-1, 2)) for i in range(len(store))]
        except (OSError, UserError):
            self._intact.discard(folder)
            return None
        self._intact.add(folder)
        return rows


def _digest(texts):
    digest = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()
