"""`zoo predict --ray`: parts of files, the answers of `zoo predict` from a SavedModel, interrupted runs, a cluster."""

import importlib.util
import json
import os
import pickle
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

import zoo
from zoo.cli.main import main
from zoo.pipeline.batch_inference import PredictionOptions, predict_file
from zoo.runtime.errors import UserError
from zoo.serving.ray import file_parts as parts_module
from zoo.serving.ray import ray_predict
from zoo.serving.ray.file_parts import file_parts
from zoo.serving.ray.part_predictor import PartPredictor
from zoo.serving.ray.ray_predict import RayPredictOptions, predict_on_ray
from zoo.serving.versions.model_source import latest_version

ROOT = Path(__file__).parent.parent.parent
ROWS = 60
needs_ray = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="Ray is not installed: serve-ray")


@pytest.fixture(scope="module")
def pipeline(model_folder):
    return zoo.load(model_folder)


@pytest.fixture(scope="module")
def exported(pipeline, tmp_path_factory):
    """A folder with an export of the classifier as version 1."""
    folder = tmp_path_factory.mktemp("exported")
    pipeline.export(folder / "1")
    return folder


@pytest.fixture
def rows(tmp_path):
    """The path of a file with `ROWS` rows of several types, in parts of some hundred bytes, and the rows."""
    words = ["great", "awful", "film", "dull", "ü\u2028 lovely"]
    rows = [{"id": i, "text": " ".join(words[: i % 5 + 1]), "label": "x", "nested": {"a": [i]}} for i in range(ROWS)]
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=i % 2 == 0)}\n" for i, row in enumerate(rows)))
    return path, rows


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(parts_module, "PART_BYTES", 500)
    monkeypatch.setattr(parts_module, "PART_ROWS", 7)


@pytest.fixture
def in_process(monkeypatch):
    """The parts are predicted in this process, not on a cluster; the list of their first rows."""
    predicted = []

    def encoded(folder, parts, suffix, options):
        predictor = PartPredictor(str(folder), suffix, options.columns)
        for part in parts:
            predicted.append(part.first)
            (result,) = predictor({"part": [pickle.dumps(part)]})["result"]
            if isinstance(result := pickle.loads(result), str):
                raise UserError(result)
            yield result

    monkeypatch.setattr(ray_predict, "_encoded", encoded)
    monkeypatch.setattr(ray_predict, "ray_cluster", lambda purpose, cluster: nullcontext())
    return predicted


def read(path):
    return list(map(json.loads, path.read_text().split("\n")[:-1]))


def test_parts_hold_all_rows_in_order(rows, small_parts, tmp_path):
    path, values = rows
    parts = file_parts(path)
    assert len(parts) > 5
    assert [row for part in parts for row in part.rows()] == values
    assert [part.first for part in parts][:2] == [1, 1 + len(list(parts[0].rows()))]


def test_parts_of_parquet(small_parts, tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"id": range(ROWS), "text": [f"text {i}" for i in range(ROWS)]})
    frame.to_parquet(tmp_path / "in.parquet", row_group_size=25)
    parts = file_parts(tmp_path / "in.parquet")
    assert [part.end - part.start for part in parts] == [7, 7, 7, 4, 7, 7, 7, 4, 7, 3]
    assert [part.first for part in parts][:5] == [1, 8, 15, 22, 26]
    assert [row for part in parts for row in part.rows()] == frame.to_dict("records")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("in.csv", b"text\na", "Expected a .jsonl or .parquet file for --ray. Received: "),
        ("in.jsonl", b"", "an empty file"),
        ("in.parquet", b"text", "damaged or of another format"),
    ],
)
def test_files_that_are_refused(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message):
        file_parts(tmp_path / name)
    with pytest.raises(UserError, match="does not exist"):
        file_parts(tmp_path / "missing.jsonl")


def test_broken_lines_have_their_number(rows, small_parts, in_process, exported, tmp_path):
    path, _ = rows
    lines = path.read_bytes().split(b"\n")
    for broken, message in (
        (b"{", "Expected one JSON object at .*in.jsonl:41"),
        (b'"\xff"', "byte 2 of .*in.jsonl:41"),
    ):
        path.write_bytes(b"\n".join([*lines[:40], broken, *lines[41:]]))
        with pytest.raises(UserError, match=message):
            predict_on_ray(exported, path, tmp_path / "out.jsonl", RayPredictOptions(overwrite=True))
    path.write_text('{"body": "a"}\n')
    with pytest.raises(UserError, match="Expected a column 'text' .*Received: body. Map it by --columns text=NAME"):
        predict_on_ray(exported, path, tmp_path / "other.jsonl", RayPredictOptions())
    predict_on_ray(exported, path, tmp_path / "other.jsonl", RayPredictOptions(columns={"text": "body"}))
    assert read(tmp_path / "other.jsonl")[0]["label"] in ("good", "bad")


