"""Byte tokenizer: an id for each byte of UTF-8, after 5 special tokens; nothing is learned."""

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
    """Byte tokenizer: the id of a byte is its value plus 5, the number of special tokens. Lossless for all text."""

    def untrained(self) -> tokenizers.Tokenizer:
        vocabulary = {token: i for i, token in enumerate((*SPECIAL_TOKENS, *bytes_to_unicode()))}
        backend = tokenizers.Tokenizer(models.BPE(vocabulary, []))
        backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        backend.decoder = decoders.ByteLevel()
        return backend

    def train(self, texts: Iterable[Text] = ()) -> Tokenizer:
        """The tokenizer; `texts` are ignored."""
        return with_bert_template(self.untrained())
