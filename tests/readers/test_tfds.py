"""Real TFDS builders, prepared from local files without a network."""

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import pytest

from zoo.data.opening import open_dataset

if keras.config.backend() != "tensorflow":
    pytest.skip("TFDS needs TensorFlow; shown once, in the run on the tensorflow backend", allow_module_level=True)

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # the library's own
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
GSM8K = "https://raw.githubusercontent.com/openai/grade-school-math/master/grade_school_math/data/"
CLINC = "https://github.com/jereliu/datasets/raw/master/clinc_oos.zip"
SHAKESPEARE = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory):
    """TFDS's data folder for this module."""
    from tensorflow_datasets.core import constants

    folder = tmp_path_factory.mktemp("tfds")
    before, constants.DATA_DIR = constants.DATA_DIR, str(folder)
    yield folder
    constants.DATA_DIR = before


def local_file(path):
    if not (DATA / path).exists():
        pytest.skip(f"{DATA / path} does not exist")
    return DATA / path


def add_download(folder, name, url, write):
    """Puts a file into TFDS's download cache: `write` writes it to a path."""
    import tensorflow_datasets as tfds
    from tensorflow_datasets.core.download import resource

    url_info = (tfds.builder(name, data_dir=str(folder)).url_infos or {}).get(url)
    path = folder / "downloads" / resource.get_dl_fname(url, url_info.checksum if url_info else None)
    path.parent.mkdir(exist_ok=True)
    write(path)
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    info = {"urls": [url], "dataset_names": [name], "original_fname": url.rpartition("/")[2]}
    info["url_info"] = {"size": path.stat().st_size, "checksum": checksum, "filename": info["original_fname"]}
    Path(f"{path}.INFO").write_text(json.dumps(info))


def clinc_zip(path, splits):
    """clinc_oos.zip as TFDS reads it, made from CLINC150's own file (which has no domains)."""
    names = {"train": "train", "val": "val", "test": "test", "oos_train": "train_ood", "oos_val": "val_ood"}
    with zipfile.ZipFile(path, "w") as archive:
        for split, name in (names | {"oos_test": "test_ood"}).items():
            table = io.StringIO()
            rows = csv.writer(table)
            rows.writerow(["text", "intent", "domain", "intent_name", "domain_name"])
            rows.writerows([text, 0, 0, intent, "unknown"] for text, intent in splits[split])
            archive.writestr(f"{name}.csv", table.getvalue())


def test_clinc_oos(folder):
    file = local_file("clinc150/data_full.json")
    splits = json.loads(file.read_text())
    add_download(folder, "clinc_oos", CLINC, lambda path: clinc_zip(path, splits))
    dataset = open_dataset("tfds:clinc_oos", required=("text", "label"))
    assert dataset.splits == ("train", "validation", "test")
    assert dataset.derived_splits == ()
    plain = open_dataset(file)
    for split in dataset.splits:
        from_tfds = sorted((r["text"], r["label"]) for r in dataset.records(split))
        assert from_tfds == sorted((r["text"], r["label"]) for r in plain.records(split))
    assert len({r["label"] for r in dataset.records("train")}) == 150
    assert list(dataset.records("test")) == list(dataset.records("test"))
    out_of_scope = open_dataset("tfds:clinc_oos#test_oos")
    assert out_of_scope.splits == ("test",)
    assert {r["label"] for r in out_of_scope.records("test")} == {"oos"}
    assert out_of_scope.fingerprint("test") != dataset.fingerprint("test")
    domains = open_dataset("tfds:clinc_oos", columns={"label": "domain_name"})
    assert {r["label"] for r in domains.records("validation")} == {"unknown"}
    with pytest.raises(ValueError, match=r"Unknown split of tfds:clinc_oos.*'test_os'.*Did you mean 'test_oos'"):
        open_dataset("tfds:clinc_oos#test_os")
    with pytest.raises(ValueError, match=r"Expected a column 'tags' at tfds:clinc_oos#train record 1.*columns="):
        open_dataset("tfds:clinc_oos", required=("tags",))


def test_nothing_but_records_reaches_standard_output(folder):
    local_file("clinc150/data_full.json")
    command = "from zoo.data.opening import open_dataset; print(open_dataset('tfds:clinc_oos').splits)"
    environment = {**os.environ, "TFDS_DATA_DIR": str(folder)}
    result = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert result.stdout == "('train', 'validation', 'test')\n"


