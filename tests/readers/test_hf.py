"""Hugging Face datasets: local folders by `load_dataset`, folders of `save_to_disk`; mistakes in one line."""

import datasets
import pytest

from zoo.data.opening import open_dataset
from zoo.readers.hf import _candidates
from zoo.runtime import optional

FEATURES = datasets.Features({"sentence": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """The cache of the library, for one test, without progress bars."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def dataset(*labels):
    columns = {"sentence": [f"text {i}" for i in range(len(labels))], "label": list(labels)}
    return datasets.Dataset.from_dict(columns, features=FEATURES)


def labels(data, split):
    return [record["label"] for record in data.records(split)]


def test_a_folder_that_load_dataset_reads(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for shard in (0, 1):
        dataset(0, 1, -1, 1).to_parquet(folder / f"train-0000{shard}-of-00002.parquet")
    dataset(1, 0).to_parquet(folder / "validation-00000-of-00001.parquet")
    dataset(-1, -1).to_parquet(folder / "test-00000-of-00001.parquet")
    data = open_dataset(f"hf:{folder}", required=("text", "label"), split_strategy="")
    with pytest.raises(ValueError, match=rf"^Expected one file for the train split.* hf:{folder} reads all of them\.$"):
        open_dataset(folder)
    assert data.splits == ("train", "validation")  # of the test split the classes are secret
    assert labels(data, "train") == ["no", "yes", "yes"] * 2  # rows without a class are left out
    location, record = list(data.located_records("validation"))[1]
    assert (location, record) == (f"hf:{folder}#validation record 2", {"text": "text 1", "label": "no"})
    again = open_dataset(f"hf:{folder}#validation", required=("text", "label"), split_strategy="")
    assert again.fingerprint("validation") == data.fingerprint("validation") != data.fingerprint("train")


def test_a_config_in_a_folder(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "README.md").write_text(
        "---\nconfigs:\n- config_name: small\n  data_files: s.jsonl\n- config_name: large\n  data_files: l.jsonl\n---\n"
    )
    (folder / "s.jsonl").write_text('{"text": "small"}\n')
    (folder / "l.jsonl").write_text('{"text": "large"}\n')
    assert list(open_dataset(f"hf:{folder}/large", split_strategy="").records("train")) == [{"text": "large"}]
    with pytest.raises(ValueError, match=r"^Expected hf:OWNER/NAME.*Config name is missing.*small") as caught:
        open_dataset(f"hf:{folder}")
    assert "\n" not in str(caught.value)


def test_a_saved_dataset_dict(tmp_path):
    folder = tmp_path / "saved"
    datasets.DatasetDict(train=dataset(0, 1), test=dataset(1), extra=dataset(1, 1)).save_to_disk(folder)
    data = open_dataset(folder, split_strategy="")
    assert data.splits == ("train", "test")
    assert labels(data, "train") == ["no", "yes"]
    assert data.describe("test") == str(folder / "test")
    assert labels(open_dataset(f"{folder}/extra", split_strategy=""), "train") == ["yes", "yes"]
    assert labels(open_dataset(f"hf:{folder}#extra"), "test") == ["yes", "yes"]


def test_a_saved_dataset(tmp_path):
    folder = tmp_path / "saved"
    dataset(*[0, 1] * 20).select(range(20)).save_to_disk(folder, num_shards=3)
    data = open_dataset(folder)
    assert [len(labels(data, split)) for split in data.splits] == [16, 2, 2]
    assert open_dataset(folder).fingerprint("train") == data.fingerprint("train")


def test_a_damaged_saved_dataset(tmp_path):
    folder = tmp_path / "saved"
    dataset(0, 1).save_to_disk(folder)
    (folder / "state.json").write_text("{")
    with pytest.raises(ValueError, match=r"^Cannot read the dataset in .*saved: \w+: .*\.$"):
        open_dataset(folder)


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("imdb", [("imdb", "")]),
        ("glue/sst2", [("glue/sst2", ""), ("glue", "sst2")]),
        ("nyu-mll/glue/sst2", [("nyu-mll/glue", "sst2")]),
    ],
)
def test_names_of_the_hub(name, candidates):
    assert _candidates(name) == candidates


def test_the_config_of_a_name_without_owner(monkeypatch):
    def load_dataset(name, config):
        if name != "glue":
            raise datasets.exceptions.DatasetNotFoundError(f"Dataset '{name}' doesn't exist on the Hub")
        return datasets.DatasetDict(train=dataset(0, 1 if config == "sst2" else 0))

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    assert labels(open_dataset("hf:glue/sst2", split_strategy=""), "train") == ["no", "yes"]
    with pytest.raises(
        ValueError, match=r"^Expected hf:OWNER/NAME.*Received: 'hf:gleu/sst2' \(DatasetNotFoundError: .*"
    ):
        open_dataset("hf:gleu/sst2")


def test_a_missing_library_names_the_extra(monkeypatch):
    def missing(module):
        raise ImportError(f"No module named {module!r}")

    monkeypatch.setattr(optional, "import_module", missing)
    expected = r'^Reading data sets of Hugging Face needs .*: pip install "keras-text-zoo\[hf\]"$'
    with pytest.raises(ValueError, match=expected):
        open_dataset("hf:imdb")
