"""A request to generate one text: a prompt with its settings, checked before it waits for its turn."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from zoo.generation.batch_limits import MAX_TOP_LOGPROBS
from zoo.generation.context import check_prompts, new_token_limits
from zoo.generation.generate import prompts_of
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.noise import prompt_key, repeat_numbers
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer
from zoo.transforms.decoding import DecodingPlan


@dataclass(frozen=True, eq=False, kw_only=True)
class GenerationRequest:
    """One text to generate: see `generation_request`.

    Attributes:
        prompt: ids that are continued; of an encoder-decoder the beginning of the target.
        source: ids of the source of an encoder-decoder, else None.
        config: the `GenerationConfig`, whose `max_new_tokens` fits into the context.
        stop: stop strings.
        top_logprobs: number of likeliest tokens whose log-probabilities are returned with each token, from 0 to 20.
        sample: number of the sample of a prompt: another number is another text for the same seed.
    """

    prompt: list[int]
    source: list[int] | None = None
    config: GenerationConfig = field(default_factory=GenerationConfig)
    stop: Sequence[str] = ()
    top_logprobs: int = 0
    sample: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.top_logprobs <= MAX_TOP_LOGPROBS:
            received = f"top_logprobs={self.top_logprobs}"
            raise UserError(f"top_logprobs must be from 0 to {MAX_TOP_LOGPROBS}. Received: {received}.")
        if self.config.beams > 1 or self.config.contrastive_alpha is not None:
            received = f"beams={self.config.beams}, contrastive_alpha={self.config.contrastive_alpha}"
            raise UserError(f"A running batch decodes greedily or samples. Received: {received}.")

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt, or of the source of an encoder-decoder."""
        return len(self.prompt if self.source is None else self.source)


def generation_request(
    plan: DecodingPlan, tokenizer: Tokenizer, row: dict[str, Any], config: GenerationConfig, **options: Any
) -> GenerationRequest:
    """The `GenerationRequest` of a row of ids.

    Args:
        plan: of the network.
        tokenizer: of the model; its `stop_ids` end the text.
        row: as `prompt_ids` of an objective makes it of a record: {"tokens": ids}, or {"source": ids} of an
            encoder-decoder.
        config: the `GenerationConfig`; its `stop_ids` are replaced.
        options: further arguments of `GenerationRequest`.

    Raises UserError for a prompt that the model cannot continue, and for beams and contrastive search.
    """
    prompts, sources = prompts_of([row], tokenizer)
    (prompt,) = check_prompts(plan, prompts, sources, config)
    (limit,) = new_token_limits(plan, [prompt], config)
    config = replace(config, max_new_tokens=limit, stop_ids=tokenizer.stop_ids)
    return GenerationRequest(prompt=prompt, source=sources[0] if sources else None, config=config, **options)


def samples_of(requests: Sequence[GenerationRequest], count: int) -> list[list[GenerationRequest]]:
    """For each request `count` samples of it, numbered as `zoo.generation.generate` does: equal prompts differ, too."""
    repeats = repeat_numbers([prompt_key(request.prompt, request.source or ()) for request in requests])
    return [
        [replace(request, sample=repeat * count + i) for i in range(count)]
        for request, repeat in zip(requests, repeats, strict=True)
    ]
