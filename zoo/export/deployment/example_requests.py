"""Example requests of a model: texts of real records of its own data, of different lengths.

They warm up a server, and are the examples of the clients.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from zoo.data.chat_template import messages_of
from zoo.data.dataset import Dataset
from zoo.data.opening import open_dataset
from zoo.data.sentences import split_sentences
from zoo.objectives import Objective
from zoo.objectives._answers import EXAMPLES
from zoo.objectives._objective import Generates
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.console import console
from zoo.runtime.errors import user_message
from zoo.runtime.files import write_text

FILE = "requests.json"
RECORDS = 200  # that requests are chosen from
REQUESTS = 4  # chosen, from the shortest to the longest
MAX_CHARACTERS = 2_000  # of a text; a record of running text may be a whole book
MAX_PROMPT = 80  # characters of a text that is continued

Request = dict[str, str]  # {name of an input of the signature: text}


def example_requests(pipeline: Pipeline) -> list[Request]:
    """Requests of different lengths from the test split of a model's data, else from its last split.

    Where the data cannot be read any more, one request with the texts of the example command, which is printed.
    """
    try:
        requests = [request_of(pipeline.objective, record) for record in islice(_records(pipeline), RECORDS)]
    except Exception as error:
        if (reason := user_message(error)) is None and not isinstance(error, ImportError | OSError):
            raise
        console.print(f"The example requests are no real records: the data cannot be read ({reason or error}).")
        requests = []
    full = [request for request in requests if all(text.strip() for text in request.values())]
    return of_different_lengths(full) or [_example(pipeline.objective)]


def save_requests(requests: Sequence[Request], model_folder: Path) -> None:
    """Write requests into a folder, for the process that exports the model in it."""
    write_text(model_folder / FILE, json.dumps(requests))


def load_requests(model_folder: Path) -> list[Request]:
    """The requests that `save_requests` wrote; [] where it wrote none."""
    path = model_folder / FILE
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []


def signature_inputs(objective: Objective) -> tuple[str, ...]:
    """Names of the string inputs of `serving_default`."""
    return ("text",) if isinstance(objective, Generates) else objective.fields.inputs


def request_of(objective: Objective, record: dict[str, Any]) -> Request:
    """The texts of a record by the names of the signature's inputs."""
    if isinstance(objective, Generates):
        return {"text": _prompt(objective, record)}
    record = _with_pair(record) if "text_pair" in objective.fields.inputs else record
    texts = {name: _text(record, name)[:MAX_CHARACTERS] for name in objective.fields.inputs}
    if objective.fields.contains:
        limit = min(MAX_PROMPT, objective.length // 2)  # fits in bytes too: a mask beyond the length is an error
        texts = {name: _beginning(text, limit) for name, text in texts.items()}
        texts = {name: _with_mask(text, objective.fields.contains[0]) for name, text in texts.items()}
    return texts


def of_different_lengths(requests: Sequence[Request], count: int = REQUESTS) -> list[Request]:
    """At most `count` requests: the shortest, the longest, and others evenly between them by rank."""
    by_length = sorted(requests, key=lambda request: sum(map(len, request.values())))
    last = len(by_length) - 1
    ranks = dict.fromkeys(round(last * i / (count - 1)) for i in range(count)) if by_length else ()
    return [by_length[rank] for rank in ranks]


def _records(pipeline: Pipeline) -> Iterable[dict[str, Any]]:
    source, fields = pipeline.preset.data, pipeline.objective.fields
    dataset: Dataset = open_dataset(
        source.spec,
        source.columns,
        seed=source.seed,
        errors="replace",
        required=fields.required,
        split_strategy=pipeline.objective.split_strategy,
        optional=fields.optional,
        skip_invalid=source.skip_invalid,
    )
    return dataset.records("test" if "test" in dataset.splits else dataset.splits[-1])


def _text(record, name):
    """The text of a field; of a tagged record its words, joined."""
    text = record.get(name, record.get("tokens", "") if name == "text" else "")
    return text if isinstance(text, str) else " ".join(text)


def _with_pair(record):
    """A record of a document, without `text_pair`, as its first two sentences."""
    if "text_pair" in record:
        return record
    first, second = [*split_sentences(record["text"]), "", ""][:2]
    return record | {"text": first, "text_pair": second}


def _prompt(objective, record):
    """The text that generation starts from: a source, the first message of a user, or the beginning of a text."""
    if "instruction" in objective.fields.inputs:
        questions = (message["content"] for message in messages_of(record) if message["role"] == "user")
        return next(questions, "")[:MAX_CHARACTERS]
    if "text" not in objective.fields.inputs:
        return _text(record, objective.fields.inputs[0])[:MAX_CHARACTERS]
    return _beginning(_text(record, "text"), MAX_PROMPT)


def _beginning(text, limit):
    """The first words of a text, of at most `limit` characters."""
    text = text.strip()
    return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0]


def _with_mask(text, mask):
    """The text with a mask in place of its middle word."""
    words = text.split()
    return " ".join([*words[: len(words) // 2], mask, *words[len(words) // 2 + 1 :]])


def _example(objective):
    texts = {name: EXAMPLES.get(name, f"some {name}") for name in signature_inputs(objective)}
    if not objective.fields.contains:
        return texts
    return {name: _with_mask(text, objective.fields.contains[0]) for name, text in texts.items()}
