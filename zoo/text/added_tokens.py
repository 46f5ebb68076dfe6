"""New tokens for a tokenizer that is there already."""

import json

import tokenizers
from tokenizers import AddedToken

WORDS = ("WordPiece", "WordLevel")  # models that look whole words up


def with_tokens(rust, added):
    """A copy of a `tokenizers.Tokenizer` with new tokens, whose ids follow after all others.

    Where whole words are looked up, as BERT's tokenizer does, a new token is one more word, as normalised as all are.
    Elsewhere it is found, where it stands as a word of its own, before anything else is done to a text.

    Raises ValueError for a token that is there already, is empty, or there is read as several words.
    """
    kind = json.loads(rust.to_str())["model"]["type"]
    tokens = [_as_word(rust, token) if kind in WORDS else token for token in added]
    known = set(rust.get_vocab())
    for i, token in enumerate(tokens):
        if not token.strip() or token in known or token in tokens[:i]:
            raise ValueError(f"Expected new tokens to add. Received: {added[i]!r}, which is empty or known already.")
    if kind in WORDS:
        return _with_words(rust, tokens)
    copy = tokenizers.Tokenizer.from_str(rust.to_str())
    copy.add_tokens([AddedToken(token, single_word=True, normalized=False) for token in tokens])
    return copy


def _as_word(rust, token):
    """A token as the model of the tokenizer is given it."""
    normal = rust.normalizer.normalize_str(token) if rust.normalizer else token
    words = [word for word, _ in rust.pre_tokenizer.pre_tokenize_str(normal)] if rust.pre_tokenizer else [normal]
    if len(words) > 1:
        raise ValueError(f"Expected one word to add. Received: {token!r}, which is read as {' and '.join(words)}.")
    return "".join(words)


def _with_words(rust, words):
    spec = json.loads(rust.to_str())
    first = 1 + max(rust.get_vocab().values())
    spec["model"]["vocab"] |= {word: first + i for i, word in enumerate(words)}
    return tokenizers.Tokenizer.from_str(json.dumps(spec))
