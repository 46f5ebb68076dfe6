"""Settings of published folders: each key applied, without effect, named, or refused; values that cannot be."""

import json

import numpy as np
import pytest
from references import Golden, write_tokenizer
from safetensors.numpy import save_file

from zoo.checkpoints.folder import import_folder, read_published
from zoo.checkpoints.folder_settings import APPLIED, UNUSED
from zoo.checkpoints.hf_config import read_architecture
from zoo.checkpoints.hf_export import write_huggingface
from zoo.checkpoints.import_table import import_lines

GOLDEN = Golden("bert")


def write(folder, name="bert", tensors=None, generation=None, **config):
    golden = Golden(name)
    write_tokenizer(golden.write(folder, tensors, **config), padding=golden.config["pad_token_id"] or 0)
    if generation is not None:
        (folder / "generation_config.json").write_text(json.dumps(generation))
    return folder


def effects(folder):
    return {setting.key: setting.effect for setting in read_published(folder).settings}


def test_every_key_is_sorted(tmp_path):
    """Each key of a configuration that transformers writes is known; nothing of it is named."""
    for name in ("bert", "roberta", "distilbert", "gpt2", "llama", "t5", "bart"):
        golden = Golden(name)
        sorted_keys = effects(write(tmp_path / name, name, model_max_length=3))
        assert set(sorted_keys) == {*golden.config, "model_max_length"}
        named = {key: effect for key, effect in sorted_keys.items() if effect not in (APPLIED, UNUSED)}
        assert set(named) <= {"forced_eos_token_id", "attention_dropout"}  # of BART


def test_a_key_that_is_not_known_is_named(tmp_path):
    lines = list(
        import_lines(read_published(write(tmp_path, layers_to_skip=[1], _private=2, auto_map={"AutoModel": "m.M"})))
    )
    notes = [line for line in lines if line.startswith("Note: ")]
    assert notes == [
        "Note: layers_to_skip is not known to the zoo: compare answers (zoo import --verify).",
        "Note: auto_map names code of the folder, which is not run: the architecture is that of the model_type.",
    ]


def test_the_table_has_what_differs_from_the_defaults(tmp_path):
    lines = list(import_lines(read_published(write(tmp_path, layer_norm_eps=0.5))))
    assert lines[0].startswith("config.json: ")
    assert lines[1] == "Tokenizer: 40 tokens, start [CLS], end [SEP], padding [PAD], mask [MASK]."
    assert lines[2].startswith("Objective: ")
    assert "Differs from the defaults of transformers:" in lines
    assert any(line.split() == ["layer_norm_eps", "0.5", "(default", "1e-12)"] for line in lines)
    assert not any(line.startswith("  type_vocab_size") for line in lines)  # as by default


def test_rates_of_training_are_named(tmp_path):
    assert (
        effects(write(tmp_path, hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.3))[
            "attention_probs_dropout_prob"
        ]
        == "attention_probs_dropout_prob=0.3 is not applied in training: hidden_dropout_prob=0.2 is used"
    )
    same = effects(write(tmp_path, hidden_dropout_prob=0.2, attention_probs_dropout_prob=0.2))
    assert same["attention_probs_dropout_prob"] == UNUSED


@pytest.mark.parametrize(("name", "fields"), [
    ("roberta", {"epsilon": 1e-12, "vocabulary": 50_265, "length": 510, "padding": 1, "position_offset": 2}),
    ("bart", {"depth": 12, "width": 1024, "heads": 16, "hidden": 4096, "padding": 1}),
    ("distilbert", {"depth": 6, "width": 768, "heads": 12, "hidden": 3072}),
    ("gpt2", {"depth": 12, "width": 768, "hidden": 3072, "length": 1024, "tied": True}),
    ("llama", {"depth": 32, "kv_heads": 32, "tied": False, "rope_theta": 10_000.0}),
    ("t5", {"depth": 6, "width": 512, "gated": False, "scaled": True, "buckets": 32}),
    ("bert", {"depth": 12, "width": 768, "epsilon": 1e-12, "num_segments": 2}),
])  # fmt: skip
def test_missing_keys_are_those_of_transformers(name, fields):
    for config in ({"model_type": name}, {"model_type": name, "tie_word_embeddings": None, "vocab_size": None}):
        architecture = read_architecture(config)
        assert {key: getattr(architecture, key) for key in fields} == fields


def test_other_names_of_keys_are_read():
    assert read_architecture({"model_type": "gpt2", "hidden_size": 24, "num_hidden_layers": 3}).width == 24
    assert read_architecture({"model_type": "distilbert", "num_attention_heads": 4}).heads == 4


