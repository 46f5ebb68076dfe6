"""One id for each byte of UTF-8: 261 ids for all the world's text, and nothing to learn."""

from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from zoo.text.splitting import byte_spelling
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS, finish


@dataclass(frozen=True, kw_only=True)
class Bytes(TokenizerSpec):
    """Numbers bytes: an id is 5 more than its byte, after the special tokens. Lossless for all text."""

    def untrained(self):
        numbered = {token: i for i, token in enumerate((*SPECIAL_TOKENS, *byte_spelling()))}
        rust = tokenizers.Tokenizer(models.BPE(numbered, []))
        rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        rust.decoder = decoders.ByteLevel()
        return rust

    def train(self, texts=()) -> Tokenizer:
        """Return the tokenizer; no text is read."""
        return finish(self.untrained())
