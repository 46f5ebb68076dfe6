"""A tokenizer that is there already, taken from a file or a folder as it is."""

from dataclasses import dataclass

from zoo.tokenizer import Tokenizer, TrainedTokenizer
from zoo.tokenizer.adding import with_tokens


@dataclass(frozen=True, kw_only=True)
class Pretrained(Tokenizer):
    """Reads tokenizer.json, BERT's vocab.txt, or GPT-2's vocab.json with merges.txt."""

    folder: str = ""  # or the file itself
    added: tuple = ()  # new tokens: see `zoo.tokenizer.adding`

    def untrained(self):
        """Return the tokenizer of the library; raises `ValueError` where there is none."""
        return self.train().rust

    def train(self, texts=()) -> TrainedTokenizer:
        """Return the tokenizer; no text is read."""
        if not self.folder:
            raise ValueError("Expected a folder to take the tokenizer from (tokenizer.folder). Received: none.")
        found = TrainedTokenizer.load(self.folder)
        return TrainedTokenizer(with_tokens(found.rust, self.added)) if self.added else found
