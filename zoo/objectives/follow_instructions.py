"""Instruction tuning: answer instructions, in one turn or several (Wei 2022, https://arxiv.org/abs/2109.01652).

Conversations are formatted by a chat template, and the loss covers only the answers, as in the supervised fine-tuning
of Ouyang 2022, arXiv:2203.02155, section 3.5. Causal networks read a complete conversation; encoder-decoders encode the
prompt and decode the answer. The compile/fit preset is AdamW with warm-up and cosine decay (Taori 2023, Stanford
Alpaca).
"""

from dataclasses import dataclass, replace

import numpy as np

from zoo.data.chat_ids import closed, guarded, start_ids
from zoo.data.chat_template import (
    ASSISTANT,
    FROM_TOKENIZER,
    check_template,
    messages_of,
    prompt_affixes,
    prompt_answer_pairs,
    render,
)
from zoo.objectives import Fields, Preparation, PromptTemplate
from zoo.objectives._requirements import check_generates
from zoo.objectives._text_generation import GenerationPreparation, TextGeneration
from zoo.runtime.console import console
from zoo.runtime.errors import RowError


@dataclass(frozen=True, kw_only=True)
class FollowInstructions(TextGeneration):
    """Logits of the next token, with a loss on the answers alone."""

    length: int = 512  # longest conversation, in token ids; longer prompts lose their beginning
    template: str = "plain"  # or chatml, tokenizer (that of --from FOLDER), or a Jinja template over `messages`
    max_new_tokens: int = 128  # longest generated answer
    eval_samples: int = 20  # validation records that are answered in each epoch; others only have a loss
    encoder: bool = False  # whether an encoder reads the prompt; set by the architecture

    command = "chat"
    fields = Fields(required=(), inputs=("instruction",), optional=("instruction", "input", "output", "messages"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.template != FROM_TOKENIZER:
            check_template(self.template)

    def preparation(self, architecture) -> Preparation:
        encoder = architecture.inputs()[0] == "source"
        return GenerationPreparation(replace(self, decoder_start=architecture.decoder_start, encoder=encoder))

    def check_architecture(self, architecture) -> None:
        check_generates(architecture, "follow_instructions")

    def check_record(self, location, record) -> None:
        if "messages" not in record and not {"instruction", "output"} <= set(record):
            received = ", ".join(record) or "neither"
            raise RowError(
                f"Expected instruction and output, or messages, at {location}. Received: {received}. "
                "Map other names by --columns instruction=NAME,output=NAME or --columns messages=NAME.",
                "a missing column",
            )
        answers = [
            answer for (_, answer), learned in zip(self._pairs(record), _learned(record), strict=True) if learned
        ]
        if not any(answer.strip() for answer in answers):
            message = f"Expected an answer at {location}. Received: none, or only empty ones, or of weight 0."
            raise RowError(message, "an empty answer")

    def _pairs(self, record, tokenizer=None):
        """(prompt, answer) texts; with a tokenizer its control tokens in messages are guarded."""
        messages = messages_of(record)
        return prompt_answer_pairs(guarded(messages, tokenizer) if tokenizer else messages, self.template)

    def tokenizer_texts(self, record):
        return [text for pair in self._pairs(record) for text in pair]

    def examples(self, records, tokenizer, train=True):
        truncated = 0
        for record in records:
            for example, complete in self._examples(record, tokenizer):
                truncated += not complete
                yield example
        if truncated and train:
            console.print(
                f"Truncated on the left: {truncated} conversations longer than objective.length={self.length}."
            )

    def _examples(self, record, tokenizer):
        """(example, whether it is complete rather than truncated) pairs of a record."""
        start, _ = self.start_and_end(tokenizer)
        texts, learned = self._pairs(record, tokenizer), _learned(record)
        pairs = [
            (tokenizer.chat_ids(prompt), closed(tokenizer.chat_ids(answer), tokenizer)) for prompt, answer in texts
        ]
        if self.encoder:
            return self._seq2seq_examples(pairs, learned, start)
        return [self._causal_example(pairs, learned, start_ids(pairs[0][0], tokenizer))]

    def _causal_example(self, pairs, learned, start):
        """One example of a whole conversation; `labels` is -1 where the next token is of no answer that is learned."""
        ids = np.concatenate([start, *(ids for pair in pairs for ids in pair)]).astype("int32")
        answers = zip(pairs, learned, strict=True)
        in_answer = [(np.arange(len(a) + len(b)) >= len(a)) & is_learned for (a, b), is_learned in answers]
        in_answer = np.concatenate([np.zeros(len(start), bool), *in_answer])
        tokens, labels = ids[:-1], np.where(in_answer[1:], ids[1:], -1).astype("int32")
        return {"tokens": tokens[-self.length :], "labels": labels[-self.length :]}, len(tokens) <= self.length

    def _seq2seq_examples(self, pairs, learned, start):
        """Yield an example with source and target for each answer of a conversation that is learned."""
        history = np.zeros(0, "int32")
        for (prompt, answer), is_learned in zip(pairs, learned, strict=True):
            source = np.append(history, prompt).astype("int32")
            target = np.append(start, answer)[: self.length + 1].astype("int32")
            example = {"source": source[-self.length :], "target": target[:-1], "labels": target[1:]}
            if is_learned:
                yield example, len(source) <= self.length
            history = np.concatenate([history, prompt, answer])

    def reference(self, record):
        last = messages_of(record)[-1]
        return last["content"] if last["role"] == ASSISTANT else None

    def scored_examples(self, records, tokenizer):
        pairs = [(example, i) for i, record in enumerate(records) for example, _ in self._examples(record, tokenizer)]
        return [example for example, _ in pairs], [i for _, i in pairs]

    def clean(self, text):
        return text.strip()

    def prompt_ids(self, record, tokenizer):
        """The prompt of a record's last answer, or of the answer that it lacks."""
        messages = messages_of(record)
        ids = self._prompt(messages[:-1] if messages[-1]["role"] == ASSISTANT else messages, tokenizer)
        start, _ = self.start_and_end(tokenizer)
        if self.encoder:
            return {"source": ids[-self.length :], "target": start}
        return {"tokens": np.array([*start_ids(ids, tokenizer), *ids][-self._max_prompt :], "int32")}

    @property
    def _max_prompt(self):
        """Tokens of the longest prompt that leaves room for an answer."""
        return max(self.length - self.max_new_tokens, 1)

    def prompt_template(self, tokenizer) -> PromptTemplate:
        (prefix, suffix), (start, _) = prompt_affixes(self.template), self.start_and_end(tokenizer)
        before, prefix, suffix, after = tokenizer.control_tokens.around(prefix, suffix)
        template = PromptTemplate(prefix=prefix, suffix=suffix, start_ids=tuple(before), end_ids=tuple(after))
        if self.encoder:
            return replace(template, length=self.length, decoder_ids=tuple(start.tolist()))
        return replace(template, length=self._max_prompt, start_ids=(*start_ids(before, tokenizer), *before))

    def _prompt(self, messages, tokenizer):
        """Prompt ids for the answer to `messages`, tokenized turn by turn as in training.

        A message of the assistant may hold `ids`, with which it was generated: they are used as they are.
        """
        messages, parts, history = guarded(messages, tokenizer), [], ""
        answers = [message.get("ids") for message in messages if message["role"] == ASSISTANT]
        for (prompt, answer), ids in zip(prompt_answer_pairs(messages, self.template), answers, strict=True):
            ids = tokenizer.chat_ids(answer) if ids is None else ids
            parts += [tokenizer.chat_ids(prompt), closed(ids, tokenizer)]
            history += prompt + answer
        last = render(messages, self.template, add_generation_prompt=True)[len(history) :]
        return np.concatenate([*parts, tokenizer.chat_ids(last)]).astype("int32")


def _learned(record):
    """Whether each answer of a record is learned: those of `weight` 0 are context alone."""
    return [message.get("weight", 1) != 0 for message in messages_of(record) if message["role"] == ASSISTANT]
