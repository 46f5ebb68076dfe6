"""One id for each byte of UTF-8: 261 ids for all the world's text, and nothing to learn."""

from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from zoo.tokenizer import SPECIAL_TOKENS, Tokenizer, TrainedTokenizer
from zoo.tokenizer.settings import finish


@dataclass(frozen=True, kw_only=True)
class Bytes(Tokenizer):
    """Numbers bytes: an id is 5 more than its byte, after the special tokens. Lossless for all text."""

    def untrained(self):
        # The library spells a byte as the character of that number where that is printable, else as the next one
        # from U+0100 on.
        printable = set(pre_tokenizers.ByteLevel.alphabet())
        spare = iter(sorted(c for c in printable if ord(c) > 255))
        spelling = [chr(b) if chr(b) in printable else next(spare) for b in range(256)]
        numbered = {token: i for i, token in enumerate((*SPECIAL_TOKENS, *spelling))}
        rust = tokenizers.Tokenizer(models.BPE(numbered, []))
        rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        rust.decoder = decoders.ByteLevel()
        return rust

    def train(self, texts=()) -> TrainedTokenizer:
        """Return the tokenizer; no text is read."""
        return finish(self.untrained())
