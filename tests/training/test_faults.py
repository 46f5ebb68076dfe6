"""Faults around a run: killed processes, two at once, changed data, damaged caches, odd names, plots that fail."""

import json
import os
import shutil
import subprocess
import sys
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kill import KilledError, kill_after

import zoo
from zoo import config
from zoo.data.examples import is_intact, save
from zoo.runtime.locks import lock_file
from zoo.training import checkpoint, plots
from zoo.training.folder_choice import choose_folder
from zoo.training.run_record import load_record

ENDED = 2**22 + 1  # above the largest number of a process on Linux


@pytest.fixture
def short(tiny):
    """A preset that trains one epoch of a bag of words, which needs no more."""
    return replace(tiny, training=replace(tiny.training, epochs=1))


@pytest.fixture
def labelled(tmp_path):
    """A function that writes 60 texts with two labels as a file, and returns its path."""

    def write(*labels, word="parcels"):
        rows = [{"text": f"message {i} about {word if i % 2 else 'money'}", "label": labels[i % 2]} for i in range(60)]
        (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return tmp_path / "data.jsonl"

    return write


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def start_and_kill(preset, monkeypatch, **options):
    with monkeypatch.context() as patch:
        kill_after(patch, 1)
        with pytest.raises(KilledError):
            zoo.train(preset, **options)


def test_leftovers_of_killed_runs_are_removed(short, tmp_path, monkeypatch):
    start_and_kill(short, monkeypatch, to=tmp_path / "m")
    parts = [f".m.{ENDED}.partial", f".m.{ENDED}.old", f".m.running.{ENDED}.partial", f".cache/.key.{ENDED}.partial"]
    for part in parts:
        (tmp_path / part).mkdir()
    (tmp_path / f".notes.{ENDED}.old").mkdir()  # not of a run
    (tmp_path / ".m.lock").write_text(f"{ENDED}\n")
    zoo.train(short, to=tmp_path / "other")
    assert not any((tmp_path / part).exists() for part in parts if ".old" not in part)
    zoo.train(short, to=tmp_path / "m", resume=True)
    assert names(tmp_path) == [".cache", f".notes.{ENDED}.old", "m", "other"]
    assert not list((tmp_path / ".cache").glob(".*"))


def test_a_model_that_was_being_replaced_is_back(model_folder, short, tmp_path):
    """Its process was killed between two renames, on a system without an exchange of folders."""
    shutil.copytree(model_folder, tmp_path / f".m.{ENDED}.old")
    (tmp_path / f".m.{ENDED}.old" / "1").mkdir()  # an export
    with pytest.raises(zoo.UserError, match="typo, which does not exist.$"):  # no hidden folder is offered
        zoo.load(tmp_path / "typo")
    assert zoo.load(tmp_path / "m").predict("a great film")["label"] == "good"
    assert (tmp_path / "m" / "1").is_dir()
    (tmp_path / "m").rename(tmp_path / f".m.{ENDED}.old")
    with pytest.raises(zoo.UserError, match="m holds a model: replace it"):
        zoo.train(short, to=tmp_path / "m")
    assert names(tmp_path) == ["m"]


def test_one_process_trains_into_a_folder(short, tmp_path, monkeypatch):
    with lock_file(tmp_path / ".m.lock"):
        options: Any
        for options in ({}, {"resume": True}, {"restart": True}, {"force": True}):
            with pytest.raises(zoo.UserError, match=f"process {os.getpid()} is training into .*m: wait for its end"):
                zoo.train(short, to=tmp_path / "m", **options)
    assert names(tmp_path) == []
    monkeypatch.chdir(tmp_path)
    Path("saved_models").mkdir()
    with lock_file(Path("saved_models/model.lock").with_name(".model.lock")):
        assert choose_folder(None, "model").name == "model-2"
    with pytest.raises(zoo.UserError, match="Expected an unfinished run"):
        zoo.train(short, to="new/folder/m", resume=True)
    assert names(tmp_path) == ["saved_models"]


def test_a_killed_process_leaves_no_lock(short, tmp_path):
    (tmp_path / "p.json").write_text(config.to_json(replace(short, training=replace(short.training, epochs=500))))
    script = (
        "import sys, zoo; from zoo import config\nzoo.train(config.from_json(open(sys.argv[1]).read()), to=sys.argv[2])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "p.json"), str(tmp_path / "m")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    while process.poll() is None and not (tmp_path / "m.running" / "checkpoint.npz").exists():
        time.sleep(0.02)
    with pytest.raises(zoo.UserError, match=f"process {process.pid} is training into .*m"):
        zoo.train(short, to=tmp_path / "m", restart=True)
    process.kill()
    process.wait()
    zoo.train(short, to=tmp_path / "m", restart=True)
    assert names(tmp_path) == [".cache", "m", "p.json"]


def test_changed_data_is_no_data_to_resume_on(short, tmp_path, monkeypatch, labelled):
    preset = replace(short, data=replace(short.data, spec=str(labelled("a", "b"))))
    start_and_kill(preset, monkeypatch, to=tmp_path / "m")
    labelled("a", "b", word="lamps")
    with pytest.raises(zoo.UserError, match=r"Received: .*data.jsonl.*which has changed since.* --restart"):
        zoo.train(preset, to=tmp_path / "m", resume=True)
    labelled("a", "b")
    zoo.train(preset, to=tmp_path / "m", resume=True)
    record = load_record(tmp_path / "m")
    assert record
    assert set(record.fingerprints) == {"train", "validation", "test"}
    labelled("a", "b", word="lamps")
    with pytest.raises(zoo.UserError, match=r"data.jsonl.*which has changed since.* --force"):
        zoo.train(preset, to=tmp_path / "m", resume=True, overrides=["training.epochs=2"])
    record = json.loads((tmp_path / "m" / "run.json").read_text())
    del record["fingerprints"]  # as of an older version
    (tmp_path / "m" / "run.json").write_text(json.dumps(record))
    labelled("a", "b")
    zoo.train(preset, to=tmp_path / "m", resume=True, overrides=["training.epochs=2"])


@pytest.mark.parametrize(("kind", "damage"), [("bin", "flip"), ("ends", "cut"), ("json", "empty")])
def test_a_damaged_cache_is_written_again(short, tmp_path, capsys, kind, damage):
    before = zoo.train(short, to=tmp_path / "a")
    for path in list((tmp_path / ".cache").rglob(f"*.{kind}")):
        content = bytearray(path.read_bytes())
        if content and damage == "flip":
            content[len(content) // 2] ^= 4
        path.write_bytes({"flip": content, "cut": content[: len(content) // 2], "empty": b""}[damage])
    after = zoo.train(short, to=tmp_path / "b")
    for left, right in zip(*(checkpoint.values(run.model.weights) for run in (before, after)), strict=True):
        assert (left == right).all()
    assert "Damaged, and written again: the cache" in capsys.readouterr().err
    assert all(is_intact(path.parent) for path in (tmp_path / ".cache").rglob("keys.json"))


def test_every_change_of_a_stored_byte_is_noticed(tmp_path):
    folder = tmp_path / "rows"
    save(folder, [{"tokens": np.arange(3, dtype="int32")}, {"tokens": np.arange(2, dtype="int32")}])
    assert is_intact(folder)
    for path in folder.iterdir():
        content = path.read_bytes()
        for index in range(len(content)):
            path.write_bytes(content[:index] + bytes([content[index] ^ 1]) + content[index + 1 :])
            assert not is_intact(folder), (path.name, index)
        for size in range(len(content)):
            path.write_bytes(content[:size])
            assert not is_intact(folder), (path.name, size)
        path.unlink()
        assert not is_intact(folder)
        path.write_bytes(content)
    assert is_intact(folder)


@pytest.mark.parametrize(
    "keys",
    [
        {"../x": {"dtype": "|O", "crc32": [0, 0]}},
        {"x": {"dtype": "|O", "crc32": [0, 0]}},
        {"/etc/x": {"dtype": "<i4", "crc32": [0, 0]}},
        {"x": "<i4"},
        {"x": {"dtype": "no type", "crc32": [0, 0]}},
        [],
        3,
    ],
)
def test_a_cache_of_foreign_files_is_not_read(tmp_path, keys):
    crc32 = zlib.crc32(json.dumps(keys).encode())
    (tmp_path / "keys.json").write_text(json.dumps({"keys": keys, "crc32": crc32}))
    assert not is_intact(tmp_path)


LABELS = [
    ("$5% off $10", "plain"),
    ("$\\frac{$", "$x_$"),
    ("[/red]", "{x}"),
    ("a\nb", "\x00"),
    ("💡", "مرحبا"),
    (" ", "x" * 5000),
]


@pytest.mark.parametrize("labels", LABELS)
def test_labels_are_drawn_as_text(tmp_path, labels):
    plots.plot_confusion(np.eye(2, dtype=int), labels, tmp_path / "confusion.png")
    assert (tmp_path / "confusion.png").read_bytes().startswith(b"\x89PNG")


def test_a_label_of_mathematics_costs_no_run(short, tmp_path, labelled):
    zoo.train(replace(short, data=replace(short.data, spec=str(labelled("$5% off $10", "plain")))), to=tmp_path / "m")
    assert "(confusion.png)" in (tmp_path / "m" / "README.md").read_text()


def test_a_plot_that_fails_is_a_line_of_warning(short, tmp_path, monkeypatch, capsys):
    def broken(*arguments, **options):
        raise RuntimeError("no font\nat all")

    monkeypatch.setattr(plots, "_figure", broken)
    pipeline = zoo.train(short, to=tmp_path / "m")
    assert pipeline.scores["test"] == zoo.load(tmp_path / "m").scores["test"]
    lines = capsys.readouterr().err.splitlines()
    assert "Warning: curves.png could not be drawn, and is left out: RuntimeError: no font at all" in lines
    assert not list((tmp_path / "m").glob("*.png"))
    assert ".png" not in (tmp_path / "m" / "README.md").read_text()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("model\udcff", "Expected UTF-8 for the model folder. Received: '.*udcff'"),
        ("m" * 240, "Expected a folder name of up to 230 bytes"),
        ("m.running", "Expected a folder for the model: .*m.running is the name of an unfinished run"),
    ],
)
def test_names_that_no_run_could_be_saved_under(short, tmp_path, name, message):
    with pytest.raises(zoo.UserError, match=message):
        zoo.train(short, to=tmp_path / name)
    assert names(tmp_path) == []


def test_data_in_a_folder_that_is_not_utf8(short, tmp_path):
    with pytest.raises(zoo.UserError, match="Expected UTF-8 for the data"):
        zoo.train(short, to=tmp_path / "m", data=str(tmp_path / "x\udcff.jsonl"))


@pytest.mark.parametrize("target", ["missing", "empty", "model"])
def test_a_link_is_followed(short, model_folder, tmp_path, target):
    if target == "empty":
        (tmp_path / "real").mkdir()
    if target == "model":
        shutil.copytree(model_folder, tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    zoo.train(short, to=tmp_path / "link", force=target == "model")
    assert (tmp_path / "link").is_symlink()
    assert zoo.load(tmp_path / "real").history[-1]["epoch"] == 1
    assert names(tmp_path) == [".cache", "link", "real"]


@pytest.mark.parametrize("kind", ["link", "file"])
def test_an_unfinished_run_is_a_folder(short, tmp_path, kind):
    (tmp_path / "elsewhere").mkdir()
    if kind == "link":
        (tmp_path / "m.running").symlink_to(tmp_path / "elsewhere")
    else:
        (tmp_path / "m.running").write_text("x")
    options: Any
    for options in ({}, {"restart": True}, {"resume": True}):
        with pytest.raises(zoo.UserError, match=f"Expected a folder, or nothing, at .*m.running. Received: a {kind}"):
            zoo.train(short, to=tmp_path / "m", **options)
    assert names(tmp_path) == ["elsewhere", "m.running"]
