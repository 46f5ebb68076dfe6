"""Round trips on disk: records, encodings of texts, rows of arrays."""

import numpy as np
import pytest

from zoo.data.batches import _unique_rows
from zoo.data.cached_tokenizer import FEWEST, CachedTokenizer
from zoo.data.examples import ArrayStore, array_writer, key_types, save
from zoo.data.stored_records import StoredRecords, add_record
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers.characters import Characters

RECORDS = [
    {"text": "Łódź \ud800 \n", "answers": [{"text": "a", "start": 3}]},
    {"text": "", "tags": ["O", "B-x"]},
    {"text": "three"},
]


@pytest.fixture
def stored(tmp_path):
    with array_writer(tmp_path) as writer:
        for record in RECORDS:
            add_record(writer, record)
    return StoredRecords(tmp_path)


def test_records_are_a_sequence(stored):
    assert len(stored) == 3
    assert list(stored) == list(stored) == RECORDS
    assert [stored[0], stored[-1]] == [RECORDS[0], RECORDS[2]]
    assert stored[1:] == RECORDS[1:]
    with pytest.raises(IndexError):
        stored[3]


def test_encodings_come_from_disk_the_second_time(tmp_path, monkeypatch):
    texts = [f"text {i}" * (i % 3) for i in range(FEWEST)]
    tokenizer = Characters().train(texts)
    cached = CachedTokenizer(tokenizer, tmp_path / "encodings")
    expected = tokenizer.encode_batch(texts, texts[::-1], length=9)
    for _ in range(2):
        for actual, reference in zip(cached.encode_batch(texts, texts[::-1], length=9), expected, strict=True):
            for name in ("ids", "segments", "offsets"):
                array = getattr(actual, name)
                np.testing.assert_array_equal(array, getattr(reference, name))
                assert array.dtype == getattr(reference, name).dtype
        monkeypatch.setattr(Tokenizer, "_ids_and_offsets", None)
    with pytest.raises(TypeError):
        cached.encode_batch([*texts, "more"])


def test_few_texts_are_not_written(tmp_path):
    cached = CachedTokenizer(Characters().train(["abc"]), tmp_path / "encodings")
    assert len(cached.encode("abc", special=False)) == 3
    assert not cached.folder.exists()


def test_rows_without_any_number(tmp_path):
    save(tmp_path / "rows", [{"a": np.zeros(0, "int32")}, {"a": np.zeros(0, "int32")}])
    store = ArrayStore(tmp_path / "rows")
    assert (len(store), len(store.row("a", 1)), store.sizes_of("a").tolist()) == (2, 0, [0, 0])
    save(tmp_path / "none", [])
    assert key_types(tmp_path / "none") == {}
    assert len(ArrayStore(tmp_path / "none")) == 0


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_unique_rows_are_those_of_numpy(inputs):
    shapes = np.random.default_rng(0).integers(0, 4, (50, inputs))
    unique, index = _unique_rows(shapes)
    expected, expected_index = np.unique(shapes, axis=0, return_inverse=True)
    np.testing.assert_array_equal(unique, expected)
    np.testing.assert_array_equal(index, expected_index.reshape(-1))
