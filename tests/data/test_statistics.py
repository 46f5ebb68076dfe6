"""Dataset statistics against plain counts over all records in memory."""

import json
import random

import numpy as np

from zoo.data.opening import open_dataset
from zoo.data.statistics import statistics_of


def write_rows(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_rows_labels_and_percentiles_equal_those_of_a_list(tmp_path):
    rng = random.Random(0)
    texts = ["wort " * rng.randint(1, 200) for _ in range(97)]
    labels = [rng.choice("abc") for _ in texts]
    write_rows(tmp_path / "train.jsonl", [{"text": t, "label": y} for t, y in zip(texts, labels, strict=True)])
    write_rows(tmp_path / "valid.jsonl", [{"text": "one word, more", "label": "d"}])
    statistics = statistics_of(open_dataset(tmp_path))
    assert statistics.rows == {"train": 97, "validation": 1}
    assert statistics.total == 98
    assert statistics.fields == ("text", "label")
    assert statistics.label_counts == {"label": {label: labels.count(label) for label in sorted(set(labels))}}
    words = [*(len(text.split()) for text in texts), 4]  # the comma counts as one
    characters = [*map(len, texts), len("one word, more")]
    for percentiles, lengths in ((statistics.words["text"], words), (statistics.characters["text"], characters)):
        expected = np.percentile(lengths, [50, 95, 100], method="inverted_cdf")
        assert [percentiles.median, percentiles.p95, percentiles.longest] == expected.tolist()


def test_lists_of_words_and_conversations(tmp_path):
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "How are you?"}]
    rows = [{"tokens": ["a", "bc"], "tags": ["O", "B-x"], "messages": turns, "labels": ["p", "q"]}]
    statistics = statistics_of(open_dataset(write_rows(tmp_path / "train.jsonl", rows), split_strategy=""))
    assert statistics.words["tokens"].longest == 2
    assert statistics.characters["tokens"].longest == 4  # with one blank between the two
    assert statistics.words["messages"].longest == 5
    assert statistics.label_counts["tags"] == {"O": 1, "B-x": 1}
    assert statistics.label_counts["labels"] == {"p": 1, "q": 1}
