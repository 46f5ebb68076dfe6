"""WordPiece, https://arxiv.org/abs/1609.08144 (2016), as BERT uses it, https://arxiv.org/abs/1810.04805 (2018).

The pieces are learned as byte-pair encoding learns them, by joining the most frequent neighbours, which is also what
the library's own WordPieceTrainer does; that one numbers pieces in an order that changes from run to run.
"""

from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from zoo.text.tokenizer import Tokenizer
from zoo.text.unicode import as_texts
from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS, UNKNOWN, finish

START = "\0"  # marks a word's beginning while learning; BERT's normaliser leaves no NUL in a text


@dataclass(frozen=True, kw_only=True)
class WordPieces(TokenizerSpec):
    """Splits rare words into pieces ("token", "##izer"), each the longest that the vocabulary has."""

    vocabulary: int = 30_000  # most ids, special tokens included
    lower: bool = True  # whether capital letters become small and lose their accents, as in BERT's uncased models

    def untrained(self, pieces=()):
        """Return the tokenizer of these pieces, which come after the special tokens."""
        self.check_vocabulary(least=len(SPECIAL_TOKENS) + 1)
        numbered = {piece: i for i, piece in enumerate(dict.fromkeys((*SPECIAL_TOKENS, *pieces)))}
        kept = {piece: i for piece, i in numbered.items() if i < self.vocabulary}
        rust = tokenizers.Tokenizer(models.WordPiece(kept, unk_token=SPECIAL_TOKENS[UNKNOWN]))
        rust.normalizer = normalizers.BertNormalizer(lowercase=self.lower)
        rust.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        rust.decoder = decoders.WordPiece()
        return rust

    def train(self, texts) -> Tokenizer:
        rust = self.untrained()
        start = pre_tokenizers.Metaspace(START, prepend_scheme="always", split=False)
        rust.model = models.BPE()
        rust.pre_tokenizer = pre_tokenizers.Sequence([rust.pre_tokenizer, start])
        trainer = trainers.BpeTrainer(vocab_size=self.vocabulary, show_progress=False)
        rust.train_from_iterator(as_texts(texts), trainer)
        numbered = rust.get_vocab()
        return finish(self.untrained(_pieces(sorted(numbered, key=numbered.get))))


def _pieces(learned):
    """Yield WordPiece's spelling of what was learned: characters, characters inside words, and longer pieces."""
    characters = [token for token in learned if len(token) == 1 and token != START]
    yield from characters
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    yield from ("##" + character for character in characters if len(split("a" + character)) == 1)
    for token in learned:
        if len(token) > 1:
            yield token[1:] if token[0] == START else "##" + token
