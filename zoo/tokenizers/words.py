"""Whole words and punctuation marks, the most frequent first; what is not in the vocabulary is unknown."""

from dataclasses import dataclass

import tokenizers
from tokenizers import Regex, models, normalizers, pre_tokenizers, trainers

from zoo.text.splitting import SPACED, WORDS
from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS, UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Words(TokenizerSpec):
    """Splits text into words and punctuation marks and numbers the most frequent ones."""

    vocabulary: int = 20_000  # most ids, special tokens included
    lower: bool = True  # whether capital letters become small
    spaced: bool = False  # words are what stands between white space: for text that is split already
    minimum_count: int = 1  # times a word must occur to be numbered

    def untrained(self):
        self.check_vocabulary(least=len(SPECIAL_TOKENS) + 1)
        rust = tokenizers.Tokenizer(models.WordLevel({}, unk_token=SPECIAL_TOKENS[UNKNOWN]))
        if self.lower:
            rust.normalizer = normalizers.Lowercase()
        rust.pre_tokenizer = pre_tokenizers.Split(Regex(SPACED if self.spaced else WORDS), "removed", invert=True)
        return rust

    def trainer(self):
        return trainers.WordLevelTrainer(
            vocab_size=self.vocabulary,
            min_frequency=self.minimum_count,
            special_tokens=list(SPECIAL_TOKENS),
            show_progress=False,
        )
