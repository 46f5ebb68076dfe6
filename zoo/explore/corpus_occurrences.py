"""Occurrences of a text in a corpus: a search leaves out the text itself."""

from collections.abc import Iterator

import numpy as np

from zoo.explore.corpus_index import CorpusIndex
from zoo.explore.corpus_tokens import CorpusTokens, special_ids
from zoo.explore.text_run import TextRun
from zoo.explore.token_vectors import text_input


def same_tokens(run: TextRun, index: CorpusIndex) -> dict[int, np.ndarray]:
    """{token of the text: tokens of the corpus} that are the same occurrence: the corpus has the text as a line."""
    tokens, (before, after) = index.tokens, special_ids(run.pipeline)
    ids, same = run.inputs[text_input(run.pipeline.model)][0], {}
    for first, end in _texts(run, {*before, *after}):
        starts = [start for start in _starts(tokens.ids, ids[first:end]) if _is_line(tokens, start, end - first)]
        starts = np.array(starts, "int64")
        for position in range(max(first - len(before), 0), min(end + len(after), len(ids))):
            rows = np.clip(starts + position - first, 0, len(tokens) - 1)
            inside = tokens.window_of(rows) == tokens.window_of(starts)
            same[position] = rows[inside & (tokens.ids[rows] == ids[position])]
    return same


def _texts(run, special) -> Iterator[tuple[int, int]]:
    """Yield (first, past-the-last) position of each text of a run, without special and generated tokens."""
    name = text_input(run.pipeline.model)
    tokens = zip(run.inputs[name][0], run.sequences[name], strict=True)
    segments = np.array([-1 if token.generated or id in special else token.segment for id, token in tokens])
    for segment in sorted({*segments.tolist()} - {-1}):
        positions = np.flatnonzero(segments == segment)
        yield int(positions[0]), int(positions[-1]) + 1


def _starts(ids, part):
    """Where a part occurs in an array of ids."""
    starts = np.arange(max(len(ids) - len(part) + 1, 0))
    for i, id in enumerate(part):
        starts = starts[ids[starts + i] == id]
    return starts


def _is_line(tokens: CorpusTokens, start, count):
    """Whether tokens are a line of a text, or what a window has of it."""
    window = int(tokens.window_of(start))
    first, end = tokens.windows[window : window + 2]
    if start + count > end:
        return False
    text = tokens.text(tokens.text_of_window[window])
    (begin, _), (_, finish) = tokens.offsets[start], tokens.offsets[start + count - 1]
    begins = begin == tokens.offsets[first, 0] or not text[:begin].rpartition("\n")[2].strip()
    return begins and (finish == tokens.offsets[end - 1, 1] or not text[finish:].partition("\n")[0].strip())
