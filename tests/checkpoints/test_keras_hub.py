"""Presets of KerasHub: conversion gives the same features and logits, and errors are one line."""

import sys

import keras
import numpy as np
import pytest
from keras import ops
from tiny import all_or_few

import zoo
from zoo.checkpoints.hf_config import read_architecture, read_config
from zoo.checkpoints.resolve import resolve
from zoo.objectives import build_model
from zoo.objectives.translate import Translate

pytestmark = pytest.mark.filterwarnings("ignore")  # of keras_hub and what it imports
SIZES = {"vocabulary_size": 40, "num_layers": 2, "hidden_dim": 16, "intermediate_dim": 24}
BACKBONES = {
    "Bert": {"num_heads": 2, "max_sequence_length": 12},
    "Roberta": {"num_heads": 2, "max_sequence_length": 12},
    "DistilBert": {"num_heads": 2, "max_sequence_length": 12},
    "GPT2": {"num_heads": 2, "max_sequence_length": 12},
    "Bart": {"num_heads": 2, "max_sequence_length": 12},
    "Llama": {"num_query_heads": 2, "num_key_value_heads": 1, "rope_max_wavelength": 500},
    "T5": {"num_heads": 2, "use_gated_activation": False},
}
T5_1_1 = {"num_heads": 2, "key_value_dim": 6, "tie_embedding_weights": False}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(5, 40))]


@pytest.fixture(scope="module")
def hub():
    return pytest.importorskip("keras_nlp", reason="needs: pip install keras-nlp", exc_type=ImportError)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))


def save_preset(hub, name, folder, settings=None):
    """Save a backbone with random weights as a preset; returns the backbone."""
    keras.utils.set_random_seed(0)
    backbone = getattr(hub.models, f"{name}Backbone")(**SIZES, **settings or BACKBONES[name])
    rng = np.random.default_rng(0)
    for weight in backbone.weights:
        weight.assign(rng.normal(0, 0.3, weight.shape))
    backbone.save_to_preset(str(folder))
    return backbone


IDS = np.random.default_rng(1).integers(5, 40, (2, 9)).astype("int32")
SEGMENTS = (np.arange(9)[None] > [[3], [5]]).astype("int32")


def reference_features(backbone):
    """The features of KerasHub for IDS."""
    inputs = {"token_ids": IDS, "segment_ids": SEGMENTS, "padding_mask": np.ones_like(IDS)}
    inputs |= {
        f"{part}_{name}": inputs[name] for part in ("encoder", "decoder") for name in ("token_ids", "padding_mask")
    }
    outputs = backbone({x.name: ops.convert_to_tensor(inputs[x.name]) for x in backbone.inputs})
    if isinstance(outputs, dict):
        outputs = outputs.get("sequence_output", outputs.get("decoder_sequence_output"))
    return ops.convert_to_numpy(outputs)


@pytest.mark.parametrize("name", all_or_few(BACKBONES, ("Bert", "Llama")))
def test_features_are_those_of_keras_hub(hub, name, tmp_path):
    reference = save_preset(hub, name, tmp_path / "preset")
    folder = resolve(tmp_path / "preset")
    backbone = read_architecture(read_config(folder)).backbone()
    zoo.load_weights(backbone, tmp_path / "preset")
    inputs = {"tokens": IDS, "segments": SEGMENTS, "source": IDS, "target": IDS}
    actual = ops.convert_to_numpy(backbone({key: ops.convert_to_tensor(inputs[key]) for key in backbone.input}))
    np.testing.assert_allclose(actual, reference_features(reference), atol=1e-5)
    assert resolve(tmp_path / "preset") == folder


def test_logits_of_both_versions_of_t5(hub, tmp_path):
    """Logits of a tied and of an untied output layer."""
    activation = keras.saving.get_registered_object("keras_hub>gelu_approximate")
    for tied, settings in {True: BACKBONES["T5"], False: T5_1_1 | {"activation": activation}}.items():
        backbone = save_preset(hub, "T5", tmp_path / str(tied), settings)
        architecture = read_architecture(read_config(resolve(tmp_path / str(tied))))
        model = build_model(Translate(length=9, target_length=9), architecture)
        assert zoo.load_weights(model, tmp_path / str(tied)).new == ()
        actual = ops.convert_to_numpy(model({name: ops.convert_to_tensor(IDS) for name in model.input}))
        features = ops.convert_to_tensor(reference_features(backbone)) * (16**-0.5 if tied else 1.0)
        expected = ops.convert_to_numpy(backbone.token_embedding(features, reverse=True))
        np.testing.assert_allclose(actual, expected, atol=1e-5)


def test_a_preset_is_imported_with_its_tokenizer(hub, tmp_path):
    pytest.importorskip("tensorflow_text", reason="KerasHub's tokenizers need it", exc_type=ImportError)
    save_preset(hub, "Bert", tmp_path / "preset")
    hub.models.BertTokenizer(vocabulary=WORDS, lowercase=True).save_to_preset(str(tmp_path / "preset"))
    pipeline = zoo.load(zoo.import_model(tmp_path / "preset", tmp_path / "model"))
    assert pipeline.tokenizer.encode("W7 w8").ids.tolist() == [2, 7, 8, 3]
    assert len(pipeline.predict("w7 w8")["vector"]) == 16
    assert pipeline.preset.architecture.activation == "gelu_tanh"


def test_an_untied_output_layer_comes_along(hub, tmp_path):
    backbone = save_preset(hub, "Llama", tmp_path / "preset")
    architecture = read_architecture(read_config(resolve(tmp_path / "preset")))
    model = zoo.build(
        "llama",
        "next_token",
        **{
            name: getattr(architecture, name)
            for name in ("vocabulary", "width", "depth", "heads", "kv_heads", "hidden")
        },
        rope_theta=architecture.rope_theta,
    )
    assert zoo.load_weights(model, tmp_path / "preset").new == ()
    kernel = ops.convert_to_numpy(model.get_layer("logits").kernel.value)
    np.testing.assert_array_equal(kernel, ops.convert_to_numpy(backbone.token_embedding.reverse_embeddings.value))


def test_mistakes(hub, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"keras_hub cannot read no_such_preset \(\w+: .*\). Without a network, give"):
        resolve("keras:no_such_preset")
    folder = tmp_path / "preset"
    hub.models.FNetBackbone(**SIZES).save_to_preset(str(folder))
    with pytest.raises(ValueError, match=r"Unknown backbone of KerasHub. Received: 'FNetBackbone'.* Known: Bart"):
        resolve(folder)
    scaled_rope = {"num_query_heads": 2, "num_key_value_heads": 1, "rope_position_scaling_factor": 2.0}
    hub.models.LlamaBackbone(**SIZES, **scaled_rope).save_to_preset(str(tmp_path / "llama"))
    with pytest.raises(
        ValueError, match=r"Expected rope_position_scaling_factor=1.0 of a LlamaBackbone. Received: 2.0"
    ):
        resolve(tmp_path / "llama")
    hub.models.T5Backbone(**SIZES, num_heads=2).save_to_preset(str(tmp_path / "t5"))
    with pytest.raises(ValueError, match="Expected activation='gelu_approximate' of a T5Backbone. Received: 'relu'"):
        resolve(tmp_path / "t5")
    monkeypatch.setitem(sys.modules, "keras_nlp", None)
    with pytest.raises(ValueError, match=r"Expected keras-nlp to be installed, for .*preset"):
        resolve(folder)
