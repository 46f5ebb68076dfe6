"""From a file's own columns to the standard fields of a record, each in its one form."""

from zoo.runtime.errors import UserError, did_you_mean, nearest, shorten

STRINGS = (
    "text",
    "text_pair",
    "ending",
    "label",
    "context",
    "question",
    "source",
    "target",
    "instruction",
    "input",
    "output",
    "id",
)
LISTS = ("labels", "tokens", "tags")
FIELDS = (*STRINGS, *LISTS, "answers", "messages")
LABEL_SEPARATOR = ";"  # between the labels of one text, in formats whose cells are strings
ROLES = ("system", "user", "assistant")  # who speaks in `messages`

# What columns mean in well-known data, where all of a line's columns are there: samsum, xsum, cnn_dailymail, gsm8k.
KNOWN_COLUMNS = (
    {"source": "dialogue", "target": "summary"},
    {"source": "document", "target": "summary"},
    {"source": "article", "target": "highlights"},
    {"source": "question", "target": "answer", "instruction": "question", "output": "answer"},
)


def check_columns(columns):
    """Raises UserError for a key of `columns` that is not a standard field."""
    for field in columns:
        if field not in FIELDS:
            hint = did_you_mean(field, FIELDS)
            known = ", ".join(FIELDS)
            raise UserError(f"Expected a standard field in columns. Received: {field!r}.{hint} Known: {known}.")


def columns_of(columns, defaults):
    """{field: the column it is read from}: the user's `columns` before the reader's `defaults` before the same name."""
    return {field: field for field in FIELDS} | dict(defaults) | dict(columns)


def known_columns(names, row):
    """`names`, where those of `KNOWN_COLUMNS` that `row` has stand in for fields that it lacks."""
    shape = next((shape for shape in KNOWN_COLUMNS if all(column in row for column in shape.values())), {})
    return names | {field: column for field, column in shape.items() if names[field] not in row}


def to_record(row, place, names, columns=(), required=()):
    """The record of one row, by `names` of `columns_of`.

    Raises UserError, with the place, where one of the user's `columns` or of the fields in `required` is not there, or a
    value has not the form of its field.
    """
    for field in columns:
        if names[field] not in row:
            column = names[field]
            raise UserError(f"Expected a column {column!r} at {place}. {_columns_there(column, row)}")
    names = known_columns(names, row)
    record = {field: _form(field, row[column], place) for field, column in names.items() if column in row}
    _check(record, row, place, required)
    return record


def _check(record, row, place, required):
    for field in required:
        if field not in record:
            there = _columns_there(field, row)
            mapping = f"--columns {field}={nearest(field, row) or 'NAME'}"
            raise UserError(f"Expected a column {field!r} at {place}. {there} Map it by {mapping}.")
    if record.get("label") == "" and (not required or "label" in required):
        raise UserError(f"Expected a label at {place}. Received: label=''.")
    tokens, tags = record.get("tokens"), record.get("tags")
    if tokens is not None and tags is not None and len(tokens) != len(tags):
        raise UserError(f"Expected one tag per token at {place}. Received: {len(tokens)} tokens, {len(tags)} tags.")


def _columns_there(name, row):
    near = nearest(name, row)
    hint = f" The nearest is {near!r}." if near else ""
    return f"Received: columns={list(row)}.{hint}"


def _form(field, value, place):
    if field in STRINGS:
        return _string(field, value, place)
    if field in LISTS:
        return _strings(field, value, place)
    return _answers(value, place) if field == "answers" else _messages(value, place)


def _string(field, value, place):
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return " ".join(value)
    raise UserError(f"Expected a string or a list of tokens at {place}. Received: {field}={shorten(value)}.")


def _strings(field, value, place):
    if isinstance(value, str) and field == "labels":
        return [label.strip() for label in value.split(LABEL_SEPARATOR) if label.strip()]
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return [str(item) for item in value]
    raise UserError(f"Expected a list of strings at {place}. Received: {field}={shorten(value)}.")


def _answers(value, place):
    """Answers come as [{"text", "start"}], as SQuAD's [{"text", "answer_start"}], or as one dict of two lists."""
    try:
        if isinstance(value, dict):
            starts = value["start"] if "start" in value else value["answer_start"]
            value = [{"text": text, "start": start} for text, start in zip(value["text"], starts, strict=True)]
        return [_answer(**answer) for answer in value]
    except (TypeError, KeyError, ValueError) as error:
        raise UserError(
            f'Expected answers as [{{"text": ..., "start": ...}}] at {place}. Received: answers={shorten(value)}.'
        ) from error


def _answer(text, start=None, answer_start=None, **_):
    if not isinstance(text, str):
        raise TypeError(text)
    return {"text": text, "start": int(answer_start if start is None else start)}


def _messages(value, place):
    """A conversation: [{"role": "system", "user" or "assistant", "content": a text}], in the order of speaking."""
    if not isinstance(value, list) or not value:
        raise UserError(f"Expected a list of messages at {place}. Received: messages={shorten(value)}.")
    return [_message(message, f"{place}, message {number}") for number, message in enumerate(value, start=1)]


def _message(message, place):
    if not isinstance(message, dict) or not {"role", "content"} <= message.keys():
        raise UserError(f'Expected {{"role": ..., "content": ...}} at {place}. Received: {shorten(message)}.')
    role, content = message["role"], message["content"]
    if role not in ROLES:
        hint = did_you_mean(role, ROLES)
        raise UserError(f"Expected a role among {', '.join(ROLES)} at {place}. Received: role={shorten(role)}.{hint}")
    if not isinstance(content, str):
        raise UserError(f"Expected a text at {place}. Received: content={shorten(content)}.")
    return {"role": role, "content": content}
