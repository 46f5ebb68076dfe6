"""Damaged and malicious model folders: one clear line each, before memory is allocated, and no silent change."""

import json
import random
import re
import shutil
import zipfile

import pytest

import zoo
from zoo.pipeline.digests import FILE
from zoo.pipeline.pipeline import SAVED
from zoo.text.tokenizer_settings import CONFIG

DEEP = "[" * 100_000


@pytest.fixture
def folder(model_folder, tmp_path):
    """A copy of a model folder, to be damaged."""
    return shutil.copytree(model_folder, tmp_path / "m")


def check_refused(folder, match):
    with pytest.raises(zoo.UserError, match=match) as error:
        zoo.load(folder)
    assert "\n" not in str(error.value)


def change_network(folder, change):
    """Change the config.json of model.keras."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["config.json"] = change(files["config.json"].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def enlarge(text):
    """A network whose last layer has 10^11 outputs."""
    changed = re.sub(r'("units": )2\b', r"\g<1>100000000000", text)
    assert changed != text
    return changed


def test_all_files_have_digests(folder):
    digests = json.loads((folder / FILE).read_text())
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert set(digests) == files - {FILE}
    assert {"README.md", "history.csv", "run.json", "checkpoint.npz"} < set(digests)


@pytest.mark.parametrize("name", [name for name in SAVED if name != CONFIG])  # published tokenizers have that one
def test_a_changed_character_is_no_other_model(folder, name):
    """Each digit or letter that becomes another one is refused, though it may still be JSON."""
    content = (folder / name).read_bytes()
    numbers = [i for i, byte in enumerate(content) if byte < 128 and chr(byte).isalnum()]
    for index in random.Random(0).sample(numbers, 5):
        changed = b"7" if content[index : index + 1] != b"7" else b"8"
        (folder / name).write_bytes(content[:index] + changed + content[index + 1 :])
        check_refused(folder, "m/?")


def test_a_file_that_was_changed_on_purpose(folder):
    path = folder / "scores.json"
    path.write_text(path.read_text().replace("0.", "0.1", 1))
    check_refused(
        folder, "scores.json is not the file that was saved.*If you changed it on purpose, delete .*digests.json"
    )
    (folder / "README.md").write_text("My own words.")  # is not read
    (folder / FILE).unlink()
    assert zoo.load(folder).scores["test"]


def test_a_file_that_was_added(folder):
    (folder / CONFIG).write_text('{"cls_token": "a"}')
    check_refused(folder, "tokenizer_config.json is not the file that was saved")


def test_a_folder_of_an_older_version_has_no_digests(folder):
    (folder / FILE).unlink()
    assert zoo.load(folder).predict("a great film")["label"] == "good"


def test_a_model_saved_twice_has_new_digests(folder, tmp_path):
    pipeline = zoo.load(folder)
    (folder / "notes").mkdir()
    pipeline.scores["test"]["accuracy"] = 0.5
    (folder / CONFIG).write_text("{}")  # of another model, saved there before
    pipeline.save(folder)
    assert not (folder / CONFIG).exists()
    assert zoo.load(folder).scores["test"]["accuracy"] == 0.5


@pytest.mark.parametrize(
    "scores", ["3", "[]", '{"test": 3}', '{"test": {"accuracy": "high"}}', '{"test": {"f1": null}}', DEEP]
)
def test_scores_of_other_types(folder, scores):
    (folder / "scores.json").write_text(scores)
    check_refused(folder, "scores.json cannot be read")


@pytest.mark.parametrize("baselines", ["3", '{"test": 3}', '{"test": {"metric": []}}', DEEP])
def test_baselines_of_other_types(folder, baselines):
    (folder / "baselines.json").write_text(baselines)
    check_refused(folder, "baselines.json cannot be read")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda values: [values], "Expected the JSON of a preset. Received: "),
        (lambda values: values | {"architecture": 3}, "Expected a JSON object with the fields of architecture"),
        (
            lambda values: values | {"architecture": {"name": ["averaging"]}},
            "Unknown architecture. Received: .'averaging'.",
        ),
        (
            lambda values: values | {"architecture": values["architecture"] | {"width": "16"}},
            "Expected a whole number for arch",
        ),
        (
            lambda values: values | {"architecture": values["architecture"] | {"width": True}},
            "Expected a whole number for arch",
        ),
        (
            lambda values: values | {"objective": values["objective"] | {"labels": [["x"]]}},
            "Expected .* for objective.labels",
        ),
        (
            lambda values: values | {"objective": values["objective"] | {"labels": {"x": 1}}},
            "Expected .* for objective.labels",
        ),
        (lambda values: values | {"data": "x"}, "Expected a JSON object with the fields of data"),
        (
            lambda values: values | {"data": values["data"] | {"columns": [1]}},
            "Expected an object in JSON for data.columns",
        ),
        (
            lambda values: values | {"training": values["training"] | {"learning_rate": None}},
            "Expected a number for training",
        ),
        (lambda values: values | {"format": {}}, "Expected preset format 2. Received: {}"),
    ],
)
def test_odd_types_in_a_preset(folder, change, match):
    path = folder / "preset.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    check_refused(folder, f"preset.json cannot be read: .*{match}")


@pytest.mark.parametrize("text", [DEEP, "9" * 5000, "{", "\ud800"])
def test_a_preset_that_is_no_json(folder, text):
    (folder / "preset.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    check_refused(folder, "preset.json cannot be read: ")


def test_a_network_too_large_for_memory(folder):
    change_network(folder, enlarge)
    check_refused(folder, r"model.keras cannot be read: Expected a network whose weights are in the file, of .* MB")


def test_a_network_that_fails_after_a_layer_too_large(folder):
    def change(text):
        return enlarge(text).replace('"output_layers": [[', '"output_layers": [["none", 0, 0], [')

    change_network(folder, change)
    check_refused(folder, "model.keras cannot be read: ")


def test_a_network_nested_too_deeply(folder):
    change_network(folder, lambda _: DEEP)
    check_refused(folder, "model.keras cannot be read: .*nested too deeply")


def test_a_bomb_is_not_unpacked(folder):
    change_network(folder, lambda text: text + " " * 50_000_000)
    check_refused(folder, "Expected config.json of up to 17 MB. Received: 50 MB, packed in 0.0 MB")


def test_runs_are_listed_beside_a_damaged_one(folder, capsys):
    from zoo.training.run_list import list_runs

    before = list_runs(folder.parent)
    assert before[0].score is not None
    for name in ("scores.json", "preset.json", "run.json"):
        (folder / name).write_text(DEEP)
    assert [run.score for run in list_runs(folder.parent)] == [None]


@pytest.mark.parametrize("labels", [[], ["good"], ["good", "bad", "other"]])
def test_labels_of_another_network(folder, labels):
    values = json.loads((folder / "preset.json").read_text())
    values["objective"]["labels"] = labels
    (folder / "preset.json").write_text(json.dumps(values))
    (folder / FILE).unlink()
    check_refused(
        folder, f"Expected 2 labels in .*preset.json, for the outputs of model.keras. Received: {len(labels)}"
    )
