"""Columns of instruction data as it is published: Alpaca, Dolly, prompt and completion, ShareGPT, preferences.

Alpaca: instruction, input, output. Dolly: instruction, context, response. TRL's prompt and completion, or prompt,
chosen and rejected (https://huggingface.co/docs/trl/dataset_formats), as texts or messages: the chosen one is learned.
ShareGPT: conversations. A column `system` is the system message of each.
"""

from collections.abc import Collection, Mapping
from typing import Any

from zoo.data.columns import JOIN, has_column
from zoo.data.messages import KEYS
from zoo.runtime.errors import RowError

Row = Mapping[str, Any]
INSTRUCTIONS = ("instruction", "prompt", "question", "query", "problem", "user", "human", "input")
INPUTS = ("input", "context")
OUTPUTS = ("output", "response", "completion", "answer", "reply", "solution", "assistant", "chosen")
CONVERSATIONS = ("messages", "conversations", "conversation", "dialog", "dialogue", "chat", "contents", "chosen")
SYSTEMS = ("system", "system_prompt", "system_message")
FIELDS = ("instruction", "input", "output", "messages")
PROMPTS = ("instruction", "input", "messages")  # of these an answer is generated


def reads_instructions(fields: Collection[str]) -> bool:
    """Whether fields of a record are those of instruction data alone."""
    return set(PROMPTS) <= set(fields) <= {*FIELDS, "id"}


def instruction_columns(names: Mapping[str, str], row: Row, mapped: Collection[str] = ()) -> dict[str, str]:
    """`names`, {field: column}, with the columns of a row that hold its instruction and answer, or its messages.

    Args:
        mapped: fields whose columns the user named.
    """
    names, mapped = dict(names), set(mapped)
    present = {field for field in FIELDS if field in names and has_column(row, names[field])}
    if not mapped & {"instruction", "output"}:
        conversations = (column for column in CONVERSATIONS if is_conversation(row.get(column)))
        column = names["messages"] if "messages" in present else next(conversations, "")
        if column:
            return _with_messages(names, column)
    by_name = {column.lower(): column for column in reversed(list(row))}
    taken = {names[field] for field in present if field != "input" or field in mapped}
    for field, columns in (("instruction", INSTRUCTIONS), ("output", OUTPUTS), ("input", INPUTS)):
        if field not in names or (field in present and (field in mapped or field != "input")):
            continue
        column = next((by_name[c] for c in columns if c in by_name and by_name[c] not in taken), "")
        names |= {field: column} if column else {}
        taken.add(column)
    if names["input"] == names["instruction"]:
        del names["input"]  # the only text is the instruction
    turns = [names[field] for field in ("instruction", "output") if field in names and names[field] in row]
    if len(turns) == 2 and is_conversation(row[turns[1]]):
        return _with_messages(names, turns[1])
    return _with_messages(names, JOIN.join(turns)) if any(_are_messages(row[column]) for column in turns) else names


def _with_messages(names, column):
    """`names` of a conversation in a column, or in joined ones, in place of an instruction and an answer."""
    return {field: name for field, name in names.items() if field not in FIELDS} | {"messages": column}


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


def check_instruction(row: Row, names: Mapping[str, str], location: str) -> None:
    """Raise RowError for a null as instruction, and for an answer that is marked as undesired, by `label`: false."""
    if "instruction" in names and row.get(names["instruction"], "") is None:
        received = f"{names['instruction']}=None (missing)"
        raise RowError(f"Expected an instruction at {location}. Received: {received}.", "a missing instruction")
    if row.get("label") is False and "output" in names and names["output"] in row:
        raise RowError(f"Expected a desired answer at {location}. Received: label=False.", "an undesired answer")


def describe_columns(names: Mapping[str, str], row: Row, known: Mapping[str, str], learns: bool) -> str:
    """Which columns of a row are read as what, for a message; "" where all have their own names or known ones.

    Args:
        known: {field: column} of the reader.
        learns: whether answers are learned: columns that are not read are then a reason for a message.
    """
    read = {field: names[field] for field in FIELDS if field in names and has_column(row, names[field])}
    system = next((name for name in SYSTEMS if isinstance(row.get(name), str)), "")
    read |= {"system": system} if system else {}
    columns = [part for column in read.values() for part in column.split(JOIN)]
    unread = [column for column in row if column not in columns]
    if not read:
        return ""
    dropped = learns and not known and (unread or _unread_keys(row, names))
    if not dropped and all(column in (field, known.get(field)) for field, column in read.items()):
        return ""
    mapping = ", ".join(f"{field} from {column}" for field, column in read.items())
    preferences = " Only chosen answers are learned." if "rejected" in unread else ""
    others = f"; not read: {', '.join(unread)}" if unread else ""
    keys = _unread_keys(row, names)
    others += f"; of messages not read: {', '.join(keys)}" if keys else ""
    return f"{mapping}{others}.{preferences}"


def _unread_keys(row, names):
    """The keys of messages of a row that are not read, in the order of their names."""
    lists = (row.get(column) for column in names.get("messages", "").split(JOIN))
    messages = (message for value in lists if isinstance(value, list) for message in value)
    return sorted({str(key) for message in messages if isinstance(message, dict) for key in message if key not in KEYS})


def is_conversation(value: Any) -> bool:
    """Whether a cell holds a conversation with its prompt: messages, JSON of them, or a transcript."""
    if isinstance(value, str):
        return value.lstrip().startswith(("Human:", '[{"'))
    return _are_messages(value) and value[0].get("role") != "assistant"


def _are_messages(value):
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
