"""Instruction data as it is published: its columns are found and said, and nothing is learned with a column dropped."""

import json

import pytest

from zoo.data.opening import open_dataset
from zoo.objectives.follow_instructions import FollowInstructions

FIELDS = FollowInstructions.fields
USER, ANSWER = {"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Ho."}
SYSTEM = {"role": "system", "content": "Be kind."}
TALK = [USER, ANSWER]
HUMAN, GPT = {"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Ho."}


def records(path, *rows, columns=None, **options):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    check = FollowInstructions().check_record
    options = {"split_strategy": "", "optional": FIELDS.optional, "check": check, **options}
    return list(open_dataset(path, columns, **options).records("train"))


@pytest.mark.parametrize(
    ("row", "record", "message"),
    [
        ({"instruction": "a", "input": "b", "output": "c"}, {"instruction": "a", "input": "b", "output": "c"}, ""),
        ({"instruction": "a", "output": "c"}, {"instruction": "a", "output": "c"}, ""),
        (
            {"instruction": "a", "context": "b", "response": "c", "category": "d"},
            {"instruction": "a", "input": "b", "output": "c"},
            "instruction from instruction, input from context, output from response; not read: category.",
        ),
        (
            {"prompt": "a", "completion": "c"},
            {"instruction": "a", "output": "c"},
            "instruction from prompt, output from completion.",
        ),
        (
            {"prompt": [USER], "completion": [ANSWER]},
            {"messages": TALK},
            "messages from prompt+completion.",
        ),
        (
            {"prompt": [SYSTEM, USER], "completion": "Ho."},
            {"messages": [SYSTEM, *TALK]},
            "messages from prompt+completion.",
        ),
        ({"question": "a", "answer": "c", "id": 3}, {"instruction": "a", "output": "c"}, "answer; not read: id."),
        (
            {"input": "a", "output": "c"},
            {"instruction": "a", "output": "c"},
            "instruction from input, output from output.",
        ),
        (
            {"system_prompt": "Be kind.", "question": "Hi?", "response": "Ho."},
            {"messages": [SYSTEM, *TALK]},
            "instruction from question, output from response, system from system_prompt.",
        ),
        (
            {"system_prompt": "", "question": "a", "response": "c"},
            {"instruction": "a", "output": "c"},
            "system_prompt.",
        ),
        ({"messages": TALK}, {"messages": TALK}, ""),
        ({"messages": TALK, "tools": []}, {"messages": TALK}, "messages from messages; not read: tools."),
        ({"id": "x", "conversations": [HUMAN, GPT]}, {"messages": TALK}, "messages from conversations; not read: id."),
        ({"system": "Be kind.", "conversations": [HUMAN, GPT]}, {"messages": [SYSTEM, *TALK]}, "system from system."),
        ({"conversations": [{"from": "system", "value": "Be kind."}, HUMAN, GPT]}, {"messages": [SYSTEM, *TALK]}, "."),
        ({"messages": json.dumps(TALK)}, {"messages": TALK}, ""),
        (
            {"contents": [{"role": "user", "parts": [{"text": "Hi?"}]}, {"role": "model", "parts": [{"text": "Ho."}]}]},
            {"messages": TALK},
            "contents.",
        ),
        (
            {"prompt": "a", "chosen": "c", "rejected": "d"},
            {"instruction": "a", "output": "c"},
            "instruction from prompt, output from chosen; not read: rejected. Only chosen answers are learned.",
        ),
        (
            {"prompt": "Hi?", "chosen": TALK, "rejected": []},
            {"messages": TALK},
            "messages from chosen; not read: prompt, rejec",
        ),
        (
            {"prompt": [USER], "chosen": [ANSWER], "rejected": []},
            {"messages": TALK},
            "messages from prompt+chosen; not read: re",
        ),
        (
            {"chosen": "\n\nHuman: Hi?\n\nAssistant: Ho.", "rejected": "\n\nHuman: Hi?\n\nAssistant: No."},
            {"messages": TALK},
            "messages from chosen; not read: rejected. Only",
        ),
        ({"Instruction": "a", "Response": "c"}, {"instruction": "a", "output": "c"}, "output from Response."),
        ({"user": "a", "assistant": "c"}, {"instruction": "a", "output": "c"}, "from user, output from assistant."),
        ({"messages": [{**USER, "name": "Ann"}, ANSWER]}, {"messages": TALK}, "; of messages not read: name."),
        ({"prompt": "a", "completion": "c", "label": True}, {"instruction": "a", "output": "c"}, "not read: label."),
    ],
)
def test_shapes(tmp_path, capsys, row, record, message):
    path = tmp_path / "train.jsonl"
    assert records(path, row) == [record]
    printed = capsys.readouterr().err
    assert (f"Read {path} with" in printed) == bool(message)
    assert message in printed


