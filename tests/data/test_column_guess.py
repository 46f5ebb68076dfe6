"""Column guessing: texts, labels and tags of tables by the names and the content of their columns; then the recipe."""

import pytest

from zoo.data.column_guess import guess_columns
from zoo.recipes._guess import guess_recipe

TICKETS = [
    {
        "id": str(i),
        "subject": "Hi",
        "body": f"My parcel number {i} is late",
        "category": "ab"[i % 2],
        "priority": "xy"[i % 2],
    }
    for i in range(20)
]
NAMELESS = [{"c0": "ab"[i % 2], "c1": f"some long text number {i}"} for i in range(20)]


@pytest.mark.parametrize(
    ("rows", "fields", "columns"),
    [
        (TICKETS, ("text", "label"), {"text": "body", "label": "category"}),
        (NAMELESS, ("text", "label"), {"text": "c1", "label": "c0"}),
        ([{"text": "a b", "label": "x"}], ("text", "label"), {}),
        ([{"Review": "a good film", "Sentiment": "pos"}], ("text", "label"), {"text": "Review", "label": "Sentiment"}),
        (
            [{"premise": "a b", "hypothesis": "c d", "label": "1"}],
            ("text", "label"),
            {"text": "premise", "text_pair": "hypothesis"},
        ),
        ([{"words": ["a", "b"], "ner_tags": ["O", "O"]}], ("tokens", "tags"), {"tokens": "words", "tags": "ner_tags"}),
    ],
)
def test_columns_are_guessed_by_name_then_by_content(rows, fields, columns):
    assert guess_columns(rows, fields, {}) == columns


@pytest.mark.parametrize("column", ["ticket.body", "ticket.subject+ticket.body"])
def test_nested_and_joined_columns_of_the_user_are_known(column):
    rows = [{"ticket": {"subject": "Hi", "body": f"text {i}"}, "label": "ab"[i % 2]} for i in range(4)]
    assert guess_columns(rows, ("text", "label"), {"text": column}) == {}
    assert guess_recipe(rows, {"text": column}) == "classify_text"


def test_lists_of_labels_as_text_are_several_labels():
    rows = [{"text": f"text {i}", "emotion": ["['joy']", "['joy', 'fear']"][i % 2]} for i in range(20)]
    assert guess_columns(rows, ("text", "labels"), {}) == {"labels": "emotion"}
    rows = [{"text": f"text {i}", "labels": f"{i % 5},{i % 3}"} for i in range(20)]
    assert guess_columns(rows, ("text", "labels"), {}) == {}


def test_spans_of_characters_stand_for_tokens_and_tags():
    rows = [{"text": "a b", "spans": [{"start": 0, "end": 1, "label": "x"}]}]
    assert guess_columns(rows, ("tokens", "tags"), {}) == {}


def test_several_columns_that_fit_are_named():
    rows = [{"text": f"text {i}", "c1": "ab"[i % 2], "c2": "xy"[i % 2]} for i in range(20)]
    with pytest.raises(ValueError, match="'c1', 'c2': which is it. Name it: --columns label=c1"):
        guess_columns(rows, ("text", "label"), {})


def test_a_table_without_the_column():
    with pytest.raises(ValueError, match=r"Expected a column for 'tags'. Received: columns=\['text'\]"):
        guess_columns([{"text": "a"}], ("tags",), {})


@pytest.mark.parametrize(
    ("row", "recipe"),
    [
        ({"text": "a b", "label": "x"}, "classify_text"),
        ({"text": "a b", "labels": ["x", "y"]}, "classify_text"),
        ({"sentence1": "a b", "sentence2": "c", "label": "1"}, "classify_text"),
        ({"sentence1": "a b", "sentence2": "c", "score": "1.5"}, "score_pair"),
        ({"text": "a b", "text_pair": "c d"}, "embed_text"),
        ({"tokens": ["a"], "tags": ["O"], "intent": "x"}, "tag_tokens"),
        ({"context": "a b", "question": "c", "answers": [{"text": "a", "start": 0}]}, "find_span"),
        ({"id": "1", "text": "a b", "spans": [{"start": 0, "end": 1, "label": "x"}]}, "tag_tokens"),
        ({"source": "a", "target": "b"}, "translate"),
        ({"messages": [{"role": "user", "content": "a"}]}, "follow_instructions"),
        ({"instruction": "a", "input": "", "output": "b"}, "follow_instructions"),
        ({"conversations": [{"from": "human", "value": "a"}]}, "follow_instructions"),
        ({"messages": '[{"role": "user", "content": "a"}]'}, "follow_instructions"),
        ({"prompt": "a b", "chosen": "c d", "rejected": "e f"}, "follow_instructions"),
        ({"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: a"}, "follow_instructions"),
        ({"text": "a b", "label": "['x', 'y']"}, "classify_text"),
        ({"text": "a b", "labels": '["x", "y"]'}, "classify_text"),
        ({"text": "running text"}, "next_token"),
    ],
)
def test_the_recipe_suits_the_columns(row, recipe):
    assert guess_recipe([row, row], {}) == recipe


def test_a_spreadsheet_of_tickets_is_classified():
    assert guess_recipe(TICKETS, {}) == "classify_text"
    assert guess_recipe(NAMELESS, {}) == "classify_text"


def test_rows_that_lack_a_column_or_hold_a_huge_number():
    rows = [{"remark": "where is it", "kind": 10**400}, {"kind": 2}, {"remark": "I want a refund", "kind": 10**400}]
    assert guess_columns(rows, ("text", "label"), {}) == {"text": "remark", "label": "kind"}
