"""How text is split into words and bytes, where tokenizers and their twins must agree."""

from tokenizers import pre_tokenizers

# Chinese and Japanese write no blanks between words, so their characters stand alone. A word is letters, digits and
# their marks, with apostrophes inside ("don't" is one word). Any other character that is not blank stands alone.
ALONE = r"\p{Han}\p{Hiragana}\p{Katakana}"
_LETTER = rf"[\w&&[^{ALONE}]]"
WORDS = rf"[{ALONE}]|{_LETTER}+(?:['’]{_LETTER}+)*|[^\s\w]"

SPACED = r"\S+"  # what stands between white space: text whose words are split already


def byte_spelling():
    """Return the 256 characters with which the library spells bytes, by byte.

    A byte is the character of that number where that is printable, else the next one from U+0100 on.
    """
    printable = set(pre_tokenizers.ByteLevel.alphabet())
    spare = iter(sorted(character for character in printable if ord(character) > 255))
    return [chr(byte) if chr(byte) in printable else next(spare) for byte in range(256)]