def test_columns_of_the_user_go_first_and_none_is_dropped(tmp_path, capsys):
    row = {"instruction": "a", "context": "b", "response": "c", "answer": "d"}
    path = tmp_path / "train.jsonl"
    assert records(path, row, columns={"output": "answer"}) == [{"instruction": "a", "input": "b", "output": "d"}]
    assert "input from context, output from answer; not read: response." in capsys.readouterr().err
    row = {"messages": TALK, "prompt": "a", "completion": "b"}
    assert records(path, row, columns={"instruction": "prompt", "output": "completion"})[0]["output"] == "b"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"text": "### Human: a ### Assistant: b"}, "Expected instruction and output, or messages.*Its columns: text."),
        ({"instruction": "a", "label": "b"}, "Received: instruction.*Its columns: instruction, label."),
        ({"instruction": None, "output": "b"}, r"Expected an instruction .*instruction=None \(missing\)"),
        ({"instruction": "a", "output": None}, "Expected an answer at"),
        ({"prompt": "a", "completion": "b", "label": False}, "Expected a desired answer .*label=False"),
        (
            {"messages": [USER, {"role": "tool", "content": "x"}, ANSWER]},
            "message 2. Received: role='tool': calls of tools",
        ),
        ({"messages": [USER, {"role": "function", "name": "f", "content": "x"}]}, "calls of tools, which are not read"),
        ({"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [{}]}]}, "message 2.*calls of tools"),
        ({"messages": [USER, {"role": "assistant", "function_call": {"name": "f"}}]}, "message 2.*calls of tools"),
        ({"conversations": [HUMAN, {"from": "observation", "value": "x"}]}, "role='observation': calls of tools"),
        ({"messages": [USER, {**ANSWER, "weight": 0.5}]}, "Expected a weight of 0 or 1 .*weight=0.5"),
        ({"messages": [USER, {**ANSWER, "weight": 0}]}, "Expected an answer at .*or of weight 0"),
        ({"messages": [USER, {"role": "asistant", "content": "x"}]}, "Did you mean 'assistant'"),
        ({"messages": "no list"}, "Expected a list of messages at"),
        (
            {"messages": [USER, {"role": "assistant", "content": None}]},
            "Expected a text at .*message 2. Received: content",
        ),
    ],
)
def test_refused(tmp_path, row, message):
    with pytest.raises(ValueError, match=message) as caught:
        records(tmp_path / "train.jsonl", row)
    assert "train.jsonl:1" in str(caught.value)
    assert records(tmp_path / "train.jsonl", row, {"messages": TALK}, skip_invalid=True) == [{"messages": TALK}]


def test_a_csv_of_dolly(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text("instruction,context,response\na,b,c\n")
    options = {"split_strategy": "", "optional": FIELDS.optional}
    assert list(open_dataset(path, **options).records("train")) == [{"instruction": "a", "input": "b", "output": "c"}]


@pytest.mark.parametrize("row", [{"prompt": "Hi?"}, {"conversations": [HUMAN]}, {"instruction": "Hi?", "output": None}])
def test_instructions_to_answer(tmp_path, row):
    path = tmp_path / "new.jsonl"
    path.write_text(json.dumps(row))
    (record,) = open_dataset(path, required=FIELDS.inputs, split_strategy="").records("train")
    assert record.get("instruction") == "Hi?" or record["messages"] == [USER]
