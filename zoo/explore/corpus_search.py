"""Search of a corpus for the tokens nearest to those of a text, by their vectors at a layer or of a head, as exBERT.

Hoover et al. 2020, https://arxiv.org/abs/1910.05276. Exact: all cosines are computed, a part of the corpus at a time.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from zoo.explore.corpus_index import CorpusIndex
from zoo.explore.corpus_occurrences import same_tokens
from zoo.explore.text_run import TextRun
from zoo.explore.token_vectors import check_sources, label_of, text_input, vectors_of
from zoo.explore.views import CorpusSearch, Neighbour

PART = 16_384  # tokens of the corpus at a time
WORDS = 8  # of the context before, and after
CONTEXT = 200  # longest context, in characters
COMMON = 5  # tags that a summary lists
NEXT_TO = {"previous ": -1, "": 0, "next ": 1}


def search(
    run: TextRun,
    index: CorpusIndex,
    layers: Sequence[int] = (),
    heads: Sequence[tuple[int, int]] = (),
    top: int = 20,
) -> list[CorpusSearch]:
    """The tokens of a corpus nearest to each token of a text, for each layer and head.

    The text itself is left out where the corpus holds it.

    Args:
        run: the text, of the pipeline that the index was built with.
        index: with vectors of these layers and heads.
        layers, heads: as of `build_index`.
        top: number of neighbours.

    Returns for each token the neighbours, the nearest first, and what they have in common: {column: {tag: share}} of
    the columns "token", those of `index.tags`, and each with "previous " and "next " before it.
    """
    sources = check_sources(run.pipeline, layers, heads)
    sequence, same = text_input(run.pipeline.model), same_tokens(run, index)
    vectors, results = vectors_of(run, sources), []
    for source in sources:
        rows, cosines = nearest(vectors[source.name], index.vectors(source), same, top)
        neighbours = [
            [_neighbour(run, index, *pair) for pair in zip(*token, strict=True)]
            for token in zip(rows, cosines, strict=True)
        ]
        summary = [_summary(run, index, token) for token in rows]
        label = label_of(run.pipeline, source)
        results.append(CorpusSearch(label, source.head, sequence, neighbours, summary))
    return results


def nearest(
    queries: np.ndarray, vectors: np.ndarray, excluded: dict[int, np.ndarray], top: int
) -> tuple[np.ndarray, np.ndarray]:
    """`(rows, cosines)`, (queries, top) each: the rows of unit vectors with the highest cosines, the highest first.

    Args:
        queries: (queries, width) float32 unit vectors.
        vectors: (rows, width), such as a memory map.
        excluded: {query: rows that are left out}.
        top: number of rows; fewer where there are no more.
    """
    top = min(top, len(vectors) - max((len(rows) for rows in excluded.values()), default=0))
    rows, cosines = np.zeros((len(queries), 0), "int64"), np.zeros((len(queries), 0), "float32")
    for start in range(0, len(vectors), PART):
        part = queries @ vectors[start : start + PART].astype("float32").T
        for query, left_out in excluded.items():
            inside = left_out[(left_out >= start) & (left_out < start + PART)]
            part[query, inside - start] = -np.inf
        best = np.argpartition(-part, min(top, part.shape[1] - 1), axis=1)[:, :top]
        rows = np.concatenate([rows, best + start], axis=1)
        cosines = np.concatenate([cosines, np.take_along_axis(part, best, axis=1)], axis=1)
        order = np.argsort(-cosines, axis=1, kind="stable")[:, :top]
        rows, cosines = (np.take_along_axis(array, order, axis=1) for array in (rows, cosines))
    return rows, cosines


def _neighbour(run, index, row, cosine) -> Neighbour:
    text = index.tokens.text(index.tokens.text_of_window[index.tokens.window_of(row)])
    start, end = map(int, index.tokens.offsets[row])
    tags = {column: str(tags.names[tags.ids[row]]) for column, tags in index.tags.items()}
    before, after = _last_words(text[max(start - CONTEXT, 0) : start]), _first_words(text[end : end + CONTEXT])
    return Neighbour(float(cosine), before, _token_text(run, index, row), after, tags)


def _token_text(run, index, row):
    """A token as in its text; a special token by its name."""
    tokens = index.tokens
    start, end = map(int, tokens.offsets[row])
    if start == end:
        return run.pipeline.tokenizer.token(tokens.ids[row]) or ""
    return tokens.text(tokens.text_of_window[tokens.window_of(row)])[start:end]


def _first_words(text):
    return _one_line("".join(re.findall(r"\s*\S+", text)[:WORDS]))


def _last_words(text):
    return _one_line("".join(re.findall(r"\S+\s*", text)[-WORDS:]))


def _one_line(text):
    return re.sub(r"\s+", " ", text)


def _summary(run, index, rows) -> dict[str, dict[str, float]]:
    """The share of each tag among the neighbours, and among the tokens before and after them."""
    summary = {}
    for prefix, step in NEXT_TO.items():
        beside = np.clip(rows + step, 0, len(index.tokens) - 1)
        beside = beside[(index.tokens.window_of(beside) == index.tokens.window_of(rows)) & (beside - rows == step)]
        values = {"token": [_token_text(run, index, row).strip() for row in beside]}
        values |= {column: tags.names[tags.ids[beside]].tolist() for column, tags in index.tags.items()}
        for column, items in values.items():
            counts = Counter(item for item in items if item)
            summary[prefix + column] = {item: count / len(rows) for item, count in counts.most_common(COMMON)}
    return summary
