"""Sentence pairs for next-sentence prediction, half of them negatives (Devlin 2018, arXiv:1810.04805)."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

END = re.compile(r"(?<=[.!?…])[\"')\]»”’]*\s+")  # a sentence ends at these signs, closed quotes and white space


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, without the white space between them.

    A sentence ends at . ! ? or … before white space, so "e.g. this" is two: few mistakes, and harmless ones here.
    """
    bounds = [0, *(match.end() for match in END.finditer(text)), len(text)]
    sentences = (text[start:end].strip() for start, end in pairwise(bounds))
    return [sentence for sentence in sentences if sentence]


def pairs(documents: Sequence[Sequence[str]]) -> Iterator[tuple[int, str, str, bool]]:
    """(document, first, second, follows) of every two neighbouring sentences of a list of documents.

    A document is a list of sentences. Half of the second sentences, the same in every call, are replaced by a random
    sentence of another document (section 3.1). Where no other document has a sentence, all follow.
    """
    random = np.random.default_rng(len(documents))
    document_ids = np.repeat(np.arange(len(documents)), [len(sentences) for sentences in documents])
    pool = [sentence for sentences in documents for sentence in sentences]
    for number, sentences in enumerate(documents):
        others = len(pool) - len(sentences)
        start = int(np.searchsorted(document_ids, number))
        for first, second in pairwise(sentences):
            follows = not others or random.random() < 0.5
            index = random.integers(max(others, 1))
            yield number, first, second if follows else pool[index + (index >= start) * len(sentences)], follows
