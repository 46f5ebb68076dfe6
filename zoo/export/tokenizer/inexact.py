"""Error for a tokenizer whose ids could differ inside a graph."""


class InexactError(Exception):
    """Why ids could differ; `from_tokenizer.reader_for` turns it into a `UserError`."""


def require(condition: bool, reason: str) -> None:
    """Raise `InexactError` unless a condition holds."""
    if not condition:
        raise InexactError(reason)
