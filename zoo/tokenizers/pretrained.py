"""A pretrained tokenizer from a file or folder, without training: tokenizer.json, vocab.txt, vocab.json."""

from collections.abc import Iterable
from dataclasses import dataclass

import tokenizers

from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Text, Tokenizer
from zoo.tokenizers import TokenizerSpec


@dataclass(frozen=True, kw_only=True)
class Pretrained(TokenizerSpec):
    """Pretrained tokenizer, loaded from tokenizer.json, BERT's vocab.txt, or GPT-2's vocab.json with merges.txt."""

    folder: str = ""  # or the file itself
    added_tokens: tuple[str, ...] = ()  # new tokens: see `zoo.text.added_tokens`

    def untrained(self) -> tokenizers.Tokenizer:
        """The loaded `tokenizers.Tokenizer`. Raises `UserError` where there is no file."""
        return self.train().backend

    def train(self, texts: Iterable[Text] = ()) -> Tokenizer:
        """The loaded tokenizer; `texts` are ignored.

        Raises `UserError` where there is no file, or where a token to add is not new.
        """
        if not self.folder:
            raise UserError("Expected a folder to load the tokenizer from (tokenizer.folder). Received: none.")
        tokenizer = Tokenizer.load(self.folder)
        return tokenizer.with_tokens(self.added_tokens) if self.added_tokens else tokenizer
