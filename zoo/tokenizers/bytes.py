"""One id for each byte of UTF-8: 261 ids for all the world's text, and nothing to learn."""

from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from zoo.tokenizer import SPECIAL_TOKENS, Tokenizer, TrainedTokenizer
from zoo.tokenizer.settings import finish
from zoo.tokenizer.splitting import byte_spelling


@dataclass(frozen=True, kw_only=True)
class Bytes(Tokenizer):
    """Numbers bytes: an id is 5 more than its byte, after the special tokens. Lossless for all text."""

    def untrained(self):
        numbered = {token: i for i, token in enumerate((*SPECIAL_TOKENS, *byte_spelling()))}
        rust = tokenizers.Tokenizer(models.BPE(numbered, []))
        rust.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        rust.decoder = decoders.ByteLevel()
        return rust

    def train(self, texts=()) -> TrainedTokenizer:
        """Return the tokenizer; no text is read."""
        return finish(self.untrained())
