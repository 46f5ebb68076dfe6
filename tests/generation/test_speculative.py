"""Speculative decoding: the same text as without a draft model, whatever the draft model proposes."""

import keras
import pytest
from causal_models import PADDING, generate_ids, network, sources, texts
from keras import ops

from zoo.generation.loop import token_generator
from zoo.generation.speculative import DRAFT_TOKENS, SpeculativeGenerator, speculative_generator

SLOW = pytest.mark.slow if keras.config.backend() != "torch" else ()  # other backends compile each loop


def noisy(model, scale):
    """A copy of a network with noise in its weights, `scale` times their deviation: many proposals are right."""
    draft = keras.models.clone_model(model)
    for i, (weight, source) in enumerate(zip(draft.weights, model.weights, strict=True)):
        if "seed" not in weight.path:
            value = ops.convert_to_tensor(source)
            weight.assign(value + scale * ops.std(value) * keras.random.normal(value.shape, seed=i))
    return draft


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("gpt2", {}),
        ("gpt2", {"temperature": 1.0, "top_p": 0.9, "repetition_penalty": 1.2, "min_tokens": 5, "stop_ids": (3, 9)}),
        pytest.param("t5", {"no_repeat_ngram": 2}, marks=SLOW),
    ],
)
def test_the_same_text(name, settings):
    model, prompts = network(name), texts([6, 2, 3])
    settings = {"max_new_tokens": 13, "bad_words": PADDING} | settings
    source_ids = sources(model, 3)
    alone = generate_ids(model, prompts, source_ids, **settings)
    assert generate_ids(model, prompts, source_ids, draft=noisy(model, 0.3), **settings) == alone
    unrelated = network(name, depth=1, width=8)
    assert generate_ids(model, prompts[:1], source_ids and source_ids[:1], draft=unrelated, **settings) == alone[:1]


def test_all_proposals_of_a_round_are_accepted_at_once(gpt2, monkeypatch):
    rounds, original = [], SpeculativeGenerator._round
    monkeypatch.setattr(
        SpeculativeGenerator, "_round", lambda *args, **kwargs: rounds.append(1) or original(*args, **kwargs)
    )
    generate_ids(gpt2, texts([4]), draft=noisy(gpt2, 0.0), max_new_tokens=1 + 2 * (DRAFT_TOKENS + 1))
    assert len(rounds) == (2 if keras.config.backend() == "torch" else 1)  # other backends trace the loop once


def test_a_draft_that_does_not_fit(gpt2):
    prompts = texts([4])
    with pytest.raises(ValueError, match=r"same inputs and vocabulary, \['tokens'\] and 24. Received: .* and 30"):
        generate_ids(gpt2, prompts, draft=network("gpt2", vocabulary=30))
    with pytest.raises(ValueError, match="with a context of 32 tokens. Received: one of 16."):
        generate_ids(gpt2, prompts, draft=network("gpt2", length=16))
    with pytest.raises(ValueError, match="with caches of attention alone, .* Received: 'layer0_forwards', a LSTM"):
        generate_ids(gpt2, prompts, draft=network("lstm"))
    with pytest.raises(ValueError, match="Expected a draft or beam search, not both. Received: a draft and beams=2."):
        generate_ids(gpt2, prompts, draft=network("gpt2", depth=1), beams=2)
    with pytest.raises(
        ValueError, match="Expected a draft or contrastive search, .* a draft and contrastive_alpha=0.6."
    ):
        generate_ids(gpt2, prompts, draft=network("gpt2", depth=1), contrastive_alpha=0.6, top_k=4)


def test_a_generator_is_made_once(gpt2):
    draft = network("gpt2", depth=1)
    assert speculative_generator(gpt2, draft) is speculative_generator(gpt2, draft)
    assert token_generator(gpt2) is token_generator(gpt2) is not speculative_generator(gpt2, draft)
