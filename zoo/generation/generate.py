"""From lists of ids to lists of ids, any number of them."""

import numpy as np

from zoo.generation.batch import Batch, admitted
from zoo.generation.contrastive_search import ContrastiveGenerator
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import TokenGenerator
from zoo.generation.speculative import SpeculativeGenerator
from zoo.runtime.errors import UserError

ROWS = 32  # most texts that are written at once
PAUSE = 32  # tokens after which the loop comes up for air: people may have interrupted it


def generate(model, prompts, sources=None, draft=None, **settings):
    """Write on from prompts.

    Args:
        model: a functional `keras.Model` of layers that know memories, from ids to (batch, time, vocabulary) logits.
            Its input is the text; or its inputs are `source` and `target`, as those of an encoder-decoder.
        prompts: lists of ids; of an encoder-decoder those that the target begins with.
        sources: of an encoder-decoder, as many lists of ids.
        draft: a smaller `keras.Model` that guesses tokens ahead, so that the text, which stays the same, is written
            sooner: see `zoo.generation.speculative`.
        settings: the fields of `zoo.generation.GenerationConfig`.

    Returns a list of the new ids of each prompt, the one that stopped a text left out; with `best` above 1 a list of
    so many such lists for each. Raises UserError for what cannot be written on, and for settings that contradict each
    other.
    """
    settings = GenerationConfig(**settings)
    written = write(model, prompts, sources, settings, draft=draft)
    found = [[one.ids for one in texts[: settings.best]] for texts in written]
    return found if settings.best > 1 else [ids for (ids,) in found]


def write(model, prompts, sources, settings, watch=None, pause=PAUSE, draft=None):
    """As `generate`, of `GenerationConfig`: for each prompt a list of `TokenCompletion`, best first.

    `watch(batch, state)` is called every `pause` tokens with a `Batch` and its state, and returns the state to go on
    with, in which rows may be marked as done.
    """
    writer, found = writer_of(model, draft, settings), [None] * len(prompts)
    prompts = admitted(writer.network.plan, prompts, sources, settings)
    order = np.argsort([-len(row) for row in (prompts if sources is None else sources)], kind="stable")
    for start in range(0, len(order), ROWS):
        rows = order[start : start + ROWS].tolist()
        read = None if sources is None else [sources[i] for i in rows]
        batch = Batch(writer, [prompts[i] for i in rows], read, settings)
        for i, texts in zip(rows, _written(writer, batch, watch, pause), strict=True):
            found[i] = texts
    return found


def writer_of(model, draft, settings):
    """The `TokenGenerator` of a model, with its draft where there is one. Raises UserError for a draft beside a search."""
    if draft is None:
        return (TokenGenerator if settings.contrastive_alpha is None else ContrastiveGenerator).of(model)
    if settings.contrastive_alpha is not None:
        why = "A draft guesses what is likeliest, not what contrasts."
        raise UserError(f"{why} Received: a draft and contrast={settings.contrastive_alpha}.")
    if settings.beams > 1:
        raise UserError(f"A draft guesses one text, not several. Received: a draft and beams={settings.beams}.")
    return SpeculativeGenerator.of(model, draft)


def _written(writer, batch, watch, pause):
    state, most = batch.begin(), batch.settings.max_new_tokens
    for until in range(pause, most + pause, pause):
        state = watch(batch, state) if watch else state
        state = writer.advance(state, batch.given, min(until, most))
    return batch.read(state)
