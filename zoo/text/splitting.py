"""Pre-tokenization: how text is split into words and bytes, in tokenizers and in the graph of an export alike."""

from tokenizers import pre_tokenizers

# Chinese and Japanese have no spaces between words, so each of their characters is a word. Other words are runs of
# letters, digits and their marks, with apostrophes inside ("don't" is one word), or single characters, as punctuation.
CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
_LETTER = rf"[\w&&[^{CJK}]]"
WORDS = rf"[{CJK}]|{_LETTER}+(?:['’]{_LETTER}+)*|[^\s\w]"

WHITESPACE_WORDS = r"\S+"  # for text that is split into words already


def bytes_to_unicode() -> list[str]:
    """The character of each of the 256 bytes in byte-level vocabularies such as GPT-2's, in the order of bytes.

    A byte is the character with that code point if printable, else the next unused character from U+0100 on.
    """
    printable = set(pre_tokenizers.ByteLevel.alphabet())
    spare = iter(sorted(character for character in printable if ord(character) > 255))
    return [chr(byte) if chr(byte) in printable else next(spare) for byte in range(256)]
