"""Export to Hugging Face: transformers loads the folder and computes the same logits; the zoo imports it again."""

import json
import subprocess
import sys

import numpy as np
import pytest
from references import NAMES, Golden, write_tokenizer
from safetensors.numpy import load_file

from zoo.checkpoints.folder import import_folder
from zoo.checkpoints.hf_export import write_huggingface

TRANSFORMERS = """
import sys, warnings
import numpy as np, torch, transformers
warnings.simplefilter("ignore")
for folder in sys.argv[1:]:
    config = transformers.AutoConfig.from_pretrained(folder)
    make = getattr(transformers, config.architectures[0])
    model, info = make.from_pretrained(folder, output_loading_info=True)
    assert not any(info[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")), (folder, info)
    inputs = dict(np.load(folder + "/inputs.npz"))
    with torch.no_grad():
        outputs = model.eval()(**{name: torch.tensor(array).long() for name, array in inputs.items()})
    logits = outputs.logits if "logits" in outputs else torch.stack([outputs.start_logits, outputs.end_logits], -1)
    np.save(folder + "/logits.npy", logits.numpy())
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert "input_ids" in tokenizer("w7 w8"), folder
"""
INPUTS = {"tokens": "input_ids", "segments": "token_type_ids", "source": "input_ids", "target": "decoder_input_ids"}


@pytest.fixture(scope="module")
def exported_folders(tmp_path_factory):
    """{name: folder} of each golden network, imported and exported, with the logits of transformers."""
    root, folders = tmp_path_factory.mktemp("written"), {}
    for name in NAMES:
        golden = Golden(name)
        padding = golden.config["pad_token_id"] or 0
        write_tokenizer(golden.write(root / f"{name}_in"), padding=padding)
        folders[name] = write_huggingface(import_folder(root / f"{name}_in"), root / name)
        inputs = {INPUTS[key]: array for key, array in golden.part("input").items()}
        padding_mask = inputs["input_ids"] != padding if "decoder_input_ids" in inputs else golden["visible"]
        np.savez(folders[name] / "inputs.npz", attention_mask=padding_mask, **inputs)
    command = [sys.executable, "-c", TRANSFORMERS, *map(str, folders.values())]
    process = subprocess.run(command, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-3000:]
    return folders


@pytest.mark.parametrize("name", NAMES)
def test_transformers_loads_the_export(exported_folders, name):
    golden = Golden(name)
    actual, expected = np.load(exported_folders[name] / "logits.npy"), golden["logits"]
    padding_mask = golden["visible"] if actual.ndim == 3 else slice(None)
    np.testing.assert_allclose(actual[padding_mask], expected[padding_mask], atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_tensors_are_exported_unchanged(exported_folders, name):
    """But for copies, and for RoBERTa's only token type, whose embedding is added to the positions."""
    golden, actual = Golden(name).part("tensor"), load_file(exported_folders[name] / "model.safetensors")
    assert set(actual) <= set(golden)
    embeddings = "roberta.embeddings."
    for key, array in actual.items():
        if not key.startswith((embeddings + "token_type", embeddings + "position")):
            np.testing.assert_array_equal(array, golden[key], err_msg=key)


def test_labels_survive(exported_folders):
    config = json.loads((exported_folders["bert"] / "config.json").read_text())
    assert config["id2label"] == {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}
    assert config["architectures"] == ["BertForSequenceClassification"]
    config = json.loads((exported_folders["bert_tag_tokens"] / "config.json").read_text())
    assert config["id2label"] == {"0": "O", "1": "B-place", "2": "I-place"}
    assert import_folder(exported_folders["bert_tag_tokens"]).objective.scheme == "bio"


def test_a_published_head_answers(exported_folders):
    spans = import_folder(exported_folders["bert_tag_tokens"]).predict("w5 w6 w7 w30")
    assert {span["label"] for span in spans} == {"place"}


def test_an_architecture_that_transformers_lacks_is_refused(model_folder, tmp_path):
    import zoo

    with pytest.raises(ValueError, match=r"Expected an architecture that transformers has. Received: Averaging"):
        write_huggingface(zoo.load(model_folder), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["Bart", "T5"])
def test_a_classifier_of_an_encoder_decoder_answers_as_in_transformers(name, tmp_path):
    """Imported from transformers, and exported to it again; of pairs of texts too."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    sizes = {
        "Bart": {
            **{f"{part}_{key}": 1 for part in ("encoder", "decoder") for key in ("layers", "attention_heads")},
            **{"encoder_ffn_dim": 24, "decoder_ffn_dim": 24, "max_position_embeddings": 24, "init_std": 0.5},
        },
        "T5": {"d_kv": 8, "d_ff": 24, "num_layers": 1, "num_heads": 2, "initializer_factor": 2.0},
    }
    torch.manual_seed(0)
    ids = {"pad_token_id": 0, "eos_token_id": 3, "decoder_start_token_id": 2}
    config = getattr(transformers, f"{name}Config")(vocab_size=40, d_model=16, num_labels=3, **ids, **sizes[name])
    model = getattr(transformers, f"{name}ForSequenceClassification")(config).eval()
    model.save_pretrained(tmp_path / "in")
    write_tokenizer(tmp_path / "in", ending="[SEP]")
    pipeline = import_folder(tmp_path / "in", pair=True)
    write_huggingface(pipeline, tmp_path / "out")
    for folder in ("in", "out"):
        again = type(model).from_pretrained(tmp_path / folder).eval()
        for texts in (("w7 w8", "w9"), ("w20 w21 w5", "w5 w6")):
            tokens = torch.tensor([pipeline.tokenizer.encode(*texts).ids.tolist()])
            with torch.no_grad():
                expected = again(input_ids=tokens).logits.softmax(-1)[0].tolist()
            answer = pipeline.predict(texts)["probabilities"]
            assert [answer[f"LABEL_{i}"] for i in range(3)] == pytest.approx(expected, rel=1e-3)