def test_tiny_shakespeare(folder):
    file = local_file("tinyshakespeare/input.txt")
    add_download(folder, "tiny_shakespeare", SHAKESPEARE, lambda path: shutil.copyfile(file, path))
    dataset = open_dataset("tfds:tiny_shakespeare", required=("text",))
    assert "".join(r["text"] for split in dataset.splits for r in dataset.records(split)) == file.read_text()


def test_gsm8k(folder):
    for split in ("train", "test"):
        file = local_file(f"gsm8k/{split}.jsonl")
        for name in (split, f"{split}_socratic"):  # the builder wants both; the second has the same form
            add_download(folder, "gsm8k", f"{GSM8K}{name}.jsonl", lambda path, file=file: shutil.copyfile(file, path))
    dataset = open_dataset("tfds:gsm8k", required=("source", "target"))
    assert (dataset.splits, dataset.derived_splits) == (("train", "validation", "test"), ("validation",))
    assert sum(1 for _ in dataset.records("test")) == 1319
    assert sum(1 for split in ("train", "validation") for _ in dataset.records(split)) == 7473
    record = next(dataset.records("test"))
    assert record["instruction"] == record["source"] == record["question"]
    assert "####" in record["target"] == record["output"]


def test_unknown_name_names_the_nearest():
    with pytest.raises(
        ValueError, match=r"Unknown TensorFlow Dataset. Received: 'imdb_reveiws'. Did you mean 'imdb_rev"
    ):
        open_dataset("tfds:imdb_reveiws")


def test_unknown_config_names_the_nearest():
    with pytest.raises(ValueError, match=r"Cannot open tfds:glue/sst3.*Did you mean 'sst2'.*Its configs: ax, cola"):
        open_dataset("tfds:glue/sst3")


def test_no_network_says_what_to_do(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there, so this fails at once
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("zoo.readers.tfds.RETRIES", 0)
    with pytest.raises(ValueError, match=r"Expected to download and prepare tfds:trec.*TFDS_DATA_DIR"):
        open_dataset("tfds:trec")


def prepare_made_up(folder):
    """A builder with every kind of feature, prepared in TFDS's folder."""
    import numpy as np
    import tensorflow_datasets as tfds

    class ZooMadeUp(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {
                "premise": tfds.features.Text(),
                "hypothesis": tfds.features.Text(),
                "label": tfds.features.ClassLabel(names=["no", "yes"]),
                "score": np.float32,
                "tokens": tfds.features.Sequence(tfds.features.Text()),
                "tags": tfds.features.Sequence(tfds.features.ClassLabel(names=["O", "B-city"])),
                "answers": tfds.features.Sequence({"text": tfds.features.Text(), "answer_start": np.int32}),
            }
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

        def _split_generators(self, _):
            return {split: self._generate_examples() for split in ("train", "validation_matched", "unsupervised")}

        def _generate_examples(self):
            answers = {"text": ["Łódź"], "answer_start": [3]}
            shared = {"hypothesis": "h", "score": 3.8, "tokens": ["in", "Łódź"], "tags": ["O", "B-city"]}
            for number, label in enumerate(["yes", -1, "no"]):
                yield number, {"premise": f"in Łódź {number}", "label": label, "answers": answers, **shared}

    ZooMadeUp(data_dir=str(folder)).download_and_prepare()


def test_every_kind_of_feature(folder):
    prepare_made_up(folder)
    dataset = open_dataset("tfds:zoo_made_up", columns={"source": "score"})
    assert dataset.splits == ("train", "validation")
    records = sorted(dataset.records("validation"), key=lambda record: record["text"])
    assert records[0] == {
        "text": "in Łódź 0",
        "text_pair": "h",
        "label": "yes",
        "source": "3.8",
        "tokens": ["in", "Łódź"],
        "tags": ["O", "B-city"],
        "answers": [{"text": "Łódź", "start": 3}],
    }
    assert [record["label"] for record in records] == ["yes", "no"]  # the row without a class is left out
    unlabelled = open_dataset("tfds:zoo_made_up#unsupervised", required=("text",))
    assert sum(1 for _ in unlabelled.records("test")) == 3
