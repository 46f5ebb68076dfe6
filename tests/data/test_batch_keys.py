"""The keys that travel in a batch are those of the table in the docstring of `zoo.data`."""

import json
import re

import numpy as np
import pytest
from tiny import compatible, shrink

import zoo.data
from zoo import catalog
from zoo.data.collate import OPTIONAL, TEXTS, Collator
from zoo.data.opening import open_dataset
from zoo.tokenizers.words import Words
from zoo.transforms.packed import EXTRA_INPUTS

TABLE = dict(re.findall(r"^    ([a-z_]+(?:TEXT)?) {2,}(\(.*?\) \w+)", zoo.data.__doc__, re.MULTILINE))
PACKED = {f"{kind}_of_TEXT" for kind in EXTRA_INPUTS} | {"example_mask"}


def record(number):
    """A record with the fields of every objective."""
    text = "A red dog ran. It was happy. The blue cat slept."
    return {
        "text": text,
        "text_pair": "A dog.",
        "label": str(number % 3),
        "tokens": text.split(),
        "tags": ["O", "B-colour", "B-animal", *"OOOOO", "B-colour", "B-animal", "O"],
        "context": text,
        "question": "Which animal?",
        "answers": [{"text": "dog", "start": 6}],
        "source": text,
        "target": "Ein roter Hund.",
        "instruction": "Go.",
        "output": "I go.",
    }


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    path = tmp_path_factory.mktemp("data") / "all.jsonl"
    path.write_text("\n".join(json.dumps(record(number)) for number in range(40)))
    return open_dataset(path)


def batches(name, architecture_name, dataset):
    """Yield the examples' batch and the collated inputs of an objective for an architecture."""
    architecture, cls = shrink(architecture_name), catalog.load("objectives", name)
    objective = cls(length=128).prepare(dataset, architecture)
    records = list(dataset.records("train"))
    tokenizer = Words().train(text for record in records for text in objective.tokenizer_texts(record))
    examples = list(objective.examples(records, tokenizer))
    inputs = tuple(key for key in (*architecture.inputs(), *OPTIONAL) if key in examples[0])
    collator = Collator(tuple(dict.fromkeys(inputs)), objective.per_token)
    sizes = np.array([collator.sizes(example) for example in examples]).max(axis=0)
    batch = collator.pad(examples, sizes)
    yield dict(batch)
    yield objective.collate(dict(batch), np.random.default_rng(0))[0]


@pytest.fixture(scope="module")
def arrays(dataset):
    """{key: [its arrays]} over the objectives of the catalog, each with a network of every kind of inputs."""
    arrays = {}
    for name in catalog.names("objectives"):
        by_inputs = {tuple(shrink(key).inputs()): key for key in compatible(catalog.load("objectives", name)())}
        for architecture in by_inputs.values():
            for batch in batches(name, architecture, dataset):
                for key, array in batch.items():
                    arrays.setdefault(key, []).append(array)
    return arrays


def test_the_table_has_the_keys_of_all_objectives(arrays):
    assert arrays.keys() == TABLE.keys() - PACKED - {"reset"}


def test_shapes_and_dtypes_are_those_of_the_table(arrays):
    for key, arrays_of_key in arrays.items():
        for array in arrays_of_key:
            assert array.ndim == 2
            if key != "labels":  # of tokens, or of a text
                assert TABLE[key].endswith(f" {array.dtype}"), key


def test_the_table_has_the_keys_of_packed_and_contiguous_batches():
    assert TABLE.keys() >= PACKED
    assert "reset" in TABLE
    assert zoo.data.__doc__.count(", ".join(TEXTS[:2])) == 1
