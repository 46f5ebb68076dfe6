"""Rows of a batch: as many as memory holds, fewer where it does not, and the same texts with any number."""

import keras
import pytest
from causal_models import generate_ids, network, sources, texts
from keras import ops

from zoo import backend
from zoo.generation import batch_rows, generate
from zoo.generation.batch import Batch
from zoo.generation.batch_rows import MAX_ROWS, MAX_ROWS_CPU, in_batches, max_rows, row_bytes, rows_of_batch
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import token_generator

LENGTHS = [6, 2, 3, 9, 4, 11, 1]


def numbers(config=None, name="gpt2", **shape):
    """Arguments of `row_bytes` for 16 tokens of a prompt and 32 slots."""
    plan = {"time": 16, "slots": 32, "source_time": 0} | shape
    return token_generator(network(name)).network, *plan.values(), config or GenerationConfig()


@pytest.mark.parametrize(("name", "settings"), [("gpt2", {}), ("gpt2", {"beams": 3}), ("llama", {}), ("t5", {})])
def test_the_estimate_covers_the_caches_twice(name, settings):
    model, config = network(name), GenerationConfig(max_new_tokens=8, **settings)
    source_ids = sources(model, 2)
    batch = Batch(token_generator(model), texts([6, 4]), source_ids, config)
    state = batch.prefill()
    caches = keras.tree.flatten((state["cache"]["layers"], state["cache"]["cross"]))
    size = sum(ops.size(array) * 4 for array in caches) // 2
    times = [array.shape[1] for array in batch.inputs.values()]
    estimate = row_bytes(batch.generator.network, max(times), batch.length, times[-1] * bool(source_ids), config)
    assert 2 * size <= estimate <= 40 * size


def test_rows_are_a_power_of_two_that_fits(monkeypatch):
    row, numbers_of_batch = row_bytes(*numbers()), (*numbers()[:1], 15, 17, 0, GenerationConfig())  # padded to 16, 32
    for free, rows in ((1, 1), (3.9 * row, 2), (4.1 * row, 4), (1000 * row, 512), (1e6 * row, MAX_ROWS)):
        monkeypatch.setattr(backend, "free_memory", lambda free=free: int(free / batch_rows.USABLE))
        monkeypatch.setattr(backend, "has_accelerator", lambda: True)
        assert rows_of_batch(*numbers_of_batch) == rows
    monkeypatch.setattr(backend, "free_memory", lambda: None)
    assert rows_of_batch(*numbers_of_batch) == MAX_ROWS_CPU  # TensorFlow does not know
    monkeypatch.setattr(backend, "has_accelerator", lambda: False)
    monkeypatch.setattr(batch_rows, "available_memory", lambda: int(9 * row / batch_rows.USABLE))
    assert rows_of_batch(*numbers_of_batch) == 8
    monkeypatch.setattr(batch_rows, "available_memory", lambda: None)
    assert rows_of_batch(*numbers_of_batch) == max_rows() == MAX_ROWS_CPU


def test_longer_rows_and_more_caches_take_more():
    plain = row_bytes(*numbers())
    assert row_bytes(*numbers(slots=64)) > plain
    assert row_bytes(*numbers(time=32)) > plain
    assert row_bytes(*numbers(GenerationConfig(beams=4))) > 3 * plain / 2
    assert row_bytes(*numbers(GenerationConfig(top_k=4, contrastive_alpha=0.6))) > 3 * plain / 2


def test_the_number_of_rows_changes_no_text(monkeypatch):
    model, prompts, actual = network("gpt2"), [*texts(LENGTHS), *texts(LENGTHS[:2])], []
    for rows in (1, 4, 64):
        monkeypatch.setattr(generate, "rows_of_batch", lambda *args, rows=rows: rows)
        actual.append(generate_ids(model, prompts, max_new_tokens=6, temperature=1.0))
    assert actual[0] == actual[1] == actual[2]


def test_without_memory_half_as_many_rows_run(capsys):
    runs, texts = [], []

    def run(rows):
        runs.append(len(rows))
        if len(rows) > 3:
            ops.ones((2**50,))
        texts.extend(rows)

    in_batches(list(range(11)), lambda i: 16, run)
    assert texts == list(range(11))
    assert runs == [11, 6, 3, 3, 3, 2]
    lines = capsys.readouterr()
    assert "Out of memory with 11 prompts at once: on with 6." in lines.out + lines.err


def test_other_errors_and_a_single_row_without_memory_are_raised():
    runs = []

    def run(rows):
        runs.append(rows)
        raise ValueError("no memory of it")

    with pytest.raises(ValueError, match="no memory of it"):
        in_batches([0, 1], lambda i: 2, run)
    with pytest.raises(Exception, match=r"(?i)out of memory|oom|allocate memory"):
        in_batches([0], lambda i: 2, lambda rows: ops.ones((2**50,)))
    assert runs == [[0, 1]]
