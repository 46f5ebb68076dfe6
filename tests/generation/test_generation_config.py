"""Invalid generation configs, prompts and models: each has one clear error message."""

import pytest
from causal_models import generate_ids, network, texts

from zoo.generation.generation_config import GenerationConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_new_tokens": 0}, "max_new_tokens must be at least 1. Received: max_new_tokens=0."),
        ({"temperature": -1.0}, "temperature must be at least 0. Received: temperature=-1.0."),
        ({"temperature": 1.0, "top_k": 0}, "top_k must be at least 1. Received: top_k=0."),
        ({"temperature": 1.0, "top_p": 0.0}, "top_p must be above 0 and at most 1. Received: top_p=0.0."),
        ({"top_p": 0.5}, "top_p needs a temperature: .* Received: top_p=0.5, temperature=0.0."),
        (
            {"min_tokens": 9, "max_new_tokens": 8},
            "min_tokens must be at most max_.* Received: min_tokens=9, max_new_tokens=8.",
        ),
        ({"beams": 2, "temperature": 1.0}, "Beam search does not sample: .* Received: beams=2, temperature=1.0."),
        (
            {"contrastive_alpha": 1.5, "top_k": 4},
            "contrastive_alpha must be from 0 to 1. Received: contrastive_alpha=1.5.",
        ),
        ({"contrastive_alpha": 0.6}, "contrastive_alpha needs top_k, the number of candidates; .*, top_k=None."),
        ({"contrastive_alpha": 0.6, "top_k": 4, "temperature": 1.0}, "does not sample: .* temperature=1.0."),
        (
            {"contrastive_alpha": 0.6, "top_k": 4, "top_p": 0.5},
            "top_p needs a temperature: .* top_p=0.5, temperature=0.0.",
        ),
        ({"contrastive_alpha": 0.6, "top_k": 4, "beams": 2}, "Expected contrastive search or beam search, .* beams=2."),
        ({"return_sequences": 2}, "return_sequences must be at most beams: .* return_sequences=2, beams=1."),
        ({"truncation_side": "right"}, "truncation_side must be 'left' or ''. Received: truncation_side=right."),
        ({"bad_words": ((1,), ())}, "Each of bad_words must have at least one token."),
    ],
)
def test_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        GenerationConfig(**settings)


def test_prompts(gpt2):
    with pytest.raises(ValueError, match="A prompt must have at least one token. Received: prompt 1 is empty."):
        generate_ids(gpt2, [[3], []], max_new_tokens=5)
    long = texts([30])
    with pytest.raises(ValueError, match="Expected at most 32 tokens, .* Received: 30 and 5, 3 too many, in prompt 0."):
        generate_ids(gpt2, long, max_new_tokens=5)
    truncated = generate_ids(gpt2, long, max_new_tokens=5, truncation_side="left")
    assert truncated == generate_ids(gpt2, [long[0][-27:]], max_new_tokens=5)
    assert generate_ids(gpt2, [], max_new_tokens=5) == []
    with pytest.raises(ValueError, match="Expected sources for an encoder-decoder, and for no other network."):
        generate_ids(gpt2, [[3]], [[4]], max_new_tokens=5)


def test_networks_that_do_not_generate():
    with pytest.raises(ValueError, match="Expected causal layers for decoding. Received: 'block0_attention'"):
        generate_ids(network("transformer_encoder"), [[3]])
    with pytest.raises(ValueError, match="A state can only be passed forwards. Received: reverse=True in layer"):
        generate_ids(network("lstm", bidirectional=True), [[3]])


def test_foreign_layers_are_refused():
    import keras

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = keras.layers.LSTM(4, return_sequences=True, name="theirs")(keras.layers.Embedding(9, 4)(tokens))
    with pytest.raises(ValueError, match="Expected layers with a cache of earlier tokens, .* 'theirs', a LSTM"):
        generate_ids(keras.Model(tokens, keras.layers.Dense(9)(x)), [[3]])
    with pytest.raises(ValueError, match=r"Expected a network with logits for each token, .* \(None, 9\)"):
        generate_ids(keras.Model(tokens, keras.layers.Dense(9)(x)[:, -1]), [[3]])
