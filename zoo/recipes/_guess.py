"""Guess the recipe for a table from its columns: texts with labels, tokens with tags, questions with contexts."""

from collections.abc import Mapping, Sequence

from zoo.data.column_guess import Row, guess_columns, guess_fields, is_scale
from zoo.runtime.errors import UserError

RECIPES = {  # fields that rows have by name -> recipe; the first that fits is taken
    ("messages",): "follow_instructions",
    ("instruction", "output"): "follow_instructions",
    ("context", "question", "answers"): "find_span",
    ("tokens", "tags"): "tag_tokens",
    ("text", "spans"): "tag_tokens",
    ("source", "target"): "translate",
    ("text", "text_pair", "label"): "classify_text",
    ("text", "label"): "classify_text",
    ("text", "labels"): "classify_text",
    ("text", "text_pair"): "embed_text",
}


def guess_recipe(rows: Sequence[Row], names: Mapping[str, str]) -> str:
    """The name of the recipe that the columns of a table suit.

    Args:
        rows: the first rows of the table.
        names: {field: column} of the reader.
    """
    for exact in (True, False):
        fields = guess_fields(rows, names, exact)
        for needed, recipe in RECIPES.items():
            if fields.issuperset(needed):
                return _of_pairs(rows, names) if "text_pair" in needed and "label" in needed else recipe
    try:
        guess_columns(rows, ("text", "label"), names)
    except UserError:
        return "next_token"
    return "classify_text"


def _of_pairs(rows, names):
    """Pairs with labels on a scale are scored, other pairs are classified."""
    guessed = guess_columns(rows, ("text", "text_pair", "label"), names)
    column = guessed.get("label") or names.get("label", "label")
    return "score_pair" if is_scale(rows, column) else "classify_text"
