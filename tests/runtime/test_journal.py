"""Journals of any format: entries that are cut back, and files that are begun anew."""

import pytest

from zoo.runtime.errors import UserError
from zoo.runtime.journal import Journal


def entries(path, description="run", **options):
    with Journal(path, "format 1", description, **options) as journal:
        return journal.entries


def test_entries_are_cut_back(tmp_path):
    path = tmp_path / "journal"
    with Journal(path, "format 1", "run", durable=False) as journal:
        for value in (1, {"b": 2}, [3]):
            journal.append(value)
    assert entries(path) == [1, {"b": 2}, [3]]
    with Journal(path, "format 1", "run") as journal:
        journal.truncate(1)
        journal.append("x")
    assert entries(path) == [1, "x"]


@pytest.mark.parametrize("content", [b"text\n", b'{"journal": "other", "run": ""}\n', b"no end", b"\xff\n"])
def test_another_file_is_refused_or_replaced(tmp_path, content):
    path = tmp_path / "journal"
    path.write_bytes(content)
    with pytest.raises(UserError, match="Expected the journal of this run in .*journal.* Delete it"):
        entries(path)
    assert path.read_bytes() == content
    assert entries(path, replace=True) == []
    assert entries(path) == []
    with pytest.raises(UserError, match="Received: other ones. Ask me."):
        entries(path, "other run", advice="Ask me.")
