"""Versions of a served model: found, checked, warmed up, switched to, drained, dropped; damaged ones are refused."""

import gc
import logging
import shutil
import threading

import numpy as np
import pytest
import tensorflow as tf
from serving_models import copy_version, resident_memory, save_versioned

from zoo.serving.serving_error import Code, ServingError
from zoo.serving.versions.freed_memory import exempt_from_collection
from zoo.serving.versions.loaded_model import LoadedModel
from zoo.serving.versions.model_source import ModelSource
from zoo.serving.versions.registry import Registry, State
from zoo.serving.versions.version_policy import VersionPolicy, parse_policy
from zoo.serving.versions.version_watcher import VersionWatcher


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """A folder with the versions 1, 2 and 3 of a model, to copy from."""
    folder = tmp_path_factory.mktemp("exports")
    for version in (1, 2, 3):
        save_versioned(folder, version)
    return folder


@pytest.fixture(scope="module", autouse=True)
def quick_collection():
    """Collections that skip the objects of before, as in a server: else each takes half a second."""
    exempt_from_collection()
    yield
    gc.unfreeze()


@pytest.fixture
def folder(tmp_path, exports):
    copy_version(exports / "1", tmp_path, 1)
    return tmp_path


def watch(folder, policy=None):
    """A registry and its watcher, polled once."""
    policy = policy or VersionPolicy()
    registry = Registry(["m"], {"m": policy.labels_of("m")})
    watcher = VersionWatcher([ModelSource("m", folder)], registry, policy)
    watcher.poll()
    return registry, watcher


def answer(registry, **request):
    with registry.lease("m", **request) as model:
        return model.run("", {"text": np.array([b"a"], object)})["answer"][0].decode()


def poll(watcher):
    """Two polls: a folder is loaded when it is equal in both."""
    watcher.poll()
    watcher.poll()


def test_a_new_version_answers_and_the_old_one_ends(folder, exports):
    registry, watcher = watch(folder)
    assert answer(registry) == "a of version 1"
    copy_version(exports / "2", folder, 2)
    watcher.poll()
    assert answer(registry) == "a of version 1"  # its files may still change
    watcher.poll()
    assert answer(registry) == "a of version 2"
    assert {version: status.state for version, status in registry.statuses("m").items()} == {
        2: State.AVAILABLE,
        1: State.END,
    }
    with pytest.raises(ServingError, match=r"Servable not found for request: Specific\(m, 1\)"):
        answer(registry, version=1)


def test_a_version_in_use_is_closed_after_its_last_lease(folder, exports):
    registry, watcher = watch(folder)
    with registry.lease("m") as old:
        copy_version(exports / "2", folder, 2)
        poll(watcher)
        assert registry.statuses("m")[1].state is State.UNLOADING
        assert answer(registry) == "a of version 2"
        assert old.run("", {"text": [b"b"]})["answer"][0] == b"b of version 1"
    watcher.poll()
    assert registry.statuses("m")[1].state is State.END


def damage(folder):
    """Cut the variables off in the middle."""
    (path,) = folder.glob("variables/variables.data*")
    path.write_bytes(path.read_bytes()[:-10])


