"""Experiments of the course: each small one runs, its claims hold, and its CSV file and picture are there."""

import csv
from dataclasses import fields

import pytest

from zoo import catalog
from zoo.course._listing import course_order
from zoo.course._run import run_experiment
from zoo.runtime.field_comments import field_comments

NAMES = list(course_order())


@pytest.mark.parametrize("name", NAMES)
def test_the_claims_of_a_small_experiment_hold(name, tmp_path):
    result = run_experiment(f"{name}:small", to=tmp_path, seeds=1)
    untested = catalog.load("course", name).untested
    assert set(untested) <= {finding.claim for finding in result.findings}
    assert [finding for finding in result.findings if not finding.holds and finding.claim not in untested] == []
    with result.table.open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [set(row) for row in table] == [set(row) for row in result.rows]
    assert all(row["seed"] == "0" for row in table)
    assert result.picture.read_bytes().startswith(b"\x89PNG")
    assert 5_000 < result.picture.stat().st_size < 120_000


def test_the_course_counts_from_1():
    numbers = list(course_order().values())
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1
    for name, number in course_order().items():
        assert catalog.load("course", name).number == number


@pytest.mark.parametrize("name", NAMES)
def test_fields_have_comments(name):
    cls = catalog.load("course", name)
    comments = field_comments(cls)
    assert [field.name for field in fields(cls) if not comments[field.name].meaning] == []
