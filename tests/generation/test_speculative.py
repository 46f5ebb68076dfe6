"""With a draft the same text is written as without one, whatever the draft is like."""

import keras
import pytest
from keras import ops
from writers import PADDING, generated, network, sources, texts

from zoo.generation.loop import token_generator
from zoo.generation.speculative import DRAFT_TOKENS, SpeculativeGenerator, speculative_generator

SLOW = pytest.mark.slow if keras.config.backend() != "torch" else ()  # where each loop is compiled


def noisy(model, share):
    """A copy of a network whose weights are off by a share: it often guesses right."""
    draft = keras.models.clone_model(model)
    for i, (weight, other) in enumerate(zip(draft.weights, model.weights, strict=True)):
        if "seed" not in weight.path:
            other = ops.convert_to_tensor(other)
            weight.assign(other + share * ops.std(other) * keras.random.normal(other.shape, seed=i))
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
    read = sources(model, 3)
    alone = generated(model, prompts, read, **settings)
    assert generated(model, prompts, read, draft=noisy(model, 0.3), **settings) == alone
    other = network(name, depth=1, width=8)
    assert generated(model, prompts[:1], read and read[:1], draft=other, **settings) == alone[:1]


def test_right_proposals_are_accepted_all_at_once(gpt2, monkeypatch):
    rounds, count = [], SpeculativeGenerator._round
    monkeypatch.setattr(
        SpeculativeGenerator, "_round", lambda *args, **kwargs: rounds.append(1) or count(*args, **kwargs)
    )
    generated(gpt2, texts([4]), draft=noisy(gpt2, 0.0), max_new_tokens=1 + 2 * (DRAFT_TOKENS + 1))
    assert len(rounds) == (2 if keras.config.backend() == "torch" else 1)  # others draw the loop once


def test_a_draft_that_does_not_fit(gpt2):
    prompts = texts([4])
    with pytest.raises(ValueError, match=r"same inputs and vocabulary, \['tokens'\] and 24. Received: .* and 30"):
        generated(gpt2, prompts, draft=network("gpt2", vocabulary=30))
    with pytest.raises(ValueError, match="with a context of 32 tokens. Received: one of 16."):
        generated(gpt2, prompts, draft=network("gpt2", length=16))
    with pytest.raises(ValueError, match="with caches of attention alone, .* Received: 'layer0_forwards', a LSTM"):
        generated(gpt2, prompts, draft=network("lstm"))
    with pytest.raises(ValueError, match="Expected a draft or beam search, not both. Received: a draft and beams=2."):
        generated(gpt2, prompts, draft=network("gpt2", depth=1), beams=2)
    with pytest.raises(
        ValueError, match="Expected a draft or contrastive search, .* a draft and contrastive_alpha=0.6."
    ):
        generated(gpt2, prompts, draft=network("gpt2", depth=1), contrastive_alpha=0.6, top_k=4)


def test_a_generator_is_made_once(gpt2):
    draft = network("gpt2", depth=1)
    assert speculative_generator(gpt2, draft) is speculative_generator(gpt2, draft)
    assert token_generator(gpt2) is token_generator(gpt2) is not speculative_generator(gpt2, draft)
