"""Clean-up of decoded text as in transformers: no space before punctuation and English contractions."""

REPLACEMENTS = (  # `clean_up_tokenization` of transformers, in this order
    (" .", "."),
    (" ?", "?"),
    (" !", "!"),
    (" ,", ","),
    (" ' ", "'"),
    (" n't", "n't"),
    (" 'm", "'m"),
    (" 's", "'s"),
    (" 've", "'ve"),
    (" 're", "'re"),
)


def clean_up(text: str) -> str:
    """The text without the spaces before punctuation marks and English contractions."""
    for old, new in REPLACEMENTS:
        text = text.replace(old, new)
    return text
