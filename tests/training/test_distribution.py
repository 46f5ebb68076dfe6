"""Training on several devices: the same losses, answers and texts as on one, in every mode; restarts; refusals."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import pytest
from distributed_runs import FAMILIES, MODES, VARIANTS
from tiny import shrink

import zoo
from zoo.training.distribution import mesh_shape
from zoo.training.setup import check_training

ROOT = Path(__file__).parent.parent.parent
FLAGS = "--xla_backend_optimization_level=0 --xla_force_host_platform_device_count"
QUICK = ("text_cnn", "llama")
on_jax = pytest.mark.skipif(keras.config.backend() != "jax", reason="keras.distribution is JAX's")


def start(devices, *arguments, **environment):
    """Start a process of `tests/distributed_runs.py` with fake devices."""
    command = [sys.executable, str(ROOT / "tests" / "distributed_runs.py"), *map(str, arguments)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    environment = (
        os.environ | {"KERAS_BACKEND": "jax", "PYTHONPATH": path, "XLA_FLAGS": f"{FLAGS}={devices}"} | environment
    )
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def result(process):
    """What the function of a process returned."""
    output, errors = process.communicate(timeout=1200)
    assert process.returncode == 0, errors[-3000:]
    (line,) = [line for line in output.splitlines() if line.startswith("RESULT ")]
    return json.loads(line.removeprefix("RESULT "))


def is_killed(process):
    """Whether a process ends by kill -9."""
    process.communicate(timeout=1200)
    return process.returncode == -signal.SIGKILL


def near(value):
    return pytest.approx(value, abs=1e-5)


def check_families(names):
    for name, modes in result(start(8, "families", *names)).items():
        expected = modes.pop("none")
        assert set(modes) == set(MODES) - {"none"}
        for mode, received in modes.items():
            assert received["losses"] == near(expected["losses"]), (name, mode)
            assert flat(received["outputs"]) == near(flat(expected["outputs"])), (name, mode)
            assert received["texts"] == expected["texts"], (name, mode)
            assert bool(received["split"]) == (mode != "data"), (name, mode)


def flat(structure):
    """The numbers in lists and dicts of any depth."""
    return keras.tree.flatten(structure)


@on_jax
def test_every_mode_gives_the_losses_answers_and_texts_of_a_single_device():
    check_families(QUICK)


@on_jax
@pytest.mark.slow
def test_so_does_every_other_family_of_networks():
    check_families(set(FAMILIES) - set(QUICK))


@on_jax
@pytest.mark.slow
def test_a_killed_run_goes_on_with_other_devices_in_other_modes(reviews, tmp_path):
    uninterrupted = start(1, "run", reviews, tmp_path / "whole", "none")
    cut = tmp_path / "cut"
    assert is_killed(start(8, "run", reviews, cut, "fsdp", "kill"))
    assert is_killed(start(4, "run", reviews, cut, "model", "resume", "kill"))
    resumed, expected = result(start(1, "run", reviews, cut, "none", "resume")), result(uninterrupted)
    assert "checkpoint.npz" in resumed["files"]
    assert "checkpoint.orbax" not in resumed["files"]
    for name in ("loss", "val_loss"):
        assert resumed[name] == near(expected[name])
    assert flat(resumed["answers"]) == near(flat(expected["answers"]))


@on_jax
@pytest.mark.slow
def test_packing_accumulation_averages_freezing_and_lora_are_those_of_a_single_device(reviews, tmp_path):
    results = result(start(8, "variants", reviews, tmp_path))
    assert set(results) == set(VARIANTS)
    for name, modes in results.items():
        for key in ("loss", "val_loss", "answers"):
            assert flat(modes["fsdp"][key]) == near(flat(modes["none"][key])), (name, key)


@on_jax
@pytest.mark.slow
def test_two_processes_train_as_a_single_one_and_the_first_writes(tmp_path):
    pairs = [{"source": text, "target": text} for text in ("a great film", "a dull film", "the story was fine") * 10]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    expected = result(start(1, "two_hosts", tmp_path, "none"))
    common = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": f"127.0.0.1:{free_port()}", "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    processes = [
        start(2, "two_hosts", tmp_path, "model", **common, KERAS_DISTRIBUTION_PROCESS_ID=str(number))
        for number in range(2)
    ]
    first, second = map(result, processes)
    for received in (first, second):
        assert received["texts"] == expected["texts"]
        assert scores(received) == near(scores(expected))
    assert any("model.keras" in path for path in first["writes"])
    assert {"checkpoint.orbax" in path for path in second["writes"]} == {True}  # its parts of the checkpoint, no more


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


def scores(received):
    """The numbers of history.csv, without the seconds."""
    return [float(cell) for line in received["history"][1:] for cell in line.split(",")[:-1]]


def test_an_unknown_mode_is_refused():
    with pytest.raises(zoo.UserError, match="training.distribute to be one of none, data, fsdp, model. .*'fsdb'.*fsdp"):
        check_training(zoo.Training(distribute="fsdb"))


@pytest.mark.skipif(keras.config.backend() == "jax", reason="JAX has keras.distribution")
@pytest.mark.parametrize("mode", ["data", "fsdp", "model"])
def test_backends_that_would_train_on_one_device_refuse(tiny, tmp_path, mode):
    until = "until Keras 3.16" if keras.config.backend() == "torch" else "one device"
    with pytest.raises(zoo.UserError, match=f"Expected KERAS_BACKEND=jax.*distribute={mode} on .*{until}") as error:
        zoo.train(tiny, to=tmp_path / "m", overrides=[f"training.distribute={mode}"])
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


@on_jax
def test_settings_that_do_not_fit_the_devices_are_refused_before_data_is_read(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.backend.device_counts", lambda: (6, 6))
    unreadable = replace(tiny, data=zoo.Data(spec=str(tmp_path / "missing")))
    for settings, message in {
        "training.distribute=data": "batch_size to be a multiple of 6, .* Received: training.batch_size=8. Nearest: 12",
        "training.distribute=model training.model_devices=4": "model_devices to divide the 6 devices. .*4. Nearest: 2",
        "training.model_devices=2": "model_devices is for training.distribute=model",
    }.items():
        with pytest.raises(zoo.UserError, match=message):
            zoo.train(unreadable, to=tmp_path / "m", overrides=settings.split())


def test_by_default_the_devices_of_a_host_that_divide_the_heads_share_a_weight(tiny, monkeypatch):
    monkeypatch.setattr("zoo.backend.device_counts", lambda: (16, 8))
    training = zoo.Training(distribute="model")
    for heads, shape in {8: (2, 8), 12: (4, 4), 3: (16, 1)}.items():
        architecture = shrink("gpt2", heads=heads, width=48)
        assert mesh_shape(replace(tiny, architecture=architecture, training=training)) == shape
    assert mesh_shape(replace(tiny, training=training)) == (2, 8)  # no attention


@on_jax
def test_too_few_examples_for_the_devices_are_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.training.distribution.data_devices", lambda: 64)
    with pytest.raises(zoo.UserError, match="at least training.batch_size=128 training examples on 64 devices. .*96"):
        zoo.train(tiny, to=tmp_path / "m", overrides=["training.batch_size=128"])
