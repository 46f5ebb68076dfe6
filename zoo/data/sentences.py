"""Next-sentence training: pairs of sentences that follow one another, or do not (Devlin 2018, arXiv:1810.04805)."""

import re
from itertools import pairwise

import numpy as np

END = re.compile(r"(?<=[.!?…])[\"')\]»”’]*\s+")  # a sentence ends at these signs, closed quotes and white space


def split_sentences(text):
    """The sentences of a text, without the white space between them.

    A sentence ends at . ! ? or … before white space, so "e.g. this" is two: few mistakes, and none that matter here.
    """
    bounds = [0, *(match.end() for match in END.finditer(text)), len(text)]
    found = (text[start:end].strip() for start, end in pairwise(bounds))
    return [sentence for sentence in found if sentence]


def pairs(documents):
    """(document, first, second, follows) of every two neighbouring sentences of a list of lists of sentences.

    Half of the second sentences, the same ones every time, are replaced by one from another document (section 3.1).
    Where no other document has a sentence, all follow.
    """
    random = np.random.default_rng(len(documents))
    owners = np.repeat(np.arange(len(documents)), [len(sentences) for sentences in documents])
    every = [sentence for sentences in documents for sentence in sentences]
    for number, sentences in enumerate(documents):
        others = len(every) - len(sentences)
        start = int(np.searchsorted(owners, number))
        for first, second in pairwise(sentences):
            follows = not others or random.random() < 0.5
            drawn = random.integers(max(others, 1))
            yield number, first, second if follows else every[drawn + (drawn >= start) * len(sentences)], follows
