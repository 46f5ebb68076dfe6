"""The contract of `zoo/tokenizers/`: settings that, trained on texts, become a tokenizer."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from tokenizers import processors

from zoo.text.tokenizer import Tokenizer
from zoo.text.unicode import as_texts

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # BERT's names; their ids are their places
PAD, UNKNOWN, FIRST, SEPARATOR, MASK = range(len(SPECIAL_TOKENS))


@dataclass(frozen=True, kw_only=True)
class TokenizerSpec(ABC):
    """Settings of a tokenizer; `train` makes one from texts.

    A subclass states two halves: `untrained()`, a `tokenizers.Tokenizer`, and `trainer()`, how it learns; where the
    library has no such trainer, the subclass has a `train` of its own.
    """

    @abstractmethod
    def untrained(self):
        """Return the `tokenizers.Tokenizer` that is to be trained."""

    def trainer(self):
        """Return the trainer of the `tokenizers` library that learns the vocabulary."""
        raise NotImplementedError

    def train(self, texts):
        """Return a `Tokenizer` learned from an iterable of `str` or `bytes`, read once, never held in memory.

        Raises `ValueError` if the texts hold nothing to learn from.
        """
        rust = self.untrained()
        rust.train_from_iterator(as_texts(texts), self.trainer())
        return finish(rust)

    def check_vocabulary(self, least):
        """Raise `ValueError` unless `self.vocabulary` has room for at least `least` ids."""
        if self.vocabulary < least:
            name = type(self).__name__
            raise ValueError(f"{name} needs vocabulary of at least {least}. Received: vocabulary={self.vocabulary}")


def finish(rust):
    """Add the special tokens' places to a tokenizer that has just been trained.

    Raises `ValueError` if it has learned no token.
    """
    if rust.get_vocab_size() <= len(SPECIAL_TOKENS):
        raise ValueError("No token was learned: the texts to train on are empty or blank.")
    rust.add_special_tokens(list(SPECIAL_TOKENS))
    rust.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(SPECIAL_TOKENS[i], i) for i in (FIRST, SEPARATOR)],
    )
    return Tokenizer(rust)
