"""Character tokenizer: an id for each character (Unicode code point), the most frequent first."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import tokenizers
from tokenizers import decoders, models, normalizers

from zoo.text.tokenizer import Text, Tokenizer
from zoo.text.unicode import as_texts
from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS, UNKNOWN, with_bert_template


@dataclass(frozen=True, kw_only=True)
class Characters(TokenizerSpec):
    """Character tokenizer: lossless for text of characters in the vocabulary, unless `lower`."""

    vocabulary: int = 5_000  # maximum number of ids, special tokens included
    lower: bool = False  # whether text is lowercased

    def untrained(self, characters: Iterable[str] = ()) -> tokenizers.Tokenizer:
        """The tokenizer of a list of characters: byte-pair encoding without merges, the library's fastest way."""
        self.check_vocabulary(minimum=len(SPECIAL_TOKENS) + 1)
        vocabulary = {token: i for i, token in enumerate((*SPECIAL_TOKENS, *characters))}
        backend = tokenizers.Tokenizer(models.BPE(vocabulary, [], unk_token=SPECIAL_TOKENS[UNKNOWN]))
        if self.lower:
            backend.normalizer = normalizers.Lowercase()
        backend.decoder = decoders.Fuse()
        return backend

    def train(self, texts: Iterable[Text]) -> Tokenizer:
        """Count characters without the library's trainers, which would hold every text in memory as one long word."""
        normalizer = self.untrained().normalizer
        counts: Counter[str] = Counter()
        for text in as_texts(texts):
            counts.update(normalizer.normalize_str(text) if normalizer else text)
        ordered = sorted(counts, key=lambda character: (-counts[character], character))
        return with_bert_template(self.untrained(ordered[: self.vocabulary - len(SPECIAL_TOKENS)]))
