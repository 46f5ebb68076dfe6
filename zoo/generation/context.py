"""The context of a network: its length, prompts that it can continue, and a window that slides over longer texts."""

from collections.abc import Iterable, Sequence

from zoo.generation.generation_config import GenerationConfig
from zoo.layers.positions import LearnedPositions
from zoo.runtime.errors import UserError
from zoo.transforms.decoding import DecodingPlan, PlanStep

UNLIMITED = 2**30  # context length, in tokens, of a network without learned positions


def max_context(steps: Iterable[PlanStep]) -> int:
    """Context length, in tokens, of the steps of a network: its learned positions, or `UNLIMITED` without them."""
    return min((step.layer.length for step in steps if isinstance(step.layer, LearnedPositions)), default=UNLIMITED)


def sliding_window(ids: list[int], limit: int) -> list[int]:
    """The ids of a text from which a network with a context of `limit` tokens continues it.

    They are the whole text, or its last half context where the context is full. (nanoGPT drops one token at a time,
    which needs a prefill for every new token.)
    """
    return ids if len(ids) < limit else ids[-max(limit // 2, 1) :]


def check_prompts(
    plan: DecodingPlan,
    prompts: Sequence[Sequence[int]],
    sources: Sequence[Sequence[int]] | None,
    config: GenerationConfig,
) -> list[list[int]]:
    """The prompts as lists of ids, truncated on `config.truncation_side`.

    A truncated prompt leaves room for the new tokens, but keeps at least half a context: the window slides later.

    Raises UserError where a prompt is empty or too long for the context of the network, or sources are missing.
    """
    limit, new = max_context(plan.decoder_steps), config.max_new_tokens
    _check_sources(plan, prompts, sources)
    rows = [list(prompt) for prompt in prompts]
    if config.truncation_side:
        size = max(limit - new, limit // 2, 1)
        rows = [row if len(row) + new <= limit else row[-size:] for row in rows]
    slides = config.truncation_side and config.beams == 1 and sources is None
    for i, row in enumerate(rows):
        if not row:
            raise UserError(f"A prompt must have at least one token. Received: prompt {i} is empty.")
        excess = len(row) + (1 if config.fit_context else new) - limit
        if excess > 0 and not slides:
            raise UserError(_too_long(config, limit, len(row), excess, i, sources))
    return rows


def new_token_limits(plan: DecodingPlan, prompts: Sequence[Sequence[int]], config: GenerationConfig) -> list[int]:
    """The most new tokens of each prompt: `max_new_tokens`, or with `fit_context` as many as the context has room for.

    Where the window slides, there is room for any number.
    """
    limit, new = max_context(plan.decoder_steps), config.max_new_tokens
    if not config.fit_context or (config.truncation_side and config.beams == 1):
        return [new] * len(prompts)
    return [min(new, max(limit - len(prompt), 1)) for prompt in prompts]


def _too_long(config, limit, length, excess, index, sources):
    new = 1 if config.fit_context else config.max_new_tokens
    hint = "truncation_side='left' cuts the prompt, and slides the context over longer texts."
    if config.truncation_side or sources is not None:
        kind = "a beam search" if config.beams > 1 else "an encoder-decoder"
        hint = f"The context of {kind} does not slide: lower max_new_tokens."
    return (
        f"Expected at most {limit} tokens, prompt and new tokens together: the context of the model. "
        f"Received: {length} and {new}, {excess} too many, in prompt {index}. {hint}"
    )


def _check_sources(plan, prompts, sources):
    if prompts and ("source" in plan.inputs) != (sources is not None):
        number = "no" if sources is None else len(sources)
        raise UserError(
            f"Expected sources for an encoder-decoder, and for no other network. Received: inputs {list(plan.inputs)}, "
            f"{number} sources."
        )
    if sources is not None and len(sources) != len(prompts):
        raise UserError(f"Expected as many sources as prompts. Received: {len(sources)} and {len(prompts)}.")
    limit = max_context(plan.encoder_steps)
    for i, source in enumerate(sources or ()):
        if not 0 < len(source) <= limit:
            raise UserError(f"A source must have from 1 to {limit} tokens. Received: source {i} with {len(source)}.")
