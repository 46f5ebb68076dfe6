"""From texts to texts: what a trained model writes, all at once or piece by piece."""

from dataclasses import dataclass

import numpy as np
from keras import ops

from zoo.generation.batch import Batch, admitted
from zoo.generation.constraints.token_table import constrain
from zoo.generation.generate import write, writer_of
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import TokenGenerator
from zoo.runtime.errors import UserError

PAUSE = 8  # tokens after which new text is looked at for stop strings
BROKEN = "\ufffd"  # what a tokenizer of bytes reads in a character whose other bytes are yet to come


@dataclass(frozen=True)
class Completion:
    """What was written for one prompt."""

    text: str
    ids: list  # of all new tokens, those after a stop string included
    logprobs: list  # of each, under the model, before any rule
    stopped: bool  # by a stop, and not for want of room


class TextGenerator:
    """Writes texts with a trained model.

    Args:
        model: a `keras.Model`.
        objective: the `zoo.objectives._objective.Objective` that it was trained with; says how a text becomes a prompt.
        tokenizer: the `zoo.tokenizer.Tokenizer`. Its separator ends a text.
        stop: texts at which writing ends; they are cut off.
        banned: words that are never written.
        choices, pattern, schema: what a text must be, one of them, see `zoo.generation.constraints.token_table.constrain`. Of
            tokenizers that put blanks between words the one before the text is left out then.
        settings: fields of `zoo.generation.GenerationConfig` but `bad_words`, `stop_ids` and `constraint`.

    Attributes:
        draft: None, or a `keras.Model` of the same tokenizer that guesses ahead: see `zoo.generation.speculative`.

    Raises UserError for an empty text among `stop` or `bad_words`, and for what contradicts each other.
    """

    draft = None

    def __init__(
        self, model, objective, tokenizer, stop=(), bad_words=(), choices=(), pattern="", schema=None, **settings
    ):
        self.model, self.objective, self.tokenizer = model, objective, tokenizer
        self.stop = _texts("stop", stop)
        ids = getattr(model.output, "shape", (0,))[-1]  # of a model with several outputs, which does not write, none
        constraint = constrain(tokenizer, ids, _texts("choices", choices), pattern, schema)
        if constraint and self.stop:
            raise UserError(f"A text that must be whole ends by itself: leave stop out. Received: stop={self.stop}.")
        ends = () if tokenizer.end is None else (tokenizer.end,)
        words = [self._ids(form) for word in _texts("bad_words", bad_words) for form in (word, f" {word}")]
        settings = {"max_new_tokens": objective.max_new_tokens} | settings
        self.settings = GenerationConfig(
            stop_ids=ends, bad_words=tuple(word for word in words if word), constraint=constraint, **settings
        )

    def write(self, records, ended=lambda: False):
        """For each of a list of records, as `objective.record` makes them, `settings.best` `Completion`s, best first.

        `ended()` is asked now and then: True ends all writing there, and what there is comes back.
        """
        prompts, sources = self._prompts(records)

        def watch(batch, state):
            return self._ended(batch, state, ended())

        found = write(self.model, prompts, sources, self.settings, watch, PAUSE, self.draft)
        return [
            [self._continuation(prompts[i], one) for one in row[: self.settings.best]] for i, row in enumerate(found)
        ]

    def sizes(self, records):
        """Tokens that are read for each of a list of records. Raises UserError for those that `write` would refuse."""
        prompts, sources = self._prompts(records)
        prompts = admitted(TokenGenerator.of(self.model).network.plan, prompts, sources, self.settings)
        return [len(row) for row in (sources or prompts)]

    def pieces(self, record, ended=lambda: False, session=None):
        """Yield the text for one record in pieces as it is written; no piece ends within a character.

        A `zoo.generation.prompt_cache.PromptCache` remembers the text: a record that goes on from it is read from there on.
        Returns the `Completion`. Raises UserError for beams, which know a text only when it is at its end.
        """
        if self.settings.beams > 1:
            raise UserError(f"Beam search cannot be shown while it writes. Received: beams={self.settings.beams}.")
        prompts, sources = self._prompts([record])
        writer = writer_of(self.model, self.draft, self.settings)
        prompts = admitted(writer.network.plan, prompts, sources, self.settings)
        batch = Batch(writer, prompts, sources, self.settings, session and session.length)
        state, shown, stopped = session.begin(batch) if session else batch.begin(), "", False
        step = writer.ahead or 1
        for until in range(1 + step, self.settings.max_new_tokens + 1 + step, step):
            so_far, stopped = settle(self._text(batch, state), self.stop, final=False)
            yield so_far[len(shown) :]
            shown = max(so_far, shown, key=len)
            if stopped or ended() or bool(ops.convert_to_numpy(state["done"]).all()):
                break
            state = writer.advance(state, batch.given, min(until, self.settings.max_new_tokens))
        if session:
            session.keep(state)
        ((written,),) = batch.read(state)
        found = self._continuation(prompts[0], written)
        yield found.text[len(shown) :]
        return found

    def _text(self, batch, state):
        ((written,),) = batch.read(state)
        return self._after(batch.prompts[0], written.ids)

    def _prompts(self, records):
        rows = [self.objective.prompt_ids(record, self.tokenizer) for record in records]
        if not rows or "source" not in rows[0]:
            return [row["tokens"].tolist() for row in rows], None
        first = self.tokenizer.padding if self.tokenizer.start is None else self.tokenizer.start
        return [list(row.get("target", [first])) for row in rows], [row["source"].tolist() for row in rows]

    def _ended(self, batch, state, everything):
        """The state with those rows done whose text has come to a stop string, or with all of them done."""
        if self.settings.beams > 1 and not everything:
            return state
        done = ops.convert_to_numpy(state["done"]) | everything
        if not everything:
            for i, (one,) in enumerate(batch.read(state)):
                done[i] |= settle(self._after(batch.prompts[i], one.ids), self.stop, final=False)[1]
        return state | {"done": ops.convert_to_tensor(done)}

    def _continuation(self, prompt, written):
        text, stopped = settle(self._after(prompt, written.ids), self.stop, final=True)
        return Completion(text, written.ids, written.logprobs, stopped or written.stopped)

    def _after(self, prompt, ids):
        """The text of new ids; read with the prompt, since how a token reads may depend on the one before it."""
        if self.settings.constraint:
            return self.tokenizer.decode(ids)
        before, whole = self.tokenizer.decode(prompt), self.tokenizer.decode([*prompt, *ids])
        return whole[len(before) :] if whole.startswith(before) else self.tokenizer.decode(ids)

    def _ids(self, word):
        return tuple(np.asarray(self.tokenizer.encode(word, special=False).ids).tolist())


def settle(text, stop_ids, final):
    """`(what may be shown of a text so far, whether a stop string has ended it)`.

    The stop string that is whole first counts. Unless the text is `final`, what may become a stop string is held back.
    """
    found = [(place + len(stop), place) for stop in stop_ids if (place := text.find(stop)) >= 0]
    if found:
        return text[: min(found)[1]], True
    text = text.rstrip(BROKEN)
    beginnings = (stop[:size] for stop in stop_ids for size in range(1, len(stop)))
    held = 0 if final else max((len(one) for one in beginnings if text.endswith(one)), default=0)
    return text[: len(text) - held], False


def _texts(name, texts):
    texts = (texts,) if isinstance(texts, str) else tuple(texts)
    if not all(texts):
        raise UserError(f"Texts of {name} must have a character at least. Received: an empty one.")
    return texts
