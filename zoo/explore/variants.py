"""Variants of a text with one token masked: what the network answers without it, and where it attends then."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.data.tokenization import in_chunks
from zoo.explore.attention_views import attention_views
from zoo.explore.text_run import greedy_generator
from zoo.explore.views import Array, Variant
from zoo.generation.text_generator import TextGenerator
from zoo.pipeline.predictor import BatchPredictor
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer

if TYPE_CHECKING:
    from zoo.explore.text_run import TextRun
    from zoo.pipeline.pipeline import Pipeline

TOKENS = 1024  # most tokens that are captured at once


def masked_variants(run: "TextRun", positions: Sequence[int]) -> list[Variant]:
    """A variant of a text for each position: with that token masked, its answer and its attention.

    The token becomes the tokenizer's mask token, else its unknown token, else its padding token. Of an encoder-decoder
    the source is masked. Attention is that of the masked text with the tokens that were generated for the whole text;
    the answer is generated anew.

    Args:
        positions: tokens of the text, or of the prompt, counted from 0.

    Raises UserError for a position outside the text.
    """
    sequence = next(iter(run.sequences))
    ids = run.inputs[sequence]
    size = run.prompt_length if run.prompt_length and sequence == run.output_sequence else ids.shape[1]
    for position in positions:
        if not 0 <= position < size:
            raise UserError(f"Expected positions from 0 to {size - 1}. Received: {position}.")
    rows = np.repeat(ids, len(positions), axis=0)
    rows[np.arange(len(rows)), list(positions)] = mask_id(run.pipeline.tokenizer)
    answers = _answers(run, sequence, rows)
    attention = _attention(run, sequence, rows)
    return list(map(Variant, [sequence] * len(rows), positions, answers, attention))


def mask_id(tokenizer: Tokenizer) -> int:
    """The id that stands for a masked token: that of the mask token, else of the unknown, else of the padding token."""
    ids = (tokenizer.mask, tokenizer.unknown, tokenizer.padding)
    return next(id for id in ids if id is not None)


def _attention(run, sequence, rows: Array):
    """The attention of each of the (variants, time) rows, captured in batches."""
    if not attention_views(run, neurons=False):
        return [[] for _ in rows]
    views = []
    for chunk in in_chunks(rows, max(TOKENS // sum(len(tokens) for tokens in run.sequences.values()), 1)):
        repeated = {name: np.repeat(array, len(chunk), axis=0) for name, array in run.inputs.items()}
        batch = run.with_inputs(**repeated | {sequence: np.stack(chunk)})
        views += [attention_views(batch, neurons=False, row=row) for row in range(len(chunk))]
    return views


def _answers(run, sequence, rows):
    """The answer to each of the (variants, time) rows, as a line of text."""
    if run.prompt_length is not None:
        return _generated(run, sequence, rows)
    pipeline, objective, answers = run.pipeline, run.pipeline.objective, []
    for row in rows:
        predictor = _MaskedPredictor(pipeline, run.example, {sequence: row})
        (decision,) = objective.predict(predictor, [run.record], pipeline.tokenizer)
        answers.append(objective.format(objective.answer(decision, run.record)))
    return answers


def _generated(run, sequence, rows):
    """The text that is generated for each of the rows."""
    prompt = {run.output_sequence: run.inputs[run.output_sequence][0, : run.prompt_length]}
    prompts = [prompt | {sequence: row[: len(prompt.get(sequence, row))]} for row in rows]
    config = greedy_generator(run.pipeline, run.max_new_tokens).config
    generator = TextGenerator(run.pipeline.model, _Prompts(), run.pipeline.tokenizer, config)
    return [completion.text for (completion,) in generator.generate(prompts)]


class _Prompts:
    """In place of an objective: records are prompts already, {input: ids}."""

    def prompt_ids(self, record: dict[str, Any], tokenizer: Tokenizer) -> dict[str, Any]:
        return record


class _MaskedPredictor(BatchPredictor):
    """A `BatchPredictor` that runs one of the examples with other arrays for some of its inputs."""

    def __init__(self, pipeline: "Pipeline", example: int, inputs: dict[str, Array]):
        super().__init__(pipeline.model, pipeline.objective, pipeline.tokenizer)
        self.example, self.inputs = example, inputs

    def __call__(self, examples, transform=None):
        masked = [each | self.inputs if i == self.example else each for i, each in enumerate(examples)]
        return super().__call__(masked, transform)
