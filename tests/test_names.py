"""Names are the field's terms: words that say something else here, or nothing, are defined nowhere in the package."""

import ast
from pathlib import Path

import pytest

import zoo

PACKAGE = Path(zoo.__file__).parent
OLD = {
    # demonstratives and participles in place of a noun
    *(
        [
            "place",
            "places",
            "found",
            "given",
            "kept",
            "whole",
            "told",
            "looks",
            "held",
            "one",
            "some",
            "there",
            "own",
            "rest",
            "wanted",
            "shown",
        ]
    ),
    # a private word where the field has a term
    *(
        [
            "twin",
            "twins",
            "drawn",
            "draw",
            "drawing",
            "author",
            "scribe",
            "trunk",
            "visible",
            "memory",
            "memories",
            "remembers",
        ]
    ),
    *(
        [
            "obey",
            "ruled",
            "agreement",
            "rounded",
            "round_weights",
            "surroundings",
            "deviation",
            "out_deviation",
            "widen",
            "narrow",
        ]
    ),
    *(
        [
            "turn",
            "turned",
            "leave_out",
            "largest",
            "marked",
            "recall",
            "stretches",
            "spelled",
            "spellings",
            "speller",
            "go_on",
            "begun",
            "hopeless",
        ]
    ),
    *(
        [
            "settle",
            "forgotten",
            "abstain",
            "aside",
            "varied",
            "aligned",
            "asks",
            "needs",
            "suit",
            "served",
            "opening",
            "judge",
            "scorer",
            "hits",
        ]
    ),
    *(
        [
            "carried",
            "carry",
            "owners",
            "tidy",
            "owned",
            "paces",
            "scissors",
            "entrances",
            "settled",
            "growing",
            "grow",
            "surprise",
            "surprises",
        ]
    ),
    *(
        [
            "feeding",
            "shut",
            "blank",
            "rarest",
            "kinds",
            "several",
            "guesses",
            "hidden_tokens",
            "think",
            "attend_to",
            "sure_of",
            "adaptable",
        ]
    ),
    *(
        [
            "attentive",
            "low_rank",
            "unscaled",
            "in_order",
            "hollow",
            "fitting",
            "watching",
            "schemes",
            "abilities",
            "new_tokens",
            "no_repeat",
        ]
    ),
    *(
        [
            "tuner",
            "refusal",
            "explained",
            "naming",
            "whole_file",
            "whole_folder",
            "put_into",
            "together",
            "looked",
            "memory_kept",
        ]
    ),
}


def names_defined(tree):
    """Yield (name, line) of each function, class, argument, variable and attribute that a syntax tree defines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr, node.lineno


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_old_words_are_not_names(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    old = {f"{path}:{line} {name}" for name, line in names_defined(tree) if name.lower().strip("_") in OLD}
    assert not old