@pytest.mark.parametrize(
    "damage",
    [
        damage,
        lambda folder: (folder / "saved_model.pb").write_bytes(b"\xff not a protocol buffer"),
        lambda folder: (folder / "saved_model.pb").write_bytes(b""),
        lambda folder: (folder / "saved_model.pb").write_bytes((folder / "saved_model.pb").read_bytes()[:900]),
        lambda folder: (folder / "variables" / "variables.index").write_bytes(b"x" * 60),
        lambda folder: shutil.rmtree(folder / "variables"),
        lambda folder: tf.saved_model.save(tf.Module(), str(folder)),  # without signatures
    ],
    ids=["variables", "protocol buffer", "empty", "cut off", "index", "no variables", "no signatures"],
)
def test_a_damaged_version_is_logged_once_and_tried_again_when_repaired(folder, exports, tmp_path, damage, caplog):
    registry, watcher = watch(folder)
    copy_version(exports / "2", folder, 2)
    damage(folder / "2")
    for _ in range(4):
        watcher.poll()
    assert answer(registry) == "a of version 1"
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(lines) == 1
    assert lines[0].startswith("Cannot load m version 2: ")
    assert "\n" not in lines[0]
    assert registry.statuses("m")[2].state is State.END
    assert registry.statuses("m")[2].message
    shutil.rmtree(folder / "2")
    copy_version(exports / "3", folder, 2)
    poll(watcher)
    assert answer(registry) == "a of version 3"  # which is its content


def test_an_incomplete_version_is_not_tried(folder, exports, caplog):
    registry, watcher = watch(folder)
    copy_version(exports / "2", folder, 2)
    for path in sorted(folder.glob("2/variables/*")):
        content = path.read_bytes()
        path.unlink()
        poll(watcher)
        assert set(registry.statuses("m")) == {1}
        path.write_bytes(content)
    assert not caplog.records
    poll(watcher)
    assert answer(registry) == "a of version 2"


def test_a_version_that_grows_is_loaded_when_it_stays(folder, exports):
    registry, watcher = watch(folder)
    copy_version(exports / "2", folder, 2)
    for number in range(3):
        (folder / "2" / "assets").mkdir(exist_ok=True)
        (folder / "2" / "assets" / "words.txt").write_text("word\n" * number)
        watcher.poll()
        assert answer(registry) == "a of version 1"
    watcher.poll()
    assert answer(registry) == "a of version 2"


def test_the_next_lower_version_is_served_when_the_first_load_fails(folder, exports):
    (folder / "5").mkdir()
    (folder / "5" / "saved_model.pb").write_bytes(b"\xff")
    registry, _ = watch(folder)
    assert answer(registry) == "a of version 1"


def test_a_removed_version_is_unloaded_unless_it_is_the_last(folder, exports):
    copy_version(exports / "2", folder, 2)
    registry, watcher = watch(folder, parse_policy("all"))
    assert sorted(registry.models["m"]) == [1, 2]
    shutil.rmtree(folder / "2")
    watcher.poll()
    assert answer(registry) == "a of version 1"
    shutil.rmtree(folder / "1")
    poll(watcher)
    assert answer(registry) == "a of version 1"


def test_an_older_version_is_loaded_when_the_latest_is_removed(folder, exports):
    copy_version(exports / "2", folder, 2)
    registry, watcher = watch(folder)
    assert answer(registry) == "a of version 2"
    shutil.rmtree(folder / "2")
    poll(watcher)
    assert answer(registry) == "a of version 1"


def test_a_version_that_is_loaded_again_is_not_unloaded_with_its_old_content(folder, exports):
    copy_version(exports / "2", folder, 2)
    unloaded = []
    registry = Registry(["m"])
    watcher = VersionWatcher([ModelSource("m", folder)], registry, on_unload=unloaded.append)
    watcher.poll()
    with registry.lease("m") as old:
        shutil.rmtree(folder / "2")
        poll(watcher)
        assert answer(registry) == "a of version 1"
        copy_version(exports / "3", folder, 2)
        poll(watcher)
        assert answer(registry) == "a of version 3"  # which is its content
        assert old.version == 2
    watcher.poll()
    assert [model.version for model in unloaded] == [1]
    assert answer(registry, version=2) == "a of version 3"


