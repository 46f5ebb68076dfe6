"""Batches: every row once, few shapes, little padding, the same order for the same seed, exact weights."""

import numpy as np
import pytest

from zoo.data.batches import Batches
from zoo.data.collate import Collator
from zoo.data.examples import Examples, save


class Plain:
    """An objective whose targets are the names of the rows, with a weight for each row."""

    length = 64

    def collate(self, batch, random):
        return batch, batch.pop("name"), batch.pop("weight").reshape(-1)


@pytest.fixture
def examples(tmp_path):
    lengths = np.random.default_rng(0).integers(1, 60, 205)
    rows = (
        {"tokens": np.arange(1, n + 1, dtype="int32"), "name": np.array([i]), "weight": np.array([1.0 + i % 3])}
        for i, n in enumerate(lengths)
    )
    save(tmp_path / "rows", rows)
    return Examples(tmp_path / "rows", Collator(("tokens",)))


def take(batches, count, step=0):
    stream = batches.stream(step)
    return [next(stream) for _ in range(count)]


def test_rows_come_back_as_written(examples):
    for i in (0, 7, 204):
        np.testing.assert_array_equal(examples.row("tokens", i), np.arange(1, examples.sizes[i, 0] + 1))
        assert examples.row("name", i) == [i]


def test_an_epoch_has_every_row_and_a_batch_one_bucket(examples):
    batches = Batches(examples, Plain(), 16)
    epoch = take(batches, len(batches))
    assert {int(name) for _, names, _ in epoch for name in names.ravel()} == set(range(205))
    assert {len(names) for _, names, _ in epoch} == {16}
    assert {inputs["tokens"].shape[1] for inputs, _, _ in epoch} <= {8, 16, 24, 32, 48, 64}
    for inputs, names, _ in epoch:
        np.testing.assert_array_equal((inputs["tokens"] > 0).sum(1), examples.sizes[names.ravel(), 0])


def test_little_is_padding(examples):
    shapes, padding = Batches(examples, Plain(), 16).shapes()
    assert shapes <= 6
    assert padding < 0.25


def test_order_depends_on_seed_and_epoch_only(examples):
    def names(*arguments):
        return [n.ravel().tolist() for _, n, _ in take(Batches(examples, Plain(), 16, seed=1), *arguments)]

    assert names(30) == names(30)
    assert names(10, 20) == names(30)[20:]
    assert names(13) != names(13, 13)


@pytest.mark.parametrize("step", range(9))
def test_groups_are_the_same_wherever_the_stream_starts(examples, step):
    batches = Batches(examples, Plain(), 16, accumulation=4)
    for expected, actual in zip(take(batches, 20)[step:], take(batches, 20 - step, step), strict=True):
        np.testing.assert_array_equal(actual[1], expected[1])
        np.testing.assert_array_equal(actual[2], expected[2])


def test_weights_make_the_average_over_a_group_exact(examples):
    batches = Batches(examples, Plain(), 16, accumulation=4)
    assert len(batches) % 4 == 0
    group = take(batches, 4)
    losses = [names.ravel() * 0.1 for _, names, _ in group]
    actual = np.mean([np.mean(loss * weights) for loss, (_, _, weights) in zip(losses, group, strict=True)])
    weights = [1.0 + names.ravel() % 3 for _, names, _ in group]
    assert actual == pytest.approx(np.average(np.concatenate(losses), weights=np.concatenate(weights)), rel=1e-5)


def test_fewer_rows_than_a_batch(tmp_path):
    save(
        tmp_path / "few",
        ({"tokens": np.ones(3, "int32"), "name": np.array([i]), "weight": np.ones(1)} for i in range(3)),
    )
    batches = Batches(Examples(tmp_path / "few", Collator(("tokens",))), Plain(), 16)
    assert len(batches) == 1
    assert sorted(take(batches, 1)[0][1].ravel()) == [0, 1, 2]


def test_accumulation_over_more_batches_than_there_are(examples):
    with pytest.raises(ValueError, match=r"at least training.accumulation=40 batches of 16 examples.*205 examples, 13"):
        Batches(examples, Plain(), 16, accumulation=40)


def test_a_write_that_fails_leaves_nothing(tmp_path):
    def rows():
        yield {"tokens": np.ones(3, "int32")}
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space left"):
        save(tmp_path / "rows", rows())
    assert list(tmp_path.iterdir()) == []
