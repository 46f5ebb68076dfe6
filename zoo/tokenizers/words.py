"""Word tokenizer: words and punctuation marks, the most frequent first; other words are unknown."""

from dataclasses import dataclass

import tokenizers
from tokenizers import Regex, models, normalizers, pre_tokenizers, trainers

from zoo.text.splitting import WHITESPACE_WORDS, WORDS
from zoo.tokenizers import TokenizerSpec
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS, UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Words(TokenizerSpec):
    """Word tokenizer: the vocabulary has the most frequent words and punctuation marks."""

    vocabulary: int = 20_000  # maximum number of ids, special tokens included
    lower: bool = True  # whether text is lowercased
    whitespace: bool = False  # split at white space only: for text that is split into words already
    minimum_count: int = 1  # times a word must occur to be in the vocabulary

    def untrained(self) -> tokenizers.Tokenizer:
        self.check_vocabulary(minimum=len(SPECIAL_TOKENS) + 1)
        backend = tokenizers.Tokenizer(models.WordLevel({}, unk_token=SPECIAL_TOKENS[UNKNOWN]))
        if self.lower:
            backend.normalizer = normalizers.Lowercase()
        pattern = WHITESPACE_WORDS if self.whitespace else WORDS
        backend.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
        return backend

    def trainer(self) -> trainers.Trainer:
        return trainers.WordLevelTrainer(
            vocab_size=self.vocabulary,
            min_frequency=self.minimum_count,
            special_tokens=list(SPECIAL_TOKENS),
            show_progress=False,
        )
