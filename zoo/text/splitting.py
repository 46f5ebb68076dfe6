"""Pre-tokenization: how text is split into words and bytes, in tokenizers and in the graph of an export alike."""

from tokenizers import pre_tokenizers

# Chinese and Japanese write no blanks between words, so their characters are words by themselves. Other words are
# letters, digits and their marks, with apostrophes inside ("don't" is one word), or single characters of other kinds.
CJK = r"\p{Han}\p{Hiragana}\p{Katakana}"
_LETTER = rf"[\w&&[^{CJK}]]"
WORDS = rf"[{CJK}]|{_LETTER}+(?:['’]{_LETTER}+)*|[^\s\w]"

WHITESPACE_WORDS = r"\S+"  # for text that is split into words already


def bytes_to_unicode() -> list[str]:
    """The 256 characters that stand for bytes in byte-level vocabularies such as GPT-2's, by byte.

    A byte is the character of its number where that is printable, else the next character from U+0100 on.
    """
    printable = set(pre_tokenizers.ByteLevel.alphabet())
    spare = iter(sorted(character for character in printable if ord(character) > 255))
    return [chr(byte) if chr(byte) in printable else next(spare) for byte in range(256)]
