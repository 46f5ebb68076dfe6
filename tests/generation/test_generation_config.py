"""Bad settings and prompts: one clear line each."""

import pytest
from writers import network, texts

from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_new_tokens": 0}, "new_tokens must be at least 1. Received: new_tokens=0."),
        ({"temperature": -1.0}, "temperature must be at least 0. Received: temperature=-1.0."),
        ({"temperature": 1.0, "top_k": 0}, "top_k must be at least 1. Received: top_k=0."),
        ({"temperature": 1.0, "top_p": 0.0}, "top_p must be above 0 and at most 1. Received: top_p=0.0."),
        ({"top_p": 0.5}, "top_p needs a temperature: .* Received: top_p=0.5, temperature=0.0."),
        ({"min_tokens": 9, "max_new_tokens": 8}, "min_tokens must be at most new_tokens. .* min_tokens=9, new_tokens=8."),
        ({"beams": 2, "temperature": 1.0}, "Beam search draws nothing: .* Received: beams=2, temperature=1.0."),
        ({"contrastive_alpha": 1.5, "top_k": 4}, "contrast must be from 0 to 1. Received: contrast=1.5."),
        ({"contrastive_alpha": 0.6}, "contrast needs top_k, the number of candidates; .* contrast=0.6, top_k=None."),
        ({"contrastive_alpha": 0.6, "top_k": 4, "temperature": 1.0}, "draws nothing: .* contrast=0.6, temperature=1.0."),
        ({"contrastive_alpha": 0.6, "top_k": 4, "top_p": 0.5}, "top_p needs a temperature: .* top_p=0.5, temperature=0.0."),
        ({"contrastive_alpha": 0.6, "top_k": 4, "beams": 2}, "Contrastive search goes on with one text, .* beams=2."),
        ({"best": 2}, "The best texts are those of a beam search: .* Received: best=2, beams=1."),
        ({"truncation_side": "right"}, "truncate must be 'left' or nothing. Received: truncate=right."),
        ({"bad_words": ((1,), ())}, "A banned word must have a token at least."),
    ],
)
def test_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        GenerationConfig(**settings)


def test_prompts(gpt2):
    with pytest.raises(ValueError, match="A prompt must have a token at least. Received: prompt 1 is empty."):
        generate(gpt2, [[3], []], max_new_tokens=5)
    long = texts([30])
    with pytest.raises(ValueError, match="to be 32 together, .* Received: 30 and 5, 3 too many, in prompt 0."):
        generate(gpt2, long, max_new_tokens=5)
    cut = generate(gpt2, long, max_new_tokens=5, truncation_side="left")
    assert cut == generate(gpt2, [long[0][-27:]], max_new_tokens=5)
    assert generate(gpt2, [], max_new_tokens=5) == []
    with pytest.raises(ValueError, match="Expected sources for a network with a source, and for no other."):
        generate(gpt2, [[3]], [[4]], max_new_tokens=5)


def test_networks_that_do_not_write():
    with pytest.raises(ValueError, match="Expected layers that look only backwards. Received: 'block0_attention'"):
        generate(network("transformer_encoder"), [[3]])
    with pytest.raises(ValueError, match="A state can only be carried forwards. Received: reverse=True in layer"):
        generate(network("lstm", bidirectional=True), [[3]])


def test_foreign_layers_are_refused():
    import keras

    tokens = keras.Input((None,), dtype="int32", name="tokens")
    x = keras.layers.LSTM(4, return_sequences=True, name="theirs")(keras.layers.Embedding(9, 4)(tokens))
    with pytest.raises(ValueError, match="Expected layers with a memory of earlier tokens, .* 'theirs', a LSTM"):
        generate(keras.Model(tokens, keras.layers.Dense(9)(x)), [[3]])
    with pytest.raises(ValueError, match=r"Expected a network with logits for each token, .* \(None, 9\)"):
        generate(keras.Model(tokens, keras.layers.Dense(9)(x)[:, -1]), [[3]])