def same(answers, expected):
    """Whether rows are equal, numbers to 1e-5."""
    assert len(answers) == len(expected)
    for answer, reference in zip(answers, expected, strict=True):
        assert list(answer) == list(reference)
        for name, value in reference.items():
            assert answer[name] == pytest.approx(value, abs=1e-5) if name == "probabilities" else answer[name] == value
    return True


def test_answers_are_those_of_predict_and_runs_are_resumed(pipeline, rows, small_parts, in_process, exported, tmp_path):
    path, _ = rows
    output, reference = tmp_path / "out.jsonl", tmp_path / "reference.jsonl"
    predict_file(pipeline, pipeline.rows_of(path), reference, PredictionOptions())
    calls = iter(range(3))
    with pytest.raises(KeyboardInterrupt):
        predict_on_ray(exported, path, output, RayPredictOptions(should_stop=lambda: next(calls, None) is None))
    assert not output.exists()
    interrupted = len(in_process)
    predict_on_ray(exported, path, output, RayPredictOptions())
    assert in_process[interrupted:] == [part.first for part in file_parts(path)][interrupted:]
    assert same(read(output), read(reference))
    with pytest.raises(UserError, match="--force replaces it"):
        predict_on_ray(exported, path, output, RayPredictOptions())


def test_the_latest_version_is_used(tmp_path, exported):
    assert latest_version(exported) == exported / "1"
    assert latest_version(exported / "1") == exported / "1"
    with pytest.raises(UserError, match="which has neither saved_model.pb nor"):
        latest_version(tmp_path)


@pytest.mark.parametrize("folder", ["", "1"])
def test_predict_takes_an_export(pipeline, exported, rows, tmp_path, folder, monkeypatch):
    path, _ = rows
    reference, output = tmp_path / "reference.jsonl", tmp_path / "out.jsonl"
    predict_file(pipeline, pipeline.rows_of(path), reference, PredictionOptions())
    command = ["zoo", "predict", exported / folder, "--file", path, "--output", output]
    monkeypatch.setattr(sys, "argv", list(map(str, command)))
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    assert same(read(output), read(reference))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ray"], "Expected --ray, --file and --output together."),
        (["--address", "auto"], "Expected --ray, --file and --output together."),
        (["--ray", "--file", "a.jsonl", "--output", "b.jsonl", "--errors", "replace"], "neither --errors nor --import"),
    ],
)
def test_options_that_do_not_go_together(exported, options, message, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["zoo", "predict", str(exported), *options])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert message in capsys.readouterr().err


@needs_ray
@pytest.mark.slow
def test_a_cluster_answers_as_predict_does(pipeline, exported, tmp_path):
    """The whole way, from the command line: JSON Lines and Parquet, in order."""
    pandas = pytest.importorskip("pandas")
    texts = [f"{word} film number {i}" for i in range(1500) for word in ("great", "awful")]
    frame = pandas.DataFrame({"id": range(len(texts)), "text": texts})
    frame.to_json(tmp_path / "in.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "in.parquet")
    for suffix in (".jsonl", ".parquet"):
        reference = tmp_path / f"reference{suffix}"
        predict_file(pipeline, pipeline.rows_of(tmp_path / "in.jsonl"), reference, PredictionOptions())
        file, output = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
        command = [sys.executable, "-m", "zoo", "predict", exported, "--ray", "--processes", "2"]
        done = subprocess.run(
            [*map(str, command), "--file", str(file), "--output", str(output)],
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert (done.returncode, done.stderr) == (0, f"Saved in {output}.\n")
    assert same(read(tmp_path / "out.jsonl"), read(tmp_path / "reference.jsonl"))
    frames = [pandas.read_parquet(tmp_path / f"{name}.parquet") for name in ("out", "reference")]
    pandas.testing.assert_frame_equal(*frames, check_like=True, atol=1e-5)
