"""The contract of `zoo/tokenizers/`: a specification, from which training on texts makes a `Tokenizer`."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import tokenizers
from tokenizers import processors, trainers

from zoo.runtime.errors import UserError
from zoo.runtime.field_comments import DocumentedFields
from zoo.text.tokenizer import Text, Tokenizer
from zoo.text.unicode import as_texts

SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")  # BERT's names; a token's id is its index
PAD, UNKNOWN, START, END, MASK = range(len(SPECIAL_TOKENS))


@dataclass(frozen=True, kw_only=True)
class TokenizerSpec(DocumentedFields, ABC):
    """Specification of a tokenizer: fields are settings, and `train` learns a `Tokenizer` from texts.

    A subclass defines `untrained()`, a `tokenizers.Tokenizer`, and `trainer()`, the library's trainer for it. A
    subclass without a trainer of the library defines `train` itself.
    """

    @abstractmethod
    def untrained(self) -> tokenizers.Tokenizer:
        """A new `tokenizers.Tokenizer`, without a learned vocabulary."""

    def trainer(self) -> trainers.Trainer:
        """The trainer of the `tokenizers` library that learns the vocabulary."""
        raise NotImplementedError(f"{type(self).__name__} defines neither `trainer` nor `train`.")

    def train(self, texts: Iterable[Text]) -> Tokenizer:
        """Learn the vocabulary from an iterable of texts, which is iterated once and never held in memory.

        Raises `UserError` if the texts are empty or blank.
        """
        backend = self.untrained()
        backend.train_from_iterator(as_texts(texts), self.trainer())
        return with_bert_template(backend)

    def check_vocabulary(self, minimum: int) -> None:
        """Raise `UserError` unless the field `vocabulary` allows at least `minimum` ids."""
        vocabulary = getattr(self, "vocabulary", minimum)
        if vocabulary < minimum:
            name = type(self).__name__
            raise UserError(f"{name} needs vocabulary of at least {minimum}. Received: vocabulary={vocabulary}")


def with_bert_template(backend: tokenizers.Tokenizer) -> Tokenizer:
    """The `Tokenizer` of a trained `tokenizers.Tokenizer`, with BERT's special tokens around texts.

    Raises `UserError` if no token was learned.
    """
    if backend.get_vocab_size() <= len(SPECIAL_TOKENS):
        raise UserError("No token was learned: the texts to train on are empty or blank.")
    backend.add_special_tokens(list(SPECIAL_TOKENS))
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(SPECIAL_TOKENS[i], i) for i in (START, END)],
    )
    return Tokenizer(backend)
