"""Bad checkpoint folders: an error of one line each, and unchanged weights."""

import json

import numpy as np
import pytest
from keras import ops
from references import Golden, write_tokenizer
from safetensors.numpy import save_file

import zoo
from zoo.checkpoints.folder import import_folder
from zoo.checkpoints.hf_config import read_architecture
from zoo.checkpoints.resolve import resolve

GOLDEN = Golden("bert")
POSITIONS = "bert.embeddings.position_embeddings.weight"


@pytest.fixture(scope="module")
def backbone():
    return read_architecture(GOLDEN.config).backbone()


@pytest.fixture
def check_refused(backbone):
    """A function that checks that a folder is refused in one line, with no weight changed."""

    def check(folder, match):
        before = [ops.convert_to_numpy(weight.value).copy() for weight in backbone.weights]
        with pytest.raises(ValueError, match=match) as caught:
            zoo.load_weights(backbone, folder)
        assert "\n" not in str(caught.value)
        for old, weight in zip(before, backbone.weights, strict=True):
            np.testing.assert_array_equal(old, ops.convert_to_numpy(weight.value))

    return check


def tensors(**changes):
    """The reference's tensors, with `changes`; None removes a tensor."""
    return {name: array for name, array in (GOLDEN.part("tensor") | changes).items() if array is not None}


def test_a_missing_tensor(check_refused, tmp_path):
    folder = GOLDEN.write(tmp_path, tensors(**{POSITIONS: None}))
    check_refused(folder, rf"Expected the tensor {POSITIONS} in .*, for positions/embeddings. Received: none")


def test_another_shape(check_refused, tmp_path):
    folder = GOLDEN.write(tmp_path, tensors(**{POSITIONS: np.zeros((9, 16), "float32")}))
    check_refused(
        folder, r"position_embeddings.weight .* of shape \(12, 16\), for positions/embeddings. Received: \(9, 16\)"
    )


def test_a_fused_tensor_without_three_parts(tmp_path):
    gpt2, name = Golden("gpt2"), "transformer.h.0.attn.c_attn.weight"
    folder = gpt2.write(tmp_path, gpt2.part("tensor") | {name: np.zeros((16, 49), "float32")})
    with pytest.raises(ValueError, match=r"c_attn.weight .* of shape \(16, 16\), for .* Received: \(16, 49\)"):
        zoo.load_weights(read_architecture(gpt2.config).backbone(), folder)


def test_a_tensor_too_many(check_refused, tmp_path):
    folder = GOLDEN.write(tmp_path, tensors(**{"bert.extra.weight": np.zeros(3, "float32")}))
    check_refused(folder, r"Received: 1 others in .*, such as extra.weight: is it another architecture than bert")


@pytest.mark.parametrize("architecture", ["roberta", "gpt2", "llama"])
def test_another_architecture(check_refused, tmp_path, architecture):
    check_refused(Golden(architecture).write(tmp_path), r"Expected .* Received: ")


def test_an_unknown_architecture(check_refused, tmp_path):
    check_refused(
        GOLDEN.write(tmp_path, model_type="berd"), r"Unknown model_type .* 'berd'. Did you mean 'bert'\? Known: "
    )


def test_unsupported_settings(tmp_path):
    folder = GOLDEN.write(tmp_path, hidden_act="relu")
    with pytest.raises(ValueError, match=r"Expected hidden_act of gelu or gelu_new in config.json. Received: 'relu'"):
        import_folder(folder)
    llama = Golden("llama").config
    for change in ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, {"head_dim": 3}):
        with pytest.raises(ValueError, match=r"Expected (rotary positions as in Llama|heads that share)"):
            read_architecture(llama | change)


def test_a_truncated_file(check_refused, tmp_path):
    path = GOLDEN.write(tmp_path) / "model.safetensors"
    full = path.read_bytes()
    for size in (0, 5, 300, len(full) - 4):
        path.write_bytes(full[:size])
        check_refused(tmp_path, r"Expected a whole safetensors file. Received: .*model.safetensors, which is truncated")
    path.write_bytes(b"\xff" * 200)
    check_refused(tmp_path, r"Expected a whole safetensors file")


def test_pickles_are_never_read(check_refused, tmp_path):
    (GOLDEN.write(tmp_path) / "model.safetensors").unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    check_refused(
        tmp_path, r"Expected model.safetensors in .* Received: only pytorch_model.bin, pickles, which may run any code"
    )
    check_refused(tmp_path / "pytorch_model.bin", r"pytorch_model.bin, a pickle, which is never read")


