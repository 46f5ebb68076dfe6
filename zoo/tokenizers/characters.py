"""One id for each character (Unicode code point), the most frequent first."""

from collections import Counter
from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, normalizers

from zoo.text.tokenizer import Tokenizer
from zoo.text.unicode import as_texts
from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS, UNKNOWN, finish


@dataclass(frozen=True, kw_only=True)
class Characters(TokenizerSpec):
    """Numbers characters; lossless for text whose characters were all seen, unless `lower`."""

    vocabulary: int = 5_000  # most ids, special tokens included
    lower: bool = False  # whether capital letters become small

    def untrained(self, characters=()):
        """Return the tokenizer of these characters: byte-pair encoding without any pair, the fastest way to them."""
        self.check_vocabulary(least=len(SPECIAL_TOKENS) + 1)
        numbered = {token: i for i, token in enumerate((*SPECIAL_TOKENS, *characters))}
        rust = tokenizers.Tokenizer(models.BPE(numbered, [], unk_token=SPECIAL_TOKENS[UNKNOWN]))
        if self.lower:
            rust.normalizer = normalizers.Lowercase()
        rust.decoder = decoders.Fuse()
        return rust

    def train(self, texts) -> Tokenizer:
        """Count characters here: the library's trainers would hold every text, as one long word each."""
        normalizer = self.untrained().normalizer
        counts = Counter()
        for text in as_texts(texts):
            counts.update(normalizer.normalize_str(text) if self.lower else text)
        ordered = sorted(counts, key=lambda character: (-counts[character], character))
        return finish(self.untrained(ordered[: self.vocabulary - len(SPECIAL_TOKENS)]))
