"""Text generation from token ids: any number of prompts, in batches of few shapes, with any decoding strategy."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import keras

from zoo.generation.batch import Batch, Completion
from zoo.generation.batch_rows import in_batches, rows_of_batch
from zoo.generation.context import check_prompts, new_token_limits
from zoo.generation.contrastive_search import contrastive_generator
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import TokenGenerator, token_generator
from zoo.generation.noise import prompt_key, repeat_numbers
from zoo.generation.speculative import speculative_generator
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer

INTERVAL = 32  # new tokens in a call of the compiled loop; an interruption takes effect between two calls


def generate(
    model: keras.Model,
    prompts: Sequence[Sequence[int]],
    sources: Sequence[Sequence[int]] | None = None,
    config: GenerationConfig | None = None,
    draft: keras.Model | None = None,
    watch: Callable[[Batch, dict[str, Any]], dict[str, Any]] | None = None,
    interval: int = INTERVAL,
    repeats: Sequence[int] | None = None,
) -> list[list[Completion]]:
    """Autoregressive generation: continue prompts with the decoding strategy of a `GenerationConfig`.

    Args:
        model: a functional `keras.Model` of layers with caches, from ids to (batch, time, vocabulary) logits. It has
            one input; an encoder-decoder has `source` and `target`.
        prompts: lists of ids; of an encoder-decoder the beginnings of the target.
        sources: of an encoder-decoder, as many lists of ids.
        config: the generation config; by default greedy decoding of 64 tokens.
        draft: a smaller model for speculative decoding, which gives the same text sooner: see
            `zoo.generation.speculative`.
        watch: `watch(batch, state)` is called every `interval` tokens, and at the end, and returns the state, in which
            it may mark rows as done.
        interval: new tokens between two calls of `watch`.
        repeats: for sampling, the number of each prompt among equal prompts; by default that in this call.

    Returns for each prompt `config.return_sequences` completions, best first; fewer where a constraint has fewer texts.
    Raises UserError for prompts that the model cannot continue.
    """
    config = config or GenerationConfig()
    generator, completions = generator_for(model, draft, config), [[]] * len(prompts)
    prompts = check_prompts(generator.network.plan, prompts, sources, config)
    limits = new_token_limits(generator.network.plan, prompts, config)
    repeats = repeats or repeat_numbers(list(map(prompt_key, prompts, sources or [()] * len(prompts))))

    def size(i):
        source = 0 if sources is None else len(sources[i])
        return rows_of_batch(generator.network, len(prompts[i]), limits[i], source, config)

    def run(rows):
        batch_sources = None if sources is None else [sources[i] for i in rows]
        batch_config = replace(config, max_new_tokens=limits[rows[0]])
        batch_repeats = [repeats[i] for i in rows]
        batch = Batch(generator, [prompts[i] for i in rows], batch_sources, batch_config, repeats=batch_repeats)
        for i, sequences in zip(rows, _run(batch, watch, interval), strict=True):
            completions[i] = sequences[: config.return_sequences]

    for group in _groups([-len(row) for row in sources or prompts], limits):
        in_batches(group, size, run)
    return completions


def generator_for(model: keras.Model, draft: keras.Model | None, config: GenerationConfig) -> TokenGenerator:
    """The `TokenGenerator` of a model for a decoding strategy. Raises UserError for a draft beside another strategy."""
    if draft is None:
        return (token_generator if config.contrastive_alpha is None else contrastive_generator)(model)
    if config.contrastive_alpha is not None:
        received = f"a draft and contrastive_alpha={config.contrastive_alpha}"
        raise UserError(f"Expected a draft or contrastive search, not both. Received: {received}.")
    if config.beams > 1:
        raise UserError(f"Expected a draft or beam search, not both. Received: a draft and beams={config.beams}.")
    return speculative_generator(model, draft)


def prompts_of(rows: Sequence[dict[str, Any]], tokenizer: Tokenizer) -> tuple[list[list[int]], list[list[int]] | None]:
    """`(prompts, sources)` of rows that an objective makes: {"tokens": ids}, or {"source": ids} of an encoder-decoder.

    A row with a source may have a "target", the ids that the decoder starts with; else it is the start token.
    """
    if not rows or "source" not in rows[0]:
        return [list(map(int, row["tokens"])) for row in rows], None
    start = tokenizer.padding if tokenizer.start is None else tokenizer.start
    prompts = [list(map(int, row.get("target", [start]))) for row in rows]
    return prompts, [list(map(int, row["source"])) for row in rows]


def _groups(keys, limits):
    """Yield lists of indices of one limit, in the order of their keys."""
    order = sorted(range(len(keys)), key=lambda i: (limits[i], keys[i]))
    for _, group in groupby(order, limits.__getitem__):
        yield list(group)


def _run(batch, watch, interval):
    while batch:
        window, state, limit = batch, batch.prefill(), batch.max_window_tokens
        for until in range(interval, limit + interval, interval):
            state = watch(window, state) if watch else state
            state = window.generator.decode(state, window.controls, min(until, limit))
        state = watch(window, state) if watch else state
        batch = window.slide(state)
    return window.completions(state)