def test_incomplete_folders(check_refused, tmp_path):
    check_refused(tmp_path, r"Expected config.json in .* Received: a folder without one")
    check_refused(tmp_path / "nowhere", r"Expected config.json in .* Received: no such folder")
    (tmp_path / "config.json").write_text("{")
    check_refused(tmp_path, r"Expected a config.json. Received: .* damaged")
    (GOLDEN.write(tmp_path) / "model.safetensors").unlink()
    check_refused(tmp_path, r"Expected model.safetensors in .* Received: no such file")


def test_shards(backbone, check_refused, tmp_path):
    folder, parts = GOLDEN.write(tmp_path), GOLDEN.part("tensor")
    (folder / "model.safetensors").unlink()
    names = sorted(parts)
    files = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(names)}
    for file in set(files.values()):
        save_file({name: parts[name] for name in names if files[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    zoo.load_weights(backbone, folder)
    np.testing.assert_array_equal(ops.convert_to_numpy(backbone.get_layer("positions").embeddings), parts[POSITIONS])
    (folder / files[POSITIONS]).unlink()
    check_refused(folder, r"Expected model-0000\d-of-00002.safetensors, which .* names. Received: no such file")
    (folder / "model.safetensors.index.json").write_text("[]")
    check_refused(folder, r"Expected the index of safetensors files. Received: .* damaged")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_read(backbone, tmp_path, dtype):
    import ml_dtypes

    half = {name: array.astype(getattr(ml_dtypes, dtype, dtype)) for name, array in GOLDEN.part("tensor").items()}
    zoo.load_weights(backbone, GOLDEN.write(tmp_path, half))
    actual = ops.convert_to_numpy(backbone.get_layer("positions").embeddings)
    assert actual.dtype == "float32"
    np.testing.assert_array_equal(actual, half[POSITIONS].astype("float32"))


def test_names_of_old_files_are_understood(backbone, tmp_path):
    old = {"bert.embeddings.LayerNorm.gamma": "weight", "bert.embeddings.LayerNorm.beta": "bias"}
    state = tensors()
    renamed = {name: state.pop(f"bert.embeddings.LayerNorm.{leaf}") for name, leaf in old.items()}
    state = {name.removeprefix("bert."): array for name, array in (state | renamed).items()}
    ids = {"embeddings.position_ids": np.arange(12)[None]}
    loaded = zoo.load_weights(backbone, GOLDEN.write(tmp_path, state | ids))
    assert loaded.new == ()
    assert {name.rpartition(".")[0] for name in loaded.unused} == {"classifier", "pooler.dense", "embeddings"}


def test_a_tokenizer_of_another_model(tmp_path):
    write_tokenizer(GOLDEN.write(tmp_path), 41)
    with pytest.raises(ValueError, match=r"Expected a tokenizer of at most 40 ids in .*, as many .* Received: 41"):
        import_folder(tmp_path)


def test_a_folder_without_a_tokenizer(tmp_path):
    with pytest.raises(ValueError, match=r"holds no tokenizer"):
        import_folder(GOLDEN.write(tmp_path))


def test_a_head_without_its_tensors(tmp_path):
    write_tokenizer(GOLDEN.write(tmp_path, tensors(**{"classifier.weight": None, "classifier.bias": None})))
    with pytest.raises(ValueError, match=r"Expected the weights of logits in .* Received: none"):
        import_folder(tmp_path)


def test_sentence_transformers_of_an_unknown_kind(tmp_path):
    write_tokenizer(GOLDEN.write(tmp_path, architectures=["BertModel"]))
    (tmp_path / "modules.json").write_text('[{"type": "sentence_transformers.models.Dense"}]')
    with pytest.raises(ValueError, match=r"modules.json. Received: Dense"):
        import_folder(tmp_path)
    (tmp_path / "modules.json").unlink()
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text('{"pooling_mode_weightedmean_tokens": true}')
    with pytest.raises(ValueError, match=r"Expected one pooling mode of .* Received: weightedmean"):
        import_folder(tmp_path)


def test_a_model_is_imported_into_a_new_folder_only(tmp_path):
    with pytest.raises(ValueError, match=r"Expected a new folder to save the model in. Received: .* exists"):
        zoo.import_model(GOLDEN.write(tmp_path / "in"), tmp_path)


def test_names_without_a_network(monkeypatch):
    import huggingface_hub

    def fail(*args, **options):
        raise OSError("no route\nto host")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ValueError, match=r"Cannot fetch a/b from Hugging Face \(OSError: no route to host\). Without"):
        resolve("hf:a/b")