@pytest.mark.parametrize(("name", "config", "match"), [
    ("bert", {"hidden_size": 0}, r"Expected a whole number of 1 or more as hidden_size .* hidden_size=0"),
    ("bert", {"hidden_size": -8}, r"hidden_size=-8"),
    ("bert", {"hidden_size": "x"}, r"hidden_size='x'"),
    ("bert", {"hidden_size": True}, r"hidden_size=True"),
    ("bert", {"hidden_size": 1e9}, r"hidden_size=1000000000.0"),
    ("bert", {"hidden_size": 10**400}, r"Expected a whole number of 1 or more as hidden_size"),
    ("bert", {"vocab_size": [40]}, r"vocab_size=\[40\]"),
    ("bert", {"layer_norm_eps": "small"}, r"Expected a number of 0 or more as layer_norm_eps"),
    ("bert", {"layer_norm_eps": -1}, r"layer_norm_eps=-1"),
    ("bert", {"tie_word_embeddings": "yes"}, r"Expected true or false as tie_word_embeddings"),
    ("bert", {"hidden_act": ["gelu"]}, r"Expected hidden_act of gelu or gelu_new"),
    ("bert", {"model_type": ["bert"]}, r"Unknown model_type"),
    ("bert", {"num_attention_heads": 5}, r"heads"),
    ("bert", {"pruned_heads": {"0": [1]}}, r"Expected pruned_heads=\{\} in config.json"),
    ("bert", {"per_layer_config": {"0": {"hidden_size": 3}}}, r"Expected per_layer_config=\{\} in config.json"),
    ("bert", {"add_cross_attention": True}, r"Expected add_cross_attention=False in config.json"),
    ("roberta", {"pad_token_id": 50}, r"Expected a pad_token_id from 0 .* Received: pad_token_id=50"),
    ("bart", {"decoder_layers": 3}, r"same size in config.json. Received: encoder_layers=2, decoder_layers=3"),
    ("t5", {"relative_attention_max_distance": 4}, r"Expected a relative_attention_max_distance of more than half"),
    ("t5", {"dense_act_fn": "gelu_new"}, r"Expected .* beside feed_forward_proj=relu in config.json"),
    ("llama", {"rope_parameters": {"rope_type": "default", "rope_theta": "x"}}, r"Expected rotary positions"),
    ("llama", {"rope_parameters": {"rope_theta": 1e4, "partial_rotary_factor": 0.5}}, r"Expected rotary positions"),
    ("llama", {"rope_parameters": 3}, r"Expected rotary positions"),
    ("llama", {"num_key_value_heads": 3}, r"heads"),
])  # fmt: skip
def test_values_that_cannot_be_are_one_line(tmp_path, name, config, match):
    with pytest.raises(ValueError, match=match) as caught:
        import_folder(write(tmp_path, name, **config))
    assert type(caught.value).__name__ == "UserError"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "key"), [
    ("bert", "num_hidden_layers"), ("gpt2", "n_layer"), ("llama", "num_hidden_layers"), ("t5", "num_layers"),
])  # fmt: skip
def test_more_blocks_than_the_tensors_have_are_refused_at_once(tmp_path, name, key):
    change = {key: 10**9} | ({"num_decoder_layers": 10**9} if name == "t5" else {})
    with pytest.raises(ValueError, match=rf"Expected {key} of at most 2 in .* Received: {key}=1000000000"):
        import_folder(write(tmp_path, name, **change))


def test_large_sizes_allocate_nothing(tmp_path):
    for key in ("intermediate_size", "max_position_embeddings", "type_vocab_size", "vocab_size"):
        with pytest.raises(ValueError, match=r"Expected "):
            import_folder(write(tmp_path, **{key: 2**31 - 1}))


@pytest.mark.parametrize(("config", "method"), [
    ({"quantization_config": {"quant_method": "fp8"}}, "FP8"),
    ({"quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized"}}, "FP8"),
    ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True}}, "bitsandbytes"),
    ({"quantization_config": {"load_in_4bit": True}}, "bitsandbytes"),
    ({"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128}}, "GPTQ"),
    ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "AWQ"),
    ({"quantization_config": {"bits": 4, "group_size": 64}}, "MLX"),
    ({"quantization": {"bits": 4, "group_size": 64}}, "MLX"),
    ({"compression_config": {"quant_method": "new-method"}}, "new-method"),
])  # fmt: skip
def test_quantised_weights_are_refused_by_their_method(tmp_path, config, method):
    with pytest.raises(ValueError, match=rf"Received: quantised weights, {method}.*config.json\). Take the folder of"):
        import_folder(write(tmp_path, **config))


