"""Chat: a conversation with a model that follows instructions, with a prompt cache between the turns."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import keras

from zoo.data.chat_template import ASSISTANT, prompt_answer_pairs
from zoo.generation.batch import Completion
from zoo.generation.context import UNLIMITED, max_context
from zoo.generation.generate import generator_for
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.prompt_cache import PromptCache
from zoo.generation.text_generator import TextGenerator
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer


class Chat:
    """A chat: a conversation that drops its oldest turns when the context is full.

    A causal network processes only the new tokens of a turn, thanks to its prompt cache; after turns were dropped it
    processes the remaining ones again. An encoder-decoder encodes the whole conversation at every turn.

    Args:
        model, objective, tokenizer, config, bad_words: as of `zoo.generation.text_generator.TextGenerator`.
        system: the system message, before the first turn.

    Attributes:
        messages: [{"role", "content"}], without those that were dropped.
        dropped_turns: how many turns, a question with its answer each, were dropped.
        cache: the `zoo.generation.prompt_cache.PromptCache`; None for an encoder-decoder.
        max_prompt_tokens: longest prompt, in tokens, that leaves room for an answer.

    Raises UserError for an objective without conversations, and for a `max_new_tokens` that leaves no room for a
    question.
    """

    def __init__(
        self,
        model: keras.Model,
        objective: Any,
        tokenizer: Tokenizer,
        system: str = "",
        config: GenerationConfig | None = None,
        bad_words: str | Sequence[str] = (),
    ):
        if not hasattr(objective, "template"):
            raise UserError(
                "Expected a model that follows instructions, to chat with. "
                f"Received: one of {type(objective).__name__}; zoo generate continues a text."
            )
        config = config or GenerationConfig(max_new_tokens=objective.max_new_tokens, fit_context=True)
        unlimited = replace(objective, length=UNLIMITED)  # no turn is truncated
        self.template, self.ending = objective.template, answer_ending(objective.template)
        stop = (self.ending.rstrip(),) if self.ending.strip() else ()
        tokens = generator_for(model, None, config)
        config = _with_room(config, objective, tokens.network.plan)
        self.generator = TextGenerator(model, unlimited, tokenizer, config, stop=stop, bad_words=bad_words)
        self.max_prompt_tokens, length = _limits(objective, tokens.network.plan, config.max_new_tokens)
        self.cache = None if length is None else PromptCache(tokens, length)
        self.system = [{"role": "system", "content": system}] if system else []
        self.turns, self.dropped_turns = [], 0

    @property
    def messages(self) -> list[dict[str, str]]:
        return [{"role": message["role"], "content": message["content"]} for message in (*self.system, *self.turns)]

    def say(self, text: str) -> str:
        """The answer to a text, as a whole; see `stream`."""
        return "".join(self.stream(text))

    def stream(self, text: str, should_stop: Callable[[], bool] = lambda: False) -> Iterator[str]:
        """Yield the answer in pieces. `should_stop()` is called after each token; True ends the answer there.

        Raises UserError for a text that leaves no room for an answer; the conversation stays as it was.
        """
        question = {"role": "user", "content": text}
        turns = self._latest_turns(question)
        self.dropped_turns += (len(self.turns) - len(turns)) // 2
        self.turns = turns
        record = {"messages": [*self.system, *turns, question]}
        pieces = _Pieces(self.generator.stream(record, should_stop, self.cache))
        yield from _stripped(pieces)
        self.turns = [*turns, question, self._answer(pieces.completion)]

    def _latest_turns(self, question):
        """The latest turns that fit into the context before a question."""
        for start in range(0, len(self.turns) + 1, 2):
            length = self._prompt_length([*self.turns[start:], question])
            if length <= self.max_prompt_tokens:
                return self.turns[start:]
        raise UserError(
            f"Expected a text of at most {self.max_prompt_tokens} tokens, the template's included. Received: {length}."
        )

    def _prompt_length(self, turns):
        record = {"messages": [*self.system, *turns]}
        row = self.generator.objective.prompt_ids(record, self.generator.tokenizer)
        return len(row["source" if "source" in row else "tokens"])

    def _answer(self, completion: Completion):
        """The assistant's message, with the generated ids and those that complete the template's ending."""
        tokenizer = self.generator.tokenizer
        text = tokenizer.decode(completion.ids)
        overlap = next(size for size in range(len(self.ending), -1, -1) if text.endswith(self.ending[:size]))
        ending_ids = tokenizer.chat_ids(self.ending[overlap:]).tolist()
        return {"role": ASSISTANT, "content": completion.text.strip(), "ids": [*completion.ids, *ending_ids]}


class _Pieces:
    """Pieces of a text, and the value that their generator returns at the end as `completion`."""

    def __init__(self, pieces):
        self.pieces = pieces

    def __iter__(self):
        self.completion = yield from self.pieces


def _with_room(config, objective, plan):
    """The config; with `fit_context`, an answer has at most half the context, so that a question has the other half."""
    half = min(objective.length, max_context(plan.decoder_steps)) // 2
    too_long = config.fit_context and not objective.encoder and config.max_new_tokens > half
    return replace(config, max_new_tokens=max(half, 1)) if too_long else config


def _limits(objective, plan, max_new_tokens):
    """`(longest prompt, longest prompt with its answer)` in tokens."""
    if objective.encoder:
        return min(objective.length, max_context(plan.encoder_steps)), None
    length = min(objective.length, max_context(plan.decoder_steps))
    if max_new_tokens >= length:
        raise UserError(
            f"max_new_tokens must leave room for a question in the context of {length} tokens. "
            f"Received: max_new_tokens={max_new_tokens}."
        )
    return length - max_new_tokens, length


def _stripped(pieces):
    """The pieces of a streamed text, without white space at its beginning and end."""
    emitted, text = "", ""
    for piece in pieces:
        text = (text + piece).lstrip()
        yield text.rstrip()[len(emitted) :]
        emitted = max(text.rstrip(), emitted, key=len)


def answer_ending(template: str) -> str:
    """The text of a template after an answer."""
    question = {"role": "user", "content": "question"}
    ((_, answer),) = prompt_answer_pairs([question, {"role": ASSISTANT, "content": "answer"}], template)
    return answer.partition("answer")[2]
