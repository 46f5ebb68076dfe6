"""Byte-pair encoding over bytes, https://arxiv.org/abs/1508.07909 (2015), as GPT-2 uses it (2019)."""

from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS


@dataclass(frozen=True, kw_only=True)
class BytePairs(TokenizerSpec):
    """Joins frequent neighbours, starting from bytes, so no text is unknown. Lossless for all text, unless `lower`."""

    vocabulary: int = 30_000  # most ids, special tokens included
    lower: bool = False  # whether capital letters become small

    def untrained(self):
        self.check_vocabulary(least=len(SPECIAL_TOKENS) + 256)
        rust = tokenizers.Tokenizer(models.BPE())
        if self.lower:
            rust.normalizer = normalizers.Lowercase()
        rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        rust.decoder = decoders.ByteLevel()
        return rust

    def trainer(self):
        return trainers.BpeTrainer(
            vocab_size=self.vocabulary,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
