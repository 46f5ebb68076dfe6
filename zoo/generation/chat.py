"""Conversations with a model that follows instructions: turns are kept, and each one reads only what is new."""

from dataclasses import replace

from zoo.data.chat_template import ASSISTANT, prompt_answer_pairs
from zoo.generation.batch import ENDLESS, longest
from zoo.generation.generate import writer_of
from zoo.generation.loop import TokenGenerator
from zoo.generation.prompt_cache import PromptCache
from zoo.generation.text_generator import TextGenerator
from zoo.runtime.errors import UserError


class Chat:
    """A conversation.

    A causal network remembers the turns before, and where the oldest are forgotten, for want of room, it reads the
    others anew. An encoder reads the whole conversation at every turn: it sees all of it from both sides.

    Args:
        model, objective, tokenizer: of a pipeline; see `zoo.generation.TextGenerator`, as for the `settings`.
        system: what the model is told before the first turn.

    Attributes:
        messages: [{"role", "content"}], those that are not forgotten.
        forgotten: how many turns, a question with its answer each, were forgotten.
        session: the `zoo.generation.prompt_cache.PromptCache`, which counts the tokens that were read; None beside an encoder.

    Raises UserError for an objective without conversations, and for settings that leave no room for a question.
    """

    def __init__(self, model, objective, tokenizer, system="", **settings):
        if not hasattr(objective, "template"):
            raise UserError(
                "Expected a model that follows instructions, to talk with. "
                f"Received: one of {type(objective).__name__}; zoo generate goes on from a text."
            )
        whole = replace(objective, length=ENDLESS)  # nothing is cut in the middle of a turn
        self.template, self.ending = objective.template, _ending(objective.template)
        stop = (self.ending.rstrip(),) if self.ending.strip() else ()
        self.author = TextGenerator(model, whole, tokenizer, stop, **settings)
        self.room, length = self._room(objective)
        self.session = None if objective.encoder else PromptCache(writer_of(model, None, self.author.settings), length)
        self.system = [{"role": "system", "content": system}] if system else []
        self.turns, self.forgotten = [], 0

    @property
    def messages(self):
        return [{"role": turn["role"], "content": turn["content"]} for turn in (*self.system, *self.turns)]

    def say(self, text):
        """The answer to a text, after all that was said before; as `stream`."""
        return "".join(self.stream(text))

    def stream(self, text, ended=lambda: False):
        """Yield the answer in pieces as it is written. Where `ended()` is True it ends, and what there is is kept.

        Raises UserError for a text that leaves no room for an answer; the conversation stays as it was.
        """
        asked = {"role": "user", "content": text}
        kept = self._kept(asked)
        self.forgotten += (len(self.turns) - len(kept)) // 2
        self.turns = kept
        record = {"messages": [*self.system, *kept, asked]}
        pieces = _Pieces(self.author.pieces(record, ended, self.session))
        yield from _stripped(pieces)
        self.turns = [*kept, asked, self._answer(pieces.found)]

    def _kept(self, asked):
        """The latest turns before a question that there is room for."""
        for start in range(0, len(self.turns) + 1, 2):
            number = self._tokens([*self.turns[start:], asked])
            if number <= self.room:
                return self.turns[start:]
        raise UserError(f"Expected a text of at most {self.room} tokens with all around it. Received: {number}.")

    def _tokens(self, turns):
        record = {"messages": [*self.system, *turns]}
        row = self.author.objective.prompt_ids(record, self.author.tokenizer)
        return len(row["source" if "source" in row else "tokens"])

    def _answer(self, found):
        """The message that a `Completion` makes, with the ids that the network wrote, its ending completed."""
        tokenizer = self.author.tokenizer
        written = tokenizer.decode(found.ids)
        had = next(size for size in range(len(self.ending), -1, -1) if written.endswith(self.ending[:size]))
        rest = tokenizer.encode(self.ending[had:], special=False).ids.tolist()
        return {"role": ASSISTANT, "content": found.text.strip(), "ids": [*found.ids, *rest]}

    def _room(self, objective):
        """`(most tokens of what leads to an answer, most with the answer)`."""
        plan, new = TokenGenerator.of(self.author.model).network.plan, self.author.settings.max_new_tokens
        if objective.encoder:
            return min(objective.length, longest(plan.once)), None
        length = min(objective.length, longest(plan.each))
        if new >= length:
            raise UserError(
                f"new_tokens must leave room for a question in the {length} tokens that the model reads. "
                f"Received: new_tokens={new}."
            )
        return length - new, length


class _Pieces:
    """Pieces of a text, and what their generator returns in the end as `found`."""

    def __init__(self, pieces):
        self.pieces = pieces

    def __iter__(self):
        self.found = yield from self.pieces


def _stripped(pieces):
    """Pieces of a text as those of the text without white space around it."""
    shown, text = "", ""
    for piece in pieces:
        text = (text + piece).lstrip()
        yield text.rstrip()[len(shown) :]
        shown = max(text.rstrip(), shown, key=len)


def _ending(template):
    """What a template writes after an answer."""
    asked = {"role": "user", "content": "question"}
    ((_, answer),) = prompt_answer_pairs([asked, {"role": ASSISTANT, "content": "answer"}], template)
    return answer.partition("answer")[2]
