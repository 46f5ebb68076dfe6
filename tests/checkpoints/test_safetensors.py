"""Safetensors: file names stay in the folder, and damaged or malicious headers are one clear line each."""

import json
import struct

import pytest

from zoo.checkpoints.safetensors import INDEX, find_tensors
from zoo.runtime.errors import UserError

TWO = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def write(path, header, data=bytes(8)):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture
def folder(tmp_path):
    """An empty folder, beside a file of tensors."""
    write(tmp_path / "outside.safetensors", {"a": TWO})
    (tmp_path / "model").mkdir()
    return tmp_path / "model"


@pytest.mark.parametrize(
    "name",
    ["../outside.safetensors", "{}/outside.safetensors", "..", "", "..\\outside.safetensors", "x/../a", 3, None, ["x"]],
)
def test_names_of_shards_stay_in_their_folder(folder, name):
    name = name.format(folder.parent) if isinstance(name, str) else name
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(UserError, match="Expected names of files in its folder in .*index.json. Received: "):
        find_tensors(folder)


@pytest.mark.parametrize("index", ["[" * 100_000, "3", "[]", "{}", '{"weight_map": ["a"]}', "9" * 5000, "{"])
def test_an_index_that_is_damaged(folder, index):
    (folder / INDEX).write_text(index)
    with pytest.raises(UserError, match=r"index\.json") as error:
        find_tensors(folder)
    assert "\n" not in str(error.value)


def test_shards_in_the_folder_are_read(folder):
    write(folder / "one.safetensors", {"a": TWO})
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": "one.safetensors"}}))
    assert find_tensors(folder)["a"].shape == (2,)


@pytest.mark.parametrize(
    "header",
    [
        {"a": TWO | {"shape": [-2, -1]}},
        {"a": TWO | {"shape": [2.0]}},
        {"a": TWO | {"shape": [2**40, 2**40]}},
        {"a": TWO | {"shape": [3]}},
        {"a": TWO | {"data_offsets": [-8, 0]}},
        {"a": TWO | {"data_offsets": "08"}},
        {"a": TWO | {"dtype": ["F32"]}},
        {"a": TWO, "b": TWO},
        {"a": TWO, "__metadata__": 3},
        b"[" * 100_000,
        b"3",
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_headers_that_cannot_be(folder, header):
    write(folder / "model.safetensors", header)
    with pytest.raises(UserError, match="Expected a whole safetensors file. Received: .*truncated or damaged") as error:
        find_tensors(folder)
    assert "\n" not in str(error.value)
