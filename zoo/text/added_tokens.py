"""Added tokens: new words for the vocabulary of a trained tokenizer."""

import json
from collections.abc import Iterable, Sequence

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


def add_words(backend: tokenizers.Tokenizer, words: Iterable[str]) -> tokenizers.Tokenizer:
    """A copy of a word tokenizer with more words, normalised as text is.

    Words that are in the vocabulary already, or that the tokenizer would split, are left out.
    """
    known = backend.get_vocab()
    split = ((word.strip(), _split(backend, word)) for word in words)
    unsplit = (parts[0] for word, parts in split if len(parts) == 1 and len(parts[0]) == len(word))
    return _with_words(backend, [word for word in dict.fromkeys(unsplit) if word not in known])


def _split(backend, text):
    """The words of a text, normalised as the tokenizer normalises text."""
    normal = backend.normalizer.normalize_str(text) if backend.normalizer else text
    return [word for word, _ in backend.pre_tokenizer.pre_tokenize_str(normal)] if backend.pre_tokenizer else [normal]


def _as_word(backend, token):
    """A token as a word of the vocabulary. Raises `UserError` where it is split into several words."""
    words = _split(backend, token)
    if len(words) > 1:
        raise UserError(f"Expected one word to add. Received: {token!r}, which is split into {' and '.join(words)}.")
    return "".join(words)


def _with_words(backend, words):
    spec = json.loads(backend.to_str())
    start = 1 + max(backend.get_vocab().values())
    spec["model"]["vocab"] |= {word: start + i for i, word in enumerate(words)}
    return tokenizers.Tokenizer.from_str(json.dumps(spec))
