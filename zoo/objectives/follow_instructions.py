"""Answer instructions, in one turn or several: instruction tuning (Wei 2022, https://arxiv.org/abs/2109.01652).

Conversations are written out by a template, and only the answers are learned, as Ouyang 2022, arXiv:2203.02155, section
3.5, tunes on demonstrations. Causal networks read a whole conversation; encoder-decoders read what leads to an answer
and write it. The compile/fit preset is AdamW with warm-up and cosine decay (Taori 2023, Stanford Alpaca).
"""

from dataclasses import dataclass, replace

import numpy as np

from zoo.data.chat_template import ASSISTANT, check_template, messages_of, prompt_affixes, prompt_answer_pairs, render
from zoo.objectives import PromptTemplate
from zoo.objectives._text_generation import TextGeneration
from zoo.runtime.console import console
from zoo.runtime.errors import UserError


@dataclass(frozen=True, kw_only=True)
class FollowInstructions(TextGeneration):
    """Logits of the next token, learned where an answer stands."""

    length: int = 512  # longest conversation, in token ids; what leads to an answer is cut from the left
    template: str = "plain"  # or chatml, or a Jinja template over `messages`
    max_new_tokens: int = 128  # longest answer that is written
    eval_samples: int = 20  # validation records that are answered while training; the others only tell the perplexity
    encoder: bool = False  # whether what leads to an answer is read by an encoder; filled in for encoder-decoders

    def __post_init__(self):
        super().__post_init__()
        check_template(self.template)

    def suit(self, architecture):
        return replace(super().suit(architecture), encoder=architecture.inputs()[0] == "source")

    def check_architecture(self, architecture):
        name = type(architecture).__name__
        if self.suit(architecture).encoder:
            return
        if architecture.pooling is None or not architecture.causal:
            raise UserError(
                "follow_instructions needs a causal network or an encoder-decoder, which write token by token. "
                f"Received: {name}, whose features {'are one a text' if architecture.pooling is None else 'see all'}."
            )

    def needs(self):
        return ()

    def asks(self):
        return ("instruction",)

    def accept(self, dataset, split):
        for place, record in dataset.located_records(split):
            if "messages" not in record and not {"instruction", "output"} <= set(record):
                raise UserError(
                    f"Expected instruction and output, or messages, at {place}. Received: {', '.join(record)}."
                )
            if not any(answer.strip() for _, answer in self._stretches(record)):
                raise UserError(f"Expected an answer at {place}. Received: none that is not empty.")

    def _stretches(self, record):
        return prompt_answer_pairs(messages_of(record), self.template)

    def texts(self, record):
        return [text for stretch in self._stretches(record) for text in stretch]

    def examples(self, records, tokenizer, train=True):
        cut = 0
        for record in records:
            for row, whole in self._examples(record, tokenizer):
                cut += not whole
                yield row
        if cut and train:
            console.print(f"Cut from the left: {cut} conversations longer than objective.length={self.length}.")

    def _examples(self, record, tokenizer):
        """Yield each example of a record, and whether it is there as a whole."""
        decoder_start, end = self.start_and_end(tokenizer)
        parts = [(self._ids(lead, tokenizer), self._ids(answer, tokenizer)) for lead, answer in self._stretches(record)]
        ended = [(lead, np.append(answer, end).astype("int32")) for lead, answer in parts]
        return self._pairs(ended, decoder_start) if self.encoder else [self._row(ended, end)]

    def _ids(self, text, tokenizer):
        return tokenizer.encode(text, special=False).ids

    def _row(self, parts, end):
        """One conversation; `right` is the token after each, -1 where that is not of an answer."""
        ids = np.concatenate([[end], *(ids for part in parts for ids in part)]).astype("int32")
        learned = np.concatenate([[False], *(np.arange(len(a) + len(b)) >= len(a) for a, b in parts)])
        tokens, right = ids[:-1], np.where(learned[1:], ids[1:], -1).astype("int32")
        return {"tokens": tokens[-self.length :], "labels": right[-self.length :]}, len(tokens) <= self.length

    def _pairs(self, parts, decoder_start):
        """A source and a target for each answer of a conversation."""
        before = np.zeros(0, "int32")
        for lead, answer in parts:
            source = np.append(before, lead).astype("int32")
            target = np.append(decoder_start, answer)[: self.length + 1].astype("int32")
            row = {"source": source[-self.length :], "target": target[:-1], "labels": target[1:]}
            yield row, len(source) <= self.length
            before = np.concatenate([before, lead, answer])

    def reference(self, record):
        last = messages_of(record)[-1]
        return last["content"] if last["role"] == ASSISTANT else None

    def scored_examples(self, records, tokenizer):
        found = [(row, i) for i, record in enumerate(records) for row, _ in self._examples(record, tokenizer)]
        return [row for row, _ in found], [number for _, number in found]

    def clean(self, text):
        return text.strip()

    def prompt_ids(self, record, tokenizer):
        """The row that leads to a record's last answer, or to the one it asks for."""
        messages = messages_of(record)
        asked = messages[:-1] if messages[-1]["role"] == ASSISTANT else messages
        ids = self._lead(asked, tokenizer)
        decoder_start, end = self.start_and_end(tokenizer)
        if self.encoder:
            return {"source": ids[-self.length :], "target": decoder_start}
        return {"tokens": np.append(end, ids)[-self._room :].astype("int32")}

    @property
    def _room(self):
        """Tokens of a conversation that leave room for an answer."""
        return max(self.length - self.max_new_tokens, 1)

    def prompt_template(self, tokenizer):
        (before, after), (decoder_start, end) = prompt_affixes(self.template), self.start_and_end(tokenizer)
        if self.encoder:
            return PromptTemplate(prefix=prefix, suffix=suffix, length=self.length, decoder_ids=tuple(decoder_start.tolist()))
        return PromptTemplate(prefix=prefix, suffix=suffix, start_ids=(end,), length=self._room)

    def _lead(self, asked, tokenizer):
        """Ids of the text that leads to an answer: those of the turns before as they were learned.

        An answer may bring its own `ids`, such as those with which it was written.
        """
        (_, end), parts, done = self.start_and_end(tokenizer), [], ""
        own = [message.get("ids") for message in asked if message["role"] == ASSISTANT]
        for (lead, answer), ids in zip(prompt_answer_pairs(asked, self.template), own, strict=True):
            ids = self._ids(answer, tokenizer) if ids is None else ids
            parts += [self._ids(lead, tokenizer), ids, [end]]
            done += lead + answer
        rest = render(asked, self.template, add_generation_prompt=True)[len(done) :]
        return np.concatenate([*parts, self._ids(rest, tokenizer)]).astype("int32")
