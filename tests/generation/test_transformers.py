"""Generated ids equal those of transformers with the same random weights, for each decoding strategy."""

import keras
import numpy as np
import pytest
from causal_models import generate_ids

import zoo
from zoo.checkpoints.hf_config import read_architecture

END, VOCABULARY = 1, 60
SIZES = {
    "GPT2": {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64, "initializer_range": 0.4},
    "Llama": {
        **{"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4},
        **{"num_key_value_heads": 2, "max_position_embeddings": 64, "initializer_range": 0.4},
    },
    "T5": {"d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4, "initializer_factor": 3.0},
    "Bart": {
        **{"d_model": 32, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "encoder_layers": 2, "decoder_layers": 2},
        **{"encoder_attention_heads": 2, "decoder_attention_heads": 2, "max_position_embeddings": 64, "init_std": 0.4},
        "forced_eos_token_id": None,
    },
}
MODELS = {"GPT2": "GPT2LMHeadModel", "Llama": "LlamaForCausalLM"}
NEW = 12
SETTINGS = {  # (fields of GenerationConfig, arguments of transformers)
    "greedy": ({}, {}),
    "beams": ({"beams": 4}, {"num_beams": 4}),
    "n best": (
        {"beams": 3, "return_sequences": 3, "length_penalty": 2.0},
        {"num_beams": 3, "num_return_sequences": 3, "length_penalty": 2.0},
    ),
    "logits processors": (
        {"repetition_penalty": 1.3, "no_repeat_ngram": 2, "min_tokens": 6, "bad_words": ((7,), (8, 9))},
        {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2, "min_new_tokens": 6, "bad_words_ids": [[7], [8, 9]]},
    ),
}


@pytest.fixture(scope="module", params=SIZES)
def pair(request, tmp_path_factory):
    """`(model, hf_model)`: one network with the same weights in zoo and transformers."""
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    torch.manual_seed(1)
    name = request.param
    tokens = {"vocab_size": VOCABULARY, "pad_token_id": 0, "eos_token_id": END, "bos_token_id": 2}
    if name in ("T5", "Bart"):
        tokens |= {"decoder_start_token_id": 0 if name == "T5" else 2}
    config = getattr(transformers, f"{name}Config")(**tokens, **SIZES[name])
    hf_model = getattr(transformers, MODELS.get(name, f"{name}ForConditionalGeneration"))(config).eval()
    folder = tmp_path_factory.mktemp(name)
    hf_model.save_pretrained(folder)
    architecture = read_architecture(hf_model.config.to_dict())
    backbone = architecture.backbone()
    model = keras.Model(backbone.input, architecture.logits(backbone))
    if not architecture.tied:
        model.get_layer("logits").bias.assign(np.zeros(VOCABULARY))  # which transformers does not have
    zoo.load_weights(model, folder)
    return model, hf_model


def hf_generate(model, prompt, **settings):
    """Lists of the new ids of a prompt, best first, without the end id."""
    import torch

    ids = torch.tensor([prompt])
    rows = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW, do_sample=False, **settings)
    new = rows[:, 1 if model.config.is_encoder_decoder else len(prompt) :].tolist()
    return [row[: row.index(END)] if END in row else row for row in new]


@pytest.mark.parametrize("name", SETTINGS)
def test_equal_to_transformers(pair, name):
    (model, hf_model), (settings, hf_settings) = pair, SETTINGS[name]
    random = np.random.default_rng(2)
    prompts = [random.integers(3, VOCABULARY, size).tolist() for size in (7, 3, 10, 1)]
    arguments = (prompts, None)
    if hf_model.config.is_encoder_decoder:
        arguments = [[hf_model.config.decoder_start_token_id]] * len(prompts), prompts
    actual = generate_ids(model, *arguments, max_new_tokens=NEW, stop_ids=(END,), **settings)
    expected = [hf_generate(hf_model, prompt, **hf_settings) for prompt in prompts]
    assert [row if "return_sequences" in settings else [row] for row in actual] == expected
    assert len({str(row) for row in actual}) > 1
