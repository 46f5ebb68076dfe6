"""TF-IDF: texts as sparse vectors of word counts, weighted by rarity (Sparck Jones 1972, doi:10.1108/eb026526).

Equal to scikit-learn's `TfidfVectorizer` with its defaults, except that Chinese and Japanese, which have no blanks
between words, are read by the character.
"""

import re
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.data.record_sample import MAX_CHARACTERS  # of a text that are read: bounds time and memory

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
WORDS = re.compile(rf"[{CJK}]|[^\W{CJK}]{{2,}}")  # as of scikit-learn: words have two characters or more


class Tfidf:
    """TF-IDF vectors with smooth inverse document frequencies and a length of 1, fitted on a list of texts.

    Args:
        texts: to collect the words and their frequencies from.
        max_features: most words; the most frequent are kept.
    """

    def __init__(self, texts: Sequence[str], max_features: int = 50_000) -> None:
        totals, documents = Counter(), Counter()
        for text in texts:
            counts = Counter(words_of_text(text))
            totals.update(counts)
            documents.update(counts.keys())
        words = sorted(sorted(totals), key=lambda word: -totals[word])[:max_features]
        self.index = {word: i for i, word in enumerate(words)}
        frequencies = np.array([documents[word] for word in words], "float64")
        self.idf = np.log((1 + len(texts)) / (1 + frequencies)) + 1

    def __len__(self) -> int:
        return len(self.index)

    def __call__(self, texts: Sequence[str]) -> Any:
        """The vectors of a list of texts, a (texts, words) `scipy.sparse.csr_array`; empty for unknown words."""
        from scipy.sparse import csr_array

        columns, values, ends = array("i"), array("d"), array("q", [0])
        for text in texts:
            counts = Counter(self.index[word] for word in words_of_text(text) if word in self.index)
            columns.extend(counts.keys())
            values.extend(counts.values())
            ends.append(len(columns))
        # empty arrays have no buffer to read
        parts = [np.array(part, dtype) for part, dtype in ((values, "float64"), (columns, "int32"), (ends, "int64"))]
        vectors = csr_array(tuple(parts), shape=(len(texts), len(self)))
        vectors.data *= self.idf[vectors.indices]
        norms = np.sqrt(vectors.multiply(vectors).sum(axis=1))
        vectors.data /= np.repeat(np.where(norms > 0, norms, 1), np.diff(vectors.indptr))
        return vectors

    def cosines(self, texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
        """(texts,) float64: the cosine similarity of each text with the other text at the same index."""
        return np.asarray(self(texts).multiply(self(others)).sum(axis=1), "float64").ravel()


def words_of_text(text: str) -> list[str]:
    """The words of a text in lower case, of its first `MAX_CHARACTERS` characters."""
    return WORDS.findall(text[:MAX_CHARACTERS].lower())
