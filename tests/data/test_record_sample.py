"""Samples of records: random, the same for the same records, and bounded in memory."""

import numpy as np
import pytest

from zoo.data.record_sample import MAX_CHARACTERS, MAX_WORDS, RecordSample


def test_a_sample_is_spread_over_all_records():
    sample, again = (RecordSample([{"label": i} for i in range(10_000)], 1000) for _ in range(2))
    numbers = [record["label"] for record in sample.records]
    assert sample.records == again.records
    assert len(set(numbers)) == 1000
    assert np.mean(numbers) == pytest.approx(5000, rel=0.1)
    assert sample.suffix == " on 1,000 of 10,000 records"


def test_few_records_are_all_sampled():
    records = [{"text": "a", "label": 1.5}, {"tokens": ["a", "b"], "tags": ("O", "X")}]
    sample = RecordSample(records)
    assert sample.records == [records[0], {"tokens": ["a", "b"], "tags": ["O", "X"]}]
    assert sample.suffix == ""


def test_long_records_are_cut():
    answers = [{"text": "a", "start": 0}]
    tokens, tags = ["a"] * (MAX_WORDS + 1), ["O"] * (MAX_WORDS + 1)
    (record,) = RecordSample(
        [{"text": "ab" * MAX_CHARACTERS, "tokens": tokens, "tags": tags, "answers": answers}]
    ).records
    assert record.keys() == {"text", "tokens", "tags"}
    assert len(record["text"]) == MAX_CHARACTERS
    assert len(record["tokens"]) == len(record["tags"]) == MAX_WORDS
