"""Folders for transformers: written, read there, with the same logits; and read here again."""

import json
import subprocess
import sys

import numpy as np
import pytest
from references import NAMES, Golden, write_tokenizer
from safetensors.numpy import load_file

from zoo.checkpoints.folder import import_folder
from zoo.checkpoints.hf_export import write_huggingface

THEIRS = """
import sys, warnings
import numpy as np, torch, transformers
warnings.simplefilter("ignore")
for place in sys.argv[1:]:
    config = transformers.AutoConfig.from_pretrained(place)
    make = getattr(transformers, config.architectures[0])
    model, found = make.from_pretrained(place, output_loading_info=True)
    assert not any(found[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), (place, found)
    given = dict(np.load(place + "/inputs.npz"))
    with torch.no_grad():
        found = model.eval()(**{name: torch.tensor(array).long() for name, array in given.items()})
    logits = found.logits if "logits" in found else torch.stack([found.start_logits, found.end_logits], -1)
    np.save(place + "/logits.npy", logits.numpy())
    tokenizer = transformers.AutoTokenizer.from_pretrained(place)
    assert "input_ids" in tokenizer("w7 w8"), place
"""
INPUTS = {"tokens": "input_ids", "segments": "token_type_ids", "source": "input_ids", "target": "decoder_input_ids"}


@pytest.fixture(scope="module")
def exported_folder(tmp_path_factory):
    """{name: folder} of each golden network, imported and written again, with what transformers makes of it."""
    root, folders = tmp_path_factory.mktemp("written"), {}
    for name in NAMES:
        golden = Golden(name)
        padding = golden.config["pad_token_id"] or 0
        write_tokenizer(golden.write(root / f"{name}_in"), padding=padding)
        folders[name] = write_huggingface(import_folder(root / f"{name}_in"), root / name)
        inputs = {INPUTS[key]: array for key, array in golden.part("input").items()}
        padding_mask = inputs["input_ids"] != padding if "decoder_input_ids" in inputs else golden["visible"]
        np.savez(folders[name] / "inputs.npz", attention_mask=padding_mask, **inputs)
    command = [sys.executable, "-c", THEIRS, *map(str, folders.values())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folders


@pytest.mark.parametrize("name", NAMES)
def test_transformers_reads_what_is_written(exported_folder, name):
    golden = Golden(name)
    actual, expected = np.load(exported_folder[name] / "logits.npy"), golden["logits"]
    seen = golden["visible"] if actual.ndim == 3 else slice(None)
    np.testing.assert_allclose(actual[seen], expected[seen], atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_changes_on_the_way(exported_folder, name):
    """Tensors are the reference's, but for copies, and for RoBERTa's only token type, which is in the positions."""
    golden, actual = Golden(name).part("tensor"), load_file(exported_folder[name] / "model.safetensors")
    assert set(actual) <= set(golden)
    moved = "roberta.embeddings."
    for key, array in actual.items():
        if not key.startswith((moved + "token_type", moved + "position")):
            np.testing.assert_array_equal(array, golden[key], err_msg=key)


def test_labels_survive(exported_folder):
    config = json.loads((exported_folder["bert"] / "config.json").read_text())
    assert config["id2label"] == {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}
    assert config["architectures"] == ["BertForSequenceClassification"]
    config = json.loads((exported_folder["bert_tag_tokens"] / "config.json").read_text())
    assert config["id2label"] == {"0": "O", "1": "B-place", "2": "I-place"}
    assert import_folder(exported_folder["bert_tag_tokens"]).objective.scheme == "bio"


def test_a_published_head_answers(exported_folder):
    spans = import_folder(exported_folder["bert_tag_tokens"]).predict("w5 w6 w7 w30")
    assert {span["label"] for span in spans} == {"place"}


def test_what_transformers_does_not_have_is_refused(model_folder, tmp_path):
    import zoo

    with pytest.raises(ValueError, match=r"Expected an architecture that transformers has. Received: Averaging"):
        write_huggingface(zoo.load(model_folder), tmp_path / "out")
    assert not (tmp_path / "out").exists()
