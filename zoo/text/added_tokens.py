"""Added tokens: new words for the vocabulary of a trained tokenizer."""

import json
from collections.abc import Sequence

import tokenizers
from tokenizers import AddedToken

from zoo.runtime.errors import UserError

WORD_MODELS = ("WordPiece", "WordLevel")  # models that look up complete words


def add_tokens(backend: tokenizers.Tokenizer, tokens: Sequence[str]) -> tokenizers.Tokenizer:
    """A copy of a `tokenizers.Tokenizer` with new tokens, whose ids follow all present ids.

    In a model that looks up complete words (WordPiece, WordLevel) a new token is another word of the vocabulary,
    normalised as text is. In other models a new token is matched as a separate word before a text is normalised.

    Raises `UserError` for a token that is empty, in the vocabulary already, or split into several words.
    """
    word_model = json.loads(backend.to_str())["model"]["type"] in WORD_MODELS
    new = [_as_word(backend, token) if word_model else token for token in tokens]
    known = set(backend.get_vocab())
    for i, token in enumerate(new):
        if not token.strip() or token in known or token in new[:i]:
            raise UserError(f"Expected new tokens to add. Received: {tokens[i]!r}, which is empty or known already.")
    if word_model:
        return _with_words(backend, new)
    copy = tokenizers.Tokenizer.from_str(backend.to_str())
    copy.add_tokens([AddedToken(token, single_word=True, normalized=False) for token in new])
    return copy


def _as_word(backend, token):
    """A token normalised as the tokenizer normalises text. Raises `UserError` where it is split into several words."""
    normal = backend.normalizer.normalize_str(token) if backend.normalizer else token
    words = [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normal)] if backend.pre_tokenizer else [normal]
    if len(words) > 1:
        raise UserError(f"Expected one word to add. Received: {token!r}, which is split into {' and '.join(words)}.")
    return "".join(words)


def _with_words(backend, words):
    spec = json.loads(backend.to_str())
    start = 1 + max(backend.get_vocab().values())
    spec["model"]["vocab"] |= {word: start + i for i, word in enumerate(words)}
    return tokenizers.Tokenizer.from_str(json.dumps(spec))
