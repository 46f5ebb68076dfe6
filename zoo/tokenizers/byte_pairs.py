"""Byte-level BPE: byte-pair encoding, https://arxiv.org/abs/1508.07909 (2015), of UTF-8 bytes as in GPT-2 (2019)."""

from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS


@dataclass(frozen=True, kw_only=True)
class BytePairs(TokenizerSpec):
    """Byte-level BPE: merges frequent pairs, starting from bytes, so no text is unknown. Lossless, unless `lower`."""

    vocabulary: int = 30_000  # maximum number of ids, special tokens included
    lower: bool = False  # whether text is lowercased

    def untrained(self) -> tokenizers.Tokenizer:
        self.check_vocabulary(minimum=len(SPECIAL_TOKENS) + 256)
        backend = tokenizers.Tokenizer(models.BPE())
        if self.lower:
            backend.normalizer = normalizers.Lowercase()
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        backend.decoder = decoders.ByteLevel()
        return backend

    def trainer(self) -> trainers.Trainer:
        return trainers.BpeTrainer(
            vocab_size=self.vocabulary,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        )
