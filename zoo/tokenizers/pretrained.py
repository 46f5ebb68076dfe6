"""A tokenizer that is there already, taken from a file or a folder as it is."""

from dataclasses import dataclass

from zoo.text.added_tokens import with_tokens
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers import TokenizerSpec


@dataclass(frozen=True, kw_only=True)
class Pretrained(TokenizerSpec):
    """Reads tokenizer.json, BERT's vocab.txt, or GPT-2's vocab.json with merges.txt."""

    folder: str = ""  # or the file itself
    added: tuple = ()  # new tokens: see `zoo.text.added_tokens`

    def untrained(self):
        """Return the tokenizer of the library; raises `ValueError` where there is none."""
        return self.train().rust

    def train(self, texts=()) -> Tokenizer:
        """Return the tokenizer; no text is read."""
        if not self.folder:
            raise ValueError("Expected a folder to take the tokenizer from (tokenizer.folder). Received: none.")
        found = Tokenizer.load(self.folder)
        return Tokenizer(with_tokens(found.rust, self.added)) if self.added else found
