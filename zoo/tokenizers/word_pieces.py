"""WordPiece, https://arxiv.org/abs/1609.08144 (2016), as in BERT, https://arxiv.org/abs/1810.04805 (2018).

The pieces are learned as in byte-pair encoding, by merging the most frequent pairs. The library's own
WordPieceTrainer does the same, but its order of pieces changes from run to run.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from zoo.text.tokenizer import Text, Tokenizer
from zoo.text.unicode import as_texts
from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS, UNKNOWN, with_bert_template

WORD_START = "\0"  # marks a word's beginning while learning; BERT's normaliser leaves no NUL in a text


@dataclass(frozen=True, kw_only=True)
class WordPieces(TokenizerSpec):
    """WordPiece: splits rare words into pieces ("token", "##izer"), each the longest in the vocabulary."""

    vocabulary: int = 30_000  # maximum number of ids, special tokens included
    lower: bool = True  # whether text is lowercased and stripped of accents, as in BERT's uncased models

    def untrained(self, pieces: Iterable[str] = ()) -> tokenizers.Tokenizer:
        """The tokenizer of a list of pieces, which come after the special tokens."""
        self.check_vocabulary(minimum=len(SPECIAL_TOKENS) + 1)
        ids = {piece: i for i, piece in enumerate(dict.fromkeys((*SPECIAL_TOKENS, *pieces)))}
        vocabulary = {piece: i for piece, i in ids.items() if i < self.vocabulary}
        backend = tokenizers.Tokenizer(models.WordPiece(vocabulary, unk_token=SPECIAL_TOKENS[UNKNOWN]))
        backend.normalizer = normalizers.BertNormalizer(lowercase=self.lower)
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        backend.decoder = decoders.WordPiece()
        return backend

    def train(self, texts: Iterable[Text]) -> Tokenizer:
        backend = self.untrained()
        start = pre_tokenizers.Metaspace(WORD_START, prepend_scheme="always", split=False)
        backend.model = models.BPE()
        backend.pre_tokenizer = pre_tokenizers.Sequence([backend.pre_tokenizer, start])
        trainer = trainers.BpeTrainer(vocab_size=self.vocabulary, show_progress=False)
        backend.train_from_iterator(as_texts(texts), trainer)
        ids = backend.get_vocab()
        return with_bert_template(self.untrained(_pieces(sorted(ids, key=ids.__getitem__))))


def _pieces(learned: list[str]) -> Iterator[str]:
    """Yield learned tokens in WordPiece notation: characters, characters inside words ("##a"), longer pieces."""
    characters = [token for token in learned if len(token) == 1 and token != WORD_START]
    yield from characters
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    yield from ("##" + character for character in characters if len(split("a" + character)) == 1)
    for token in learned:
        if len(token) > 1:
            yield token[1:] if token[0] == WORD_START else "##" + token
