"""Columns of instruction data as it is published: Alpaca, Dolly, prompt and completion, ShareGPT, preferences.

Alpaca: instruction, input, output. Dolly: instruction, context, response. TRL's prompt and completion, or prompt, chosen
and rejected (https://huggingface.co/docs/trl/dataset_formats), as texts or as messages: the chosen answer is learned.
ShareGPT: conversations. A column `system` is the system message of each.
"""

from collections.abc import Collection, Mapping
from typing import Any

from zoo.data.columns import JOIN, has_column
from zoo.runtime.errors import RowError

Row = Mapping[str, Any]
INSTRUCTIONS = ("instruction", "prompt", "question", "query", "problem", "input")
INPUTS = ("input", "context")
OUTPUTS = ("output", "response", "completion", "answer", "reply", "solution", "chosen")
CONVERSATIONS = ("messages", "conversations", "conversation", "dialog", "dialogue", "chat", "chosen")
SYSTEMS = ("system", "system_prompt", "system_message")
FIELDS = ("instruction", "input", "output", "messages")


def reads_instructions(fields: Collection[str]) -> bool:
    """Whether fields of a record are those of instruction data alone."""
    return set(FIELDS) <= set(fields) <= {*FIELDS, "id"}


def instruction_columns(names: Mapping[str, str], row: Row, mapped: Collection[str] = ()) -> dict[str, str]:
    """`names`, {field: column}, with the columns of a row that hold its instruction and answer, or its messages.

    Args:
        mapped: fields whose columns the user named.
    """
    names, mapped = dict(names), set(mapped)
    present = {field for field in FIELDS if has_column(row, names[field])}
    if "messages" in present and not mapped & {"instruction", "output"}:
        return names
    conversation = next((column for column in CONVERSATIONS if _is_conversation(row.get(column), column)), "")
    if conversation and not mapped & {"instruction", "output"}:
        return names | {"messages": conversation}
    taken = {names[field] for field in present}
    for field, columns in (("instruction", INSTRUCTIONS), ("output", OUTPUTS), ("input", INPUTS)):
        if field not in present and (column := next((c for c in columns if c in row and c not in taken), "")):
            names[field] = column
            taken.add(column)
    if any(_are_messages(row.get(names[field])) for field in ("instruction", "output")):
        names["messages"] = JOIN.join(column for f in ("instruction", "output") if (column := names[f]) in row)
    return names


def with_system(record: dict[str, Any], row: Row) -> dict[str, Any]:
    """The record as messages that begin with the system message of its row, where the row has one."""
    from zoo.data.chat_template import messages_of  # imports Jinja, which other data needs not

    system = next((row[name] for name in SYSTEMS if isinstance(row.get(name), str) and row[name].strip()), "")
    if not system or not ("messages" in record or "instruction" in record):
        return record
    messages = messages_of(record)
    if messages[0]["role"] == "system":
        return record
    others = {field: value for field, value in record.items() if field not in FIELDS}
    return others | {"messages": [{"role": "system", "content": system}, *messages]}


def check_desired(row: Row, names: Mapping[str, str], location: str) -> None:
    """Raise RowError for an answer that the data marks as undesired, by `label`: false beside prompt and completion."""
    if row.get("label") is False and names["output"] in row:
        raise RowError(f"Expected a desired answer at {location}. Received: label=False.", "an undesired answer")


def describe_columns(names: Mapping[str, str], row: Row) -> str:
    """Which columns of a row are read as what, and which are not read, for a message; "" for all by their own names."""
    fields = ("messages",) if has_column(row, names["messages"]) else FIELDS[:3]
    read = {field: names[field] for field in fields if has_column(row, names[field])}
    system = next((name for name in SYSTEMS if isinstance(row.get(name), str)), "")
    read |= {"system": system} if system else {}
    columns = [part for column in read.values() for part in column.split(JOIN)]
    unread = [column for column in row if column not in columns]
    if not unread and all(field == column for field, column in read.items()):
        return ""
    mapping = ", ".join(f"{field} from {column}" for field, column in read.items())
    preferences = " Only chosen answers are learned." if "rejected" in unread else ""
    rest = f"; not read: {', '.join(unread)}" if unread else ""
    return f"{mapping}{rest}.{preferences}"


def _is_conversation(value, column):
    """Whether a cell holds a conversation with its prompt."""
    if column == "chosen" and isinstance(value, str):
        return value.lstrip().startswith("Human:")
    return _are_messages(value) and (column != "chosen" or value[0].get("role") != "assistant")


def _are_messages(value):
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
