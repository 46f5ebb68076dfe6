"""Special ids of a tokenizer by role: padding, unknown, start, end, mask, and the ids that end a generated text."""

from dataclasses import dataclass

import tokenizers

from zoo.text.template import template_of
from zoo.text.tokenizer_settings import TokenizerSettings

# Names in order of preference: of BERT and of tokenizers trained here, of RoBERTa and T5, of GPT-2, of Llama 3.
PAD, UNKNOWN, MASK = ("[PAD]", "<pad>"), ("[UNK]", "<unk>"), ("[MASK]", "<mask>")
START = ("[CLS]", "<s>", "<|begin_of_text|>")
END = ("[SEP]", "</s>", "<|endoftext|>", "<|end_of_text|>")


@dataclass(frozen=True)
class SpecialIds:
    """The special ids of a tokenizer; None where it has none."""

    pad: int | None
    unknown: int | None
    start: int | None
    end: int | None
    mask: int | None
    stop: tuple[int, ...]  # ids at which a generated text ends


def special_ids(backend: tokenizers.Tokenizer, settings: TokenizerSettings | None) -> SpecialIds:
    """The special ids of a tokenizer: by the roles of its settings, else by their usual names."""
    roles = settings.roles if settings else {}

    def first(*tokens):
        return next((id for token in tokens if (id := backend.token_to_id(token)) is not None), None)

    def of(names, *keys):
        return first(*(roles[key] for key in keys if key in roles), *names)

    start, end = of(START, "cls_token", "bos_token"), of(END, "eos_token", "sep_token")
    stop = settings.stop_ids if settings else ()
    if settings:
        before, after = template_of(backend).single
        start = before[0] if before else start
        end = after[-1] if after else end if end in stop or not stop else stop[0]
    stop = stop or (() if end is None else (end,))
    return SpecialIds(of(PAD, "pad_token"), of(UNKNOWN, "unk_token"), start, end, of(MASK, "mask_token"), stop)
