"""Journal of batch generation: numbered batches, one writer, and a clear line for a file that cannot be one."""

import json

import pytest

from zoo.generation.generation_journal import GenerationJournal
from zoo.runtime.errors import UserError

RECORDS = 3
BATCHES = [[["a"], ["b", "c"]], [["d"]]]


@pytest.fixture
def path(tmp_path):
    """The journal of a run of two batches, which a process left after both."""
    path = tmp_path / "texts.jsonl.partial"
    with GenerationJournal(path, "run", RECORDS) as journal:
        for batch in BATCHES:
            journal.add(batch)
    return path


def read(path):
    with GenerationJournal(path, "run", RECORDS) as journal:
        return journal.batches


def test_a_journal_is_continued_after_any_number_of_bytes(path):
    content = path.read_bytes()
    for size in range(len(content) + 1):
        path.write_bytes(content[:size])
        count = max(content[:size].count(b"\n") - 1, 0)
        with GenerationJournal(path, "run", RECORDS) as journal:
            assert journal.batches == BATCHES[:count]
            for batch in BATCHES[count:]:
                journal.add(batch)
        assert path.read_bytes() == content


def test_a_second_writer_is_refused(path):
    with (
        GenerationJournal(path, "run", RECORDS),
        pytest.raises(UserError, match="for this process alone. Received: another process, which is writing it. Wait"),
    ):
        GenerationJournal(path, "run", RECORDS)
    assert read(path) == BATCHES


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([0, 1, 1], "line 3, which is not batch 1"),
        ([0, 2], "line 2, which is not batch 0"),
        ([0, 1, 2, 2], "line 4, after the texts of all 3 prompts"),
        ([1], "another file, or one of an older version of zoo"),
        ([b'"a hash"\n'], "another file, or one of an older version of zoo"),
        ([b"{\n"], "line 1, which is not JSON in UTF-8"),
        ([b"\xff\xfe\n"], "line 1, which is not JSON in UTF-8"),
        ([b"[" * 100_000 + b"\n"], "line 1, which is not JSON in UTF-8"),
        ([b"my own notes"], "another file"),
        ([0, b"{]\n"], "line 2, which is not JSON in UTF-8"),
        ([0, b'{"batch": 0, "lines": []}\n'], "line 2 without the texts of 1 to 3 prompts"),
        ([0, 1, b'{"batch": 1, "lines": [["a"], ["b"]]}\n'], "line 3 without the texts of 1 to 1 prompts"),
        ([0, b'{"batch": 0, "lines": [["a"], [3]]}\n'], "line 2 without the texts of 1 to 3 prompts"),
        ([0, b'{"batch": 0, "lines": 3}\n'], "line 2 without the texts of 1 to 3 prompts"),
    ],
)
def test_a_file_that_cannot_be_the_journal_is_refused_and_stays(path, lines, message):
    written_lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line if isinstance(line, bytes) else written_lines[line] for line in lines))
    content = path.read_bytes()
    with pytest.raises(UserError, match=message) as error:
        read(path)
    assert "\n" not in str(error.value)
    assert path.read_bytes() == content


def test_the_journal_of_another_run_is_refused(path):
    with pytest.raises(UserError, match="Expected the options and inputs of the run that began .*Received: other"):
        GenerationJournal(path, "other", RECORDS)


def test_batches_carry_their_number(path):
    assert [json.loads(line).get("batch") for line in path.read_bytes().splitlines()] == [None, 0, 1]
