"""Text generation with a pipeline: `generate`, `generator` and `chat`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Self

from zoo.runtime.errors import UserError
from zoo.runtime.keywords import check_keywords

if TYPE_CHECKING:
    import keras

    from zoo.generation.chat import Chat
    from zoo.generation.generation_config import GenerationConfig
    from zoo.generation.text_generator import TextGenerator
    from zoo.text.tokenizer import Tokenizer


class GenerationMethods:
    """The methods of a `Pipeline` that generate text."""

    if TYPE_CHECKING:
        model: keras.Model
        tokenizer: Tokenizer

        @property
        def objective(self) -> Any: ...

    @check_keywords
    def generate(
        self,
        prompts: str | Sequence[str],
        *,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        typical_p: float | None = None,
        contrastive_alpha: float | None = None,
        repetition_penalty: float | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        logit_bias: Mapping[int, float] | None = None,
        no_repeat_ngram: int | None = None,
        min_tokens: int | None = None,
        bad_words: str | Sequence[str] = (),
        stop: str | Sequence[str] = (),
        seed: int = 0,
        beams: int | None = None,
        length_penalty: float | None = None,
        return_sequences: int | None = None,
        truncation_side: Literal["", "left"] = "",
        choices: str | Sequence[str] = (),
        regex: str = "",
        json_schema: dict[str, Any] | str | None = None,
        draft: Self | None = None,
    ) -> Any:
        """Generate a continuation of a prompt, or of an encoder-decoder the target of a source text.

        An argument that is None has the default of the model, `objective.generation`, which an imported folder has
        from its generation_config.json; else the one below.

        Args:
            prompts: a text, or a list of texts.
            max_new_tokens: most new tokens of a text; None: the objective's `max_new_tokens`, by default 64, or as many
                as the model's context has room for.
            temperature: divides the logits before sampling; 0, the default, is greedy decoding.
            top_k: sample from the k likeliest tokens; of contrastive search, the number of candidates.
            top_p: nucleus sampling: sample from the fewest tokens with this total probability, above 0 to 1.
            min_p: sample from tokens with at least this fraction of the likeliest token's probability, 0 to 1.
            typical_p: typical sampling: from the most typical tokens with this total probability, above 0 to 1.
            contrastive_alpha: contrastive search: weight of the similarity to earlier tokens, 0 to 1, such as 0.6; it
                needs `top_k`.
            repetition_penalty: above 1, divides the logits of tokens of the text so far; None or 1: no penalty.
            frequency_penalty: subtracted from the logit of a token for each time that it was generated, or since the
                context slid.
            presence_penalty: subtracted from the logits of tokens that were generated, or since the context slid.
            logit_bias: {token id: number that is added to its logit}.
            no_repeat_ngram: size of n-grams, in tokens, that may not repeat; None: none is forbidden.
            min_tokens: fewest new tokens before a text may stop; by default 0.
            bad_words: a word, or a list of words, that are never generated.
            stop: a stop string, or a list of them, at which generation stops; it is cut off.
            seed: random seed of sampling. A prompt has the same sample in any batch.
            beams: number of beams of a beam search; 1, the default: none.
            length_penalty: beam search: a text's score is its log-probability over its number of new tokens to the
                power of this, by default 1; above 0 prefers longer texts.
            return_sequences: number of texts for each prompt, the best beams; at most `beams`; by default 1.
            truncation_side: "left" cuts the beginning of prompts that are too long, and slides the model's context over
                texts that are longer than it; "" refuses them.
            choices: constrained decoding: the text is one of these.
            regex: constrained decoding: a regular expression (Rust's dialect) that matches the whole text.
            json_schema: constrained decoding: a JSON schema, a dict or JSON, for which the text is valid.
            draft: a smaller pipeline of the same tokenizer for speculative decoding: the same text, sooner.

        Returns a text, or a list of texts for a list of prompts; with `return_sequences` above 1 a list of texts for
        each prompt. Raises UserError for prompts that the model cannot continue, and for arguments out of their range
        or in contradiction.
        """
        options: dict[str, Any] = {
            **{"max_new_tokens": max_new_tokens, "temperature": temperature, "top_k": top_k, "top_p": top_p},
            **{"min_p": min_p, "typical_p": typical_p, "contrastive_alpha": contrastive_alpha},
            **{"repetition_penalty": repetition_penalty, "frequency_penalty": frequency_penalty},
            **{"presence_penalty": presence_penalty, "logit_bias": logit_bias, "no_repeat_ngram": no_repeat_ngram},
            **{"min_tokens": min_tokens, "bad_words": bad_words, "stop": stop, "seed": seed, "beams": beams},
            **{"length_penalty": length_penalty, "return_sequences": return_sequences},
            **{"truncation_side": truncation_side, "choices": choices, "regex": regex, "json_schema": json_schema},
        }
        generator = self.generator(**options, draft=draft)
        single = isinstance(prompts, str)
        records = self.objective.fields.records([prompts] if single else prompts)
        texts = [[completion.text for completion in row] for row in generator.generate(records)]
        answers = texts if generator.config.return_sequences > 1 else [text for (text,) in texts]
        return answers[0] if single else answers

    @check_keywords
    def generator(
        self,
        *,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        typical_p: float | None = None,
        contrastive_alpha: float | None = None,
        repetition_penalty: float | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        logit_bias: Mapping[int, float] | None = None,
        no_repeat_ngram: int | None = None,
        min_tokens: int | None = None,
        bad_words: str | Sequence[str] = (),
        stop: str | Sequence[str] = (),
        seed: int = 0,
        beams: int | None = None,
        length_penalty: float | None = None,
        return_sequences: int | None = None,
        truncation_side: Literal["", "left"] = "",
        choices: str | Sequence[str] = (),
        regex: str = "",
        json_schema: dict[str, Any] | str | None = None,
        draft: Self | None = None,
    ) -> TextGenerator:
        """A `TextGenerator` of this model, to stream texts or to get their tokens and log-probabilities.

        Args:
            max_new_tokens, temperature, top_k, top_p, min_p, typical_p, contrastive_alpha, repetition_penalty,
            frequency_penalty, presence_penalty, logit_bias, no_repeat_ngram, min_tokens, bad_words, stop, seed, beams,
            length_penalty, return_sequences, truncation_side, choices, regex, json_schema, draft: as of `generate`.

        Raises UserError for a draft with another tokenizer, and as `generate`.
        """
        from zoo.generation.text_generator import TextGenerator

        if draft and draft.tokenizer.identity != self.tokenizer.identity:
            raise UserError("Expected a draft with the same tokenizer. Received: one with another tokenizer.")
        sampling = {
            **{"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "typical_p": typical_p},
            **{"contrastive_alpha": contrastive_alpha, "repetition_penalty": repetition_penalty},
            **{"frequency_penalty": frequency_penalty, "presence_penalty": presence_penalty, "logit_bias": logit_bias},
            **{"no_repeat_ngram": no_repeat_ngram, "min_tokens": min_tokens, "seed": seed, "beams": beams},
            **{"length_penalty": length_penalty, "return_sequences": return_sequences},
        }
        sampling |= {"beams": 1} if draft and beams is None else {}
        sampling["constrained"] = bool(choices or regex or json_schema)
        config = self._config(max_new_tokens, **sampling, truncation_side=truncation_side)
        texts = {"stop": stop, "bad_words": bad_words, "choices": choices, "regex": regex, "json_schema": json_schema}
        draft_model = draft and draft.model
        return TextGenerator(self.model, self.objective, self.tokenizer, config, **texts, draft=draft_model)

    @check_keywords
    def chat(
        self,
        system: str = "",
        *,
        max_new_tokens: int | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_p: float | None = None,
        min_p: float | None = None,
        typical_p: float | None = None,
        contrastive_alpha: float | None = None,
        repetition_penalty: float | None = None,
        no_repeat_ngram: int | None = None,
        bad_words: str | Sequence[str] = (),
        seed: int = 0,
    ) -> Chat:
        """A chat with a model that follows instructions: `.say(text)` answers.

        Args:
            system: the system message, before the first turn.
            max_new_tokens: longest answer, in tokens; None: the objective's `max_new_tokens`, or half the context.
            temperature, top_k, top_p, min_p, typical_p, contrastive_alpha, repetition_penalty, no_repeat_ngram,
            bad_words, seed: as of `generate`.

        Raises UserError for a model that follows no instructions, and as `generate`.
        """
        from zoo.generation.chat import Chat

        sampling = {
            **{"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p, "typical_p": typical_p},
            **{"contrastive_alpha": contrastive_alpha, "repetition_penalty": repetition_penalty, "beams": 1},
        }
        config = self._config(max_new_tokens, **sampling, no_repeat_ngram=no_repeat_ngram, seed=seed)
        return Chat(self.model, self.objective, self.tokenizer, system, config, bad_words)

    def _config(self, max_new_tokens: int | None, constrained: bool = False, **arguments: Any) -> GenerationConfig:
        """A `GenerationConfig` with the defaults of the objective for arguments that are None."""
        from zoo.generation.defaults import config_of

        return config_of(self.objective, {"max_new_tokens": max_new_tokens} | arguments, constrained)
