"""Names are the field's terms: words that say something else here, or nothing, are defined nowhere."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(path for folder in ("zoo", "tests", "scripts") for path in (ROOT / folder).rglob("*.py"))
# demonstratives and participles in place of a noun
VAGUE = """
    place places found given kept whole told looks held one some there own rest wanted shown
"""
# private words where the field has a term
PRIVATE = """
    abilities abstain adaptable adaptation adapted admitted agreement aligned answerer arrange aside
    asking asks attend_to attentive author ban banned begun best_tags blank both_right bytes_width
    carried carry claims compile continuation crossing deviation draw drawing drawn endless
    entrances explained feeding first_bias first_place fitting forgotten fresh from_step gather
    go_on grow growing held_in hidden_tokens hits hollow hopeless in_order inspect judge kernel_of
    keys_of kinds largest leave_out likeness look looked looks_at low_rank marked masked_head
    memories memory memory_kept naming narrow need needs new_tokens no_repeat normalize_size nothing
    nowhere obey occurrences of_pattern of_texts of_these opening out_deviation owned owners pace
    paces packing packs pick pictures placed prompter published put_into rarest ratios reader_of
    reading refusal remember remembered remembers renewed round_weights rounded ruled rust samples
    schemes scissors scorer scribe served serving settle settled several shut spaced spans_of
    specials speculator spelled speller spelling spellings spent stretches strongest suit sure_of
    surprise surprises surroundings switch_off switch_on tag_all think through tidy together trunk
    tuner turn turned twin twins unscaled update_of variational varied visible watching whole_file
    whole_folder widen with_shape word_hashes word_numbers writing written
"""
OLD = set(VAGUE.split()) | set(PRIVATE.split())


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


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_old_words_are_not_names(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    old = {f"{path}:{line} {name}" for name, line in names_defined(tree) if name.lower().strip("_") in OLD}
    assert not old
