"""Batch inference: in order, the same with any number of processes, and resumed after every kind of end."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import zoo
from zoo.pipeline import batch_inference, prediction_processes, worker_pool
from zoo.pipeline.batch_inference import PredictionOptions, predict_file
from zoo.runtime.errors import UserError

ROWS = 50
SUFFIXES = (".jsonl", ".csv", ".parquet")


@pytest.fixture(scope="module")
def pipeline(model_folder):
    return zoo.load(model_folder)


@pytest.fixture
def texts(tmp_path, monkeypatch):
    """The path of a file with `ROWS` rows, which are predicted in chunks of 8."""
    monkeypatch.setattr(batch_inference, "SMALL", 8)
    return write_rows(tmp_path / "in.jsonl", ROWS)


def write_rows(path, count):
    random.seed(0)
    words = ["great", "awful", "film", "story", "dull", "lovely"]
    rows = ({"id": i, "text": " ".join(random.choices(words, k=random.randint(1, 9)))} for i in range(count))
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def run(pipeline, texts, output, **options):
    """The bytes of the output of a run, which leaves nothing else."""
    predict_file(pipeline, pipeline.rows_of(texts), output, PredictionOptions({"file": str(texts)}, **options))
    assert sorted(path.name for path in output.parent.glob(f"{output.name}*")) == [output.name]
    return output.read_bytes()


def stop_after(count):
    calls = iter(range(count))
    return lambda: next(calls, None) is None


def test_rows_keep_their_order_and_columns(pipeline, texts, tmp_path):
    lines = run(pipeline, texts, tmp_path / "out.jsonl").splitlines()
    rows = list(map(json.loads, lines))
    assert [row["id"] for row in rows] == list(range(ROWS))
    assert [row["label"] for row in rows] == [answer["label"] for answer in pipeline.predict([r["text"] for r in rows])]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_interrupted_run_is_continued(pipeline, texts, tmp_path, suffix, capsys):
    expected = run(pipeline, texts, tmp_path / f"complete{suffix}")
    output = tmp_path / f"out{suffix}"
    for stop in (1, 3):
        with pytest.raises(KeyboardInterrupt):
            run(pipeline, texts, output, should_stop=stop_after(stop))
        assert not output.exists()
    assert f"48 rows are in {output}.partial" in " ".join(capsys.readouterr().err.split())
    assert run(pipeline, texts, output) == expected


def test_truncated_texts_are_counted_over_all_runs(pipeline, texts, tmp_path):
    texts.write_text(json.dumps({"text": "film " * 50}) + "\n" + texts.read_text())
    output, rows = tmp_path / "out.jsonl", pipeline.rows_of
    with pytest.raises(KeyboardInterrupt):
        run(pipeline, texts, output, should_stop=stop_after(1))
    count = predict_file(pipeline, rows(texts), output, PredictionOptions({"file": str(texts)}))
    assert (count.texts, sum(count.cut.values())) == (ROWS + 1, 1)


@pytest.mark.parametrize("damage", [lambda data: data[:-3], lambda data: b"x" + data[1:], lambda data: b""])
def test_damaged_chunks_are_predicted_again(pipeline, texts, tmp_path, damage):
    expected, output = run(pipeline, texts, tmp_path / "complete.jsonl"), tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run(pipeline, texts, output, should_stop=stop_after(3))
    partial = Path(f"{output}.partial")
    partial.write_bytes(damage(partial.read_bytes()))
    assert run(pipeline, texts, output) == expected


def test_another_run_is_refused_or_replaced(pipeline, texts, tmp_path):
    output = tmp_path / "out.jsonl"

    def interrupt():
        with pytest.raises(KeyboardInterrupt):
            run(pipeline, texts, output, should_stop=stop_after(3))

    interrupt()
    other = PredictionOptions({"file": "other"})
    with pytest.raises(UserError, match="Expected the options and inputs of the run.*--force to begin out.jsonl anew"):
        predict_file(pipeline, pipeline.rows_of(texts), output, other)
    predict_file(pipeline, pipeline.rows_of(texts), output, PredictionOptions({"file": "other"}, overwrite=True))
    expected = output.read_bytes()
    output.unlink()
    interrupt()
    content = texts.read_text()
    texts.write_text(content.replace('"id": 12', '"id": 99'))
    with pytest.raises(UserError, match="other rows than it had, from row 9 on.*--force to begin out.jsonl anew.$"):
        run(pipeline, texts, output)
    lines = content.splitlines(keepends=True)
    for count in (24, 30):
        texts.write_text("".join(lines[:count]))
        with pytest.raises(UserError, match="other rows than it had, from row 25 on"):
            run(pipeline, texts, output)
    texts.write_text(content)
    assert run(pipeline, texts, output) == expected


def test_the_format_is_that_of_the_ending_of_a_link(pipeline, texts, tmp_path):
    expected = run(pipeline, texts, tmp_path / "complete.jsonl")
    link, target = tmp_path / "out.jsonl", tmp_path / "answers"
    link.symlink_to(target)
    assert run(pipeline, texts, link) == expected
    assert target.read_bytes() == expected


@pytest.mark.parametrize("count", [42, 40])
def test_a_file_that_has_lost_rows_is_refused(pipeline, texts, tmp_path, count):
    """The last finished chunk, rows 41 to 48, has become shorter, or has no row any more."""
    output, lines = tmp_path / "out.jsonl", texts.read_text().splitlines(keepends=True)
    with pytest.raises(KeyboardInterrupt):
        run(pipeline, texts, output, should_stop=stop_after(5))
    texts.write_text("".join(lines[:count]))
    with pytest.raises(UserError, match=f"from row {8 * (count // 8) + 1} on"):
        run(pipeline, texts, output)
    texts.write_text("".join(lines))
    assert len(run(pipeline, texts, output).splitlines()) == ROWS


def test_a_broken_row_keeps_the_rows_before_it(pipeline, texts, tmp_path):
    expected, output = run(pipeline, texts, tmp_path / "complete.jsonl"), tmp_path / "out.jsonl"
    content = texts.read_text()
    texts.write_text(content.replace('{"id": 30', '{"id": '))
    with pytest.raises(UserError, match="in.jsonl:31"):
        run(pipeline, texts, output)
    assert len(Path(f"{output}.partial").read_bytes().splitlines()) == 24
    texts.write_text(content)
    assert run(pipeline, texts, output) == expected


def test_rows_that_cannot_be_read_again_leave_nothing(pipeline, texts, tmp_path):
    output = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        predict_file(pipeline, pipeline.rows_of(texts), output, PredictionOptions(None, should_stop=stop_after(3)))
    assert os.listdir(tmp_path) == [texts.name]


def test_processes_answer_as_one_and_a_killed_one_is_replaced(pipeline, texts, tmp_path, monkeypatch, capsys):
    """Two processes; the first is killed while it works. Then Ctrl-C, and the run is continued alone."""
    expected, output = run(pipeline, texts, tmp_path / "complete.csv", processes=1), tmp_path / "out.csv"
    start, workers = worker_pool.Worker.__init__, []

    def start_and_kill_the_first(worker, *arguments):
        start(worker, *arguments)
        workers.append(worker)
        if len(workers) == 1:
            os.kill(worker._process.pid, signal.SIGKILL)

    monkeypatch.setattr(worker_pool.Worker, "__init__", start_and_kill_the_first)
    with pytest.raises(KeyboardInterrupt):
        run(pipeline, texts, output, processes=2, should_stop=stop_after(6))
    assert "A worker process ended (SIGKILL, perhaps for lack of memory): its 8 rows are" in capsys.readouterr().err
    assert all(worker._process.poll() is not None for worker in workers)
    assert run(pipeline, texts, output, processes=1) == expected


def test_a_process_that_dies_twice_is_refused(pipeline, texts, tmp_path, monkeypatch):
    start = worker_pool.Worker.__init__

    def start_and_kill(worker, *arguments):
        start(worker, *arguments)
        os.kill(worker._process.pid, signal.SIGKILL)

    monkeypatch.setattr(worker_pool.Worker, "__init__", start_and_kill)
    with pytest.raises(UserError, match="Expected a worker process to predict 8 rows.*its end, twice"):
        run(pipeline, texts, tmp_path / "out.jsonl", processes=2)
    assert os.listdir(tmp_path) == [texts.name]


def test_other_processes_start_where_cores_are_idle(pipeline, texts, tmp_path, monkeypatch):
    """After the trial; on one core, or with a process that keeps all of them busy, there is no other process."""
    monkeypatch.setattr(prediction_processes, "TRIAL", 0.0)
    pools = []

    class Pool(contextlib.nullcontext):
        def __init__(self, folder, suffix, count, modules):
            pools.append(count)
            self.enter_result = self

        def encode(self, chunks, should_stop):
            return (prediction_processes.encode_chunk(pipeline, ".jsonl", chunk) for chunk in chunks)

    monkeypatch.setattr(prediction_processes, "WorkerPool", Pool)
    monkeypatch.setattr(prediction_processes, "available_cores", lambda: 1)
    expected = run(pipeline, texts, tmp_path / "one.jsonl")
    monkeypatch.setattr(prediction_processes, "available_cores", lambda: 2)
    monkeypatch.setattr(prediction_processes, "BUSY", 0.0)
    assert run(pipeline, texts, tmp_path / "busy.jsonl") == expected
    assert pools == []
    monkeypatch.setattr(prediction_processes, "BUSY", float("inf"))
    monkeypatch.setattr(prediction_processes, "process_memory", lambda: 1)  # that of these tests may be gigabytes
    assert run(pipeline, texts, tmp_path / "idle.jsonl") == expected
    assert pools == [2]


@pytest.mark.slow
def test_kill_9_loses_no_finished_chunk(pipeline, model_folder, tmp_path):
    texts = write_rows(tmp_path / "in.jsonl", 20_000)
    output, journal = tmp_path / "out.jsonl", tmp_path / "out.jsonl.journal"
    command = [sys.executable, "-m", "zoo", "predict", str(model_folder), "--file", str(texts), "--output", str(output)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not (journal.is_file() and journal.read_bytes().count(b"\n") > 2):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    size = (tmp_path / "out.jsonl.partial").stat().st_size
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, f"Saved in {output}.\n")
    assert size > 0
    rows = list(map(json.loads, output.read_text().splitlines()))
    assert [row["id"] for row in rows] == list(range(20_000))