@pytest.mark.parametrize(("name", "array", "method"), [
    ("bert.encoder.layer.0.output.dense.SCB", np.zeros(3, "float32"), "bitsandbytes"),
    ("bert.encoder.layer.0.output.dense.qweight", np.zeros(3, "int32"), "GPTQ or AWQ"),
    ("bert.encoder.layer.0.output.dense.scales", np.zeros(3, "float32"), "MLX"),
    ("bert.encoder.layer.0.output.dense.weight", np.zeros((16, 3), "uint32"), "packed integers"),
])  # fmt: skip
def test_tensors_of_quantised_weights_are_refused(tmp_path, name, array, method):
    folder = write(tmp_path)
    save_file(GOLDEN.part("tensor") | {name: array}, folder / "model.safetensors")
    with pytest.raises(ValueError, match=rf"quantised weights, {method} \(.*model.safetensors\)"):
        import_folder(folder)


def test_weights_in_fp8_are_refused(tmp_path):
    import ml_dtypes

    folder, name = write(tmp_path), "bert.encoder.layer.0.output.dense.weight"
    save_file(GOLDEN.part("tensor") | {name: np.zeros((16, 24), ml_dtypes.float8_e4m3fn)}, folder / "model.safetensors")
    with pytest.raises(ValueError, match=r"quantised weights, FP8 \(.*dense.weight of the type F8_E4M3 in "):
        import_folder(folder)


def test_generation_settings_become_defaults(tmp_path):
    generation = {
        "do_sample": True, "temperature": 0.7, "top_p": 0.9, "repetition_penalty": 1.2, "max_new_tokens": 9,
        "suppress_tokens": [7], "bad_words_ids": [[8, 9]], "eos_token_id": [3, 4], "stop_strings": ["x"],
        "use_cache": True,
    }  # fmt: skip
    folder = write(tmp_path, "gpt2", generation=generation, num_beams=4)
    imported = read_published(folder)
    assert imported.pipeline.objective.generation == {
        "temperature": 0.7, "top_k": 50, "top_p": 0.9, "repetition_penalty": 1.2, "max_new_tokens": 9,
        "bad_words": [[8, 9], [7]],
    }  # fmt: skip
    sorted_keys = effects(folder)
    assert sorted_keys["num_beams"] == UNUSED  # config.json counts only without the other file
    assert sorted_keys["use_cache"] == UNUSED
    assert sorted_keys["stop_strings"].startswith("stop_strings: stop_strings=['x'] is not applied")
    assert imported.pipeline.generator().config.max_new_tokens == 9


def test_older_folders_have_them_in_config_json(tmp_path):
    pipeline = import_folder(write(tmp_path, "bart", num_beams=4, no_repeat_ngram_size=3, max_length=20, min_length=5))
    expected = {"beams": 4, "no_repeat_ngram": 3, "max_new_tokens": 19, "min_tokens": 4}
    assert pipeline.objective.generation == expected


def test_the_decoder_starts_with_the_ids_of_the_folder(tmp_path):
    generation = {"decoder_start_token_id": 3, "forced_bos_token_id": 9, "max_length": 12}
    pipeline = import_folder(write(tmp_path, "bart", generation=generation))
    assert pipeline.objective.start_and_end(pipeline.tokenizer)[0].tolist() == [3, 9]
    assert pipeline.objective.generation == {"max_new_tokens": 10}
    with pytest.raises(ValueError, match=r"Expected the id of a token to start the decoder with. Received: 99"):
        import_folder(write(tmp_path, "bart", generation={"decoder_start_token_id": 99}))


@pytest.mark.parametrize(("generation", "match"), [
    ({"temperature": "hot", "do_sample": True}, r"Expected a number as temperature in generation_config.json"),
    ({"num_beams": 0}, r"Expected generation settings that go together in generation_config.json. .* beams must be"),
    ({"num_beams": 2.5}, r"Expected a whole number as num_beams"),
    ([], r"Expected an object in .*generation_config.json"),
    ({"suppress_tokens": "abc"}, r"Expected lists of ids as suppress_tokens"),
    ({"bad_words_ids": [5]}, r"Expected lists of ids as bad_words_ids"),
])  # fmt: skip
def test_generation_settings_that_cannot_be_are_one_line(tmp_path, generation, match):
    with pytest.raises(ValueError, match=match) as caught:
        import_folder(write(tmp_path, "gpt2", generation=generation))
    assert type(caught.value).__name__ == "UserError"


def test_generation_defaults_are_exported(tmp_path):
    generation = {"num_beams": 3, "max_new_tokens": 9, "bad_words_ids": [[8, 9]], "no_repeat_ngram_size": 2}
    pipeline = import_folder(write(tmp_path / "in", "gpt2", generation=generation))
    again = import_folder(write_huggingface(pipeline, tmp_path / "out"))
    assert again.objective.generation == pipeline.objective.generation
    start = {"decoder_start_token_id": 3, "forced_bos_token_id": 9}
    pipeline = import_folder(write(tmp_path / "bart", "bart", generation=start))
    again = import_folder(write_huggingface(pipeline, tmp_path / "bart_out"))
    assert again.objective.start_and_end(again.tokenizer)[0].tolist() == [3, 9]