@pytest.mark.parametrize(
    ("versions", "labels", "available"),
    [
        ("latest", [], {3}),
        ("latest:2", [], {2, 3}),
        ("all", [], {1, 2, 3}),
        ("1,3", [], {1, 3}),
        ("latest", ["stable=1"], {1, 3}),
        ("latest", ["m:stable=1", "other:stable=2"], {1, 3}),
    ],
)
def test_policies_choose_versions(folder, exports, versions, labels, available):
    for version in (2, 3):
        copy_version(exports / str(version), folder, version)
    registry, _ = watch(folder, parse_policy(versions, labels))
    assert set(registry.models["m"]) == available
    if labels:
        assert answer(registry, label="stable") == "a of version 1"
    with pytest.raises(ServingError, match="Unrecognized servable version label: x") as error:
        answer(registry, label="x")
    assert error.value.code is Code.INVALID_ARGUMENT


def test_recorded_requests_warm_up_and_refuse_a_version_that_fails_them(folder, exports, caplog):
    registry, watcher = watch(folder)
    for version, name in ((2, "text"), (3, "other")):
        copy_version(exports / str(version), folder, version)
        write_warm_up(folder / str(version), {name: tf.constant(["warm"])})
    poll(watcher)
    assert answer(registry) == "a of version 2"
    assert "a recorded warm-up request fails" in registry.statuses("m")[3].message


def test_a_damaged_file_of_warm_up_requests_refuses_the_version(folder, exports):
    registry, watcher = watch(folder)
    copy_version(exports / "2", folder, 2)
    write_warm_up(folder / "2", {"text": tf.constant(["warm"])})
    path = folder / "2" / "assets.extra" / "tf_serving_warmup_requests"
    path.write_bytes(path.read_bytes()[:-3])
    poll(watcher)
    assert answer(registry) == "a of version 1"
    assert "cannot be read" in registry.statuses("m")[2].message


def write_warm_up(folder, inputs):
    """Record a request by the official classes of TensorFlow Serving."""
    apis = pytest.importorskip("tensorflow_serving.apis.prediction_log_pb2")
    log = apis.PredictionLog()
    log.predict_log.request.model_spec.signature_name = "serving_default"
    for name, value in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    (folder / "assets.extra").mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "assets.extra" / "tf_serving_warmup_requests")) as writer:
        writer.write(log.SerializeToString())


def test_batching_queues_of_two_signatures_are_apart(tmp_path):
    """TensorFlow names the queues of all batch functions alike, and their requests would be mixed."""
    module = tf.Module()
    specification = [tf.TensorSpec([None], tf.string, name="text")]

    def batched(suffix):
        @tf.function(input_signature=specification)
        def signature(text):
            join = tf.nondifferentiable_batch_function(2, 16, 2000, allowed_batch_sizes=[16])(
                lambda texts: tf.strings.join([texts, suffix])
            )
            return {"answer": join(text)}

        return signature

    module.first, module.second = batched(" first"), batched(" second")
    tf.saved_model.save(module, str(tmp_path), signatures={"first": module.first, "second": module.second})
    model, wrong = LoadedModel("m", 1, tmp_path), []

    def call(number):
        for index in range(20):
            name = ("first", "second")[(number + index) % 2]
            text = f"{number}/{index}"
            if model.run(name, {"text": [text]})["answer"][0].decode() != f"{text} {name}":
                wrong.append(text)

    threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batches = model.batches_by_rows()
    model.close()
    assert not wrong
    assert batches.keys() == {"first", "second"}
    for counts in batches.values():  # 80 requests in batches that are padded to 16 rows
        assert np.flatnonzero(counts).tolist() == [16]
        assert 80 / 16 <= counts[16] <= 80


def test_memory_stays_flat_over_swaps(folder, exports):
    registry, watcher = watch(folder)
    sizes = []
    for version in range(2, 27):
        copy_version(exports / "1", folder, version)
        poll(watcher)
        assert answer(registry) == "a of version 1"
        assert list(registry.models["m"]) == [version]
        shutil.rmtree(folder / str(version - 1))
        sizes.append(resident_memory())
    assert sizes[-1] - sizes[4] < 2, sizes  # over 20 swaps; -0.1 measured
