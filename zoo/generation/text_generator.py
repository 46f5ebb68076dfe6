"""Text generation from records: complete texts, or a stream of pieces."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Any

import keras
from keras import ops

from zoo.generation.batch import Batch, Completion
from zoo.generation.constraints.token_table import constraint_for
from zoo.generation.context import check_prompts, new_token_limits
from zoo.generation.defaults import config_of
from zoo.generation.generate import generate, generator_for, prompts_of
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.noise import prompt_key, repeat_numbers
from zoo.generation.prompt_cache import PromptCache
from zoo.generation.text_stream import cut_at_stop
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer

INTERVAL = 8  # new tokens between two searches for stop strings


class TextGenerator:
    """A text generator: a trained model with its tokenizer, objective and `GenerationConfig`.

    Args:
        model: a `keras.Model` of logits.
        objective: the `zoo.objectives.Objective` that it was trained with: its `prompt_ids` makes prompts of records.
        tokenizer: the `zoo.text.tokenizer.Tokenizer`. Its `stop_ids` end a text.
        config: the `GenerationConfig`; its `stop_ids` and `constraint` are replaced. None: the objective's defaults.
        stop: texts at which generation stops; they are cut off.
        bad_words: words that are never generated, beside those of `config`.
        choices, regex, json_schema: constrained decoding by one of them: see
            `zoo.generation.constraints.token_table.constraint_for`. A constrained text begins without the space that
            tokenizers of words put before it.
        draft: a smaller model of the same tokenizer for speculative decoding: see `zoo.generation.speculative`.

    Raises UserError for an empty text in `stop` or `bad_words`, for a token in `logit_bias` that the model does not
    have, and for options that contradict each other.
    """

    def __init__(
        self,
        model: keras.Model,
        objective: Any,
        tokenizer: Tokenizer,
        config: GenerationConfig | None = None,
        *,
        stop: str | Sequence[str] = (),
        bad_words: str | Sequence[str] = (),
        choices: str | Sequence[str] = (),
        regex: str = "",
        json_schema: dict[str, Any] | str | None = None,
        draft: keras.Model | None = None,
    ):
        if not hasattr(objective, "prompt_ids"):
            name = type(objective).__name__
            raise UserError(f"Expected a model that generates text. Received: one of {name}, which answers.")
        self.model, self.objective, self.tokenizer, self.draft = model, objective, tokenizer, draft
        self.stop = _texts("stop", stop)
        vocabulary = getattr(model.output, "shape", (0,))[-1]  # 0: several outputs, no logits
        constraint = constraint_for(tokenizer, vocabulary, _texts("choices", choices), regex, json_schema)
        if constraint and self.stop:
            raise UserError(f"A constrained text ends by itself: leave stop out. Received: stop={self.stop}.")
        config = config or config_of(objective, {}, constraint is not None)
        words = [self._ids(form) for word in _texts("bad_words", bad_words) for form in (word, f" {word}")]
        self.config = replace(
            config,
            stop_ids=tokenizer.stop_ids,
            bad_words=(*config.bad_words, *(word for word in words if word)),
            constraint=constraint,
        )
        self.config.check_vocabulary(vocabulary)

    def generate(
        self,
        records: Sequence[dict[str, Any]],
        should_stop: Callable[[], bool] = lambda: False,
        repeats: Sequence[int] | None = None,
    ) -> list[list[Completion]]:
        """For each record, as the objective makes them, `return_sequences` completions, best first.

        `should_stop()` is called every few tokens: True ends all texts there. `repeats` are as of `generate`.
        """
        prompts, sources = self._prompts(records)

        def watch(batch, state):
            return self._mark_done(batch, state, should_stop())

        completions = generate(self.model, prompts, sources, self.config, self.draft, watch, INTERVAL, repeats)
        return [
            [self._decoded(prompt, completion) for completion in row]
            for prompt, row in zip(prompts, completions, strict=True)
        ]

    def prompt_lengths(self, records: Sequence[dict[str, Any]]) -> tuple[list[int], list[int]]:
        """`(lengths, repeats)`: tokens in the prompt of each record, and its number among equal prompts.

        Of an encoder-decoder the tokens of its source. Raises UserError for records that `generate` would refuse.
        """
        prompts, sources = self._prompts(records)
        plan = generator_for(self.model, None, self.config).network.plan
        prompts = check_prompts(plan, prompts, sources, self.config)
        keys = list(map(prompt_key, prompts, sources or [()] * len(prompts)))
        return list(map(len, sources or prompts)), repeat_numbers(keys)

    def stream(
        self, record: dict[str, Any], should_stop: Callable[[], bool] = lambda: False, cache: PromptCache | None = None
    ) -> Generator[str, None, Completion]:
        """Yield the text for one record in pieces; no piece ends within a character.

        Args:
            should_stop: is called after each token; True ends the text there.
            cache: the prompt cache; where the prompt begins with its text, only the tokens after it are processed.

        Returns the `Completion`. Raises UserError for a beam search, whose text is known only at the end.
        """
        if self.config.beams > 1:
            raise UserError(f"A beam search cannot be streamed. Received: beams={self.config.beams}.")
        batch, emitted = self._batch(record, cache), ""
        while batch:
            window, state, limit = batch, cache.prefill(batch) if cache else batch.prefill(), batch.max_window_tokens
            step = window.generator.lookahead or 1
            for until in range(1 + step, limit + 1 + step, step):
                text, stopped = cut_at_stop(self._text(window, state), self.stop, final=False)
                yield text[len(emitted) :]
                emitted = max(text, emitted, key=len)
                if stopped or should_stop():
                    state = state | {"done": ops.ones_like(state["done"])}
                if bool(ops.convert_to_numpy(state["done"]).all()):
                    break
                state = window.generator.decode(state, window.controls, min(until, limit))
            batch = window.slide(state)
        if cache:
            cache.store(state)
        completion = self._decoded(window.prompts[0], _single_completion(window, state))
        yield completion.text[len(emitted) :]
        return completion

    def _batch(self, record, cache):
        prompts, sources = self._prompts([record])
        generator = generator_for(self.model, self.draft, self.config)
        prompts = check_prompts(generator.network.plan, prompts, sources, self.config)
        (limit,) = new_token_limits(generator.network.plan, prompts, self.config)
        return Batch(generator, prompts, sources, replace(self.config, max_new_tokens=limit), cache and cache.length)

    def _text(self, batch, state):
        return self._new_text(batch.prompts[0], _single_completion(batch, state).ids)

    def _prompts(self, records):
        return prompts_of([self.objective.prompt_ids(record, self.tokenizer) for record in records], self.tokenizer)

    def _mark_done(self, batch, state, all_rows):
        """The state with the rows done whose text has a stop string, or with all rows done."""
        if self.config.beams > 1 and not all_rows:
            return state
        done = ops.convert_to_numpy(state["done"]) | all_rows
        if not all_rows:
            for i, (completion,) in enumerate(batch.completions(state)):
                done[i] |= cut_at_stop(self._new_text(batch.prompts[i], completion.ids), self.stop, final=False)[1]
        return state | {"done": ops.convert_to_tensor(done)}

    def _decoded(self, prompt, completion):
        text, stopped = cut_at_stop(self._new_text(prompt, completion.ids), self.stop, final=True)
        return replace(completion, text=text, finish_reason="stop" if stopped else completion.finish_reason)

    def _new_text(self, prompt, ids):
        """The text of new ids, decoded together with the prompt: a token's text may depend on the token before it."""
        if self.config.constraint:
            return self.tokenizer.decode(ids)
        before, text = self.tokenizer.decode(prompt), self.tokenizer.decode([*prompt, *ids])
        return text[len(before) :] if text.startswith(before) else self.tokenizer.decode(ids)

    def _ids(self, word):
        return tuple(self.tokenizer.encode(word, special=False).ids.tolist())


def _single_completion(batch, state):
    """The completion of a batch of one prompt."""
    ((completion,),) = batch.completions(state)
    return completion


def _texts(name, texts):
    texts = (texts,) if isinstance(texts, str) else tuple(texts)
    if not all(texts):
        raise UserError(f"Texts of {name} must have at least one character. Received: an empty text.")
    return texts
