"""Byte tokenizer: an id for each byte of UTF-8, 261 ids for all the world's text, and nothing to learn."""

from collections.abc import Iterable
from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, pre_tokenizers

from zoo.text.splitting import bytes_to_unicode
from zoo.text.tokenizer import Text, Tokenizer
from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS, with_bert_template


@dataclass(frozen=True, kw_only=True)
class Bytes(TokenizerSpec):
    """Numbers bytes: an id is the byte plus 5, after the special tokens. Lossless for all text."""

    def untrained(self) -> tokenizers.Tokenizer:
        vocabulary = {token: i for i, token in enumerate((*SPECIAL_TOKENS, *bytes_to_unicode()))}
        backend = tokenizers.Tokenizer(models.BPE(vocabulary, []))
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        backend.decoder = decoders.ByteLevel()
        return backend

    def train(self, texts: Iterable[Text] = ()) -> Tokenizer:
        """The tokenizer; no text is used."""
        return with_bert_template(self.untrained())
