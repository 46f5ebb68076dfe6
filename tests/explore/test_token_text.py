"""The readable text of tokens: special tokens by name, spaces as in the text, and parts of characters as bytes."""

from zoo.explore.token_text import later_texts, tokens_of
from zoo.tokenizers.bytes import Bytes


def test_tokens_of_bytes_are_characters_or_hexadecimal():
    tokenizer = Bytes().train()
    ids = tokenizer.encode("a ä").ids
    tokens = tokens_of(tokenizer, ids)
    assert [token.text for token in tokens if not token.special] == ["a", " ", "\\xc3", "\\xa4"]
    assert [token.text for token in tokens if token.special] == ["[CLS]", "[SEP]"]
    assert later_texts(tokenizer, ids) == [token.text for token in tokens]
