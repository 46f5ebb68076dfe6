"""Beam search: equal to an exhaustive search with enough beams, and each prompt independent of the batch."""

from itertools import product

import numpy as np
import pytest
from causal_models import generate_ids, network, sources, texts
from keras import ops

from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig

VOCABULARY, NEW, STOP = 5, 3, 4


@pytest.fixture(scope="module", params=["gru", "transformer"])
def small(request):
    return network(request.param, vocabulary=VOCABULARY)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
def test_with_enough_beams_it_equals_an_exhaustive_search(small, length_penalty):
    prompts = [[1, 2, 3], [2]]
    source_ids = [[3, 1, 2], [2, 2]] if len(small.inputs) > 1 else None
    settings = GenerationConfig(max_new_tokens=NEW, beams=25, stop_ids=(STOP,), length_penalty=length_penalty)
    for row, actual in enumerate(generate(small, prompts, source_ids, settings)):
        best, score = exhaustive_search(small, prompts[row], source_ids and source_ids[row], length_penalty)
        assert actual[0].ids == best
        stopped = actual[0].finish_reason == "stop"
        assert stopped == (len(best) < NEW)
        assert sum(actual[0].logprobs) == pytest.approx(score, abs=1e-4) or stopped


def exhaustive_search(model, prompt, source, length_penalty):
    """`(ids without the stop id, log-probability)` of the text with the best score of all texts."""
    endings = {ids[: ids.index(STOP) + 1] if STOP in ids else ids for ids in product(range(VOCABULARY), repeat=NEW)}
    scores = {ids: log_probability(model, prompt, ids, source) for ids in endings}
    best = max(scores, key=lambda ids: scores[ids] / len(ids) ** length_penalty)
    return [i for i in best if i != STOP], scores[best]


def log_probability(model, prompt, ids, source):
    rows = [source, [*prompt, *ids]][-len(model.inputs) :]
    inputs = {tensor.name: np.array([row], "int32") for tensor, row in zip(model.inputs, rows, strict=True)}
    logits = np.asarray(forward(model, inputs), "float64")[0, len(prompt) - 1 : -1]
    log_p = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return log_p[np.arange(len(ids)), list(ids)].sum()


def forward(model, inputs):
    return ops.convert_to_numpy(model(inputs, training=False))


def test_a_prompt_is_searched_alike_in_any_batch():
    model, prompts = network("transformer"), texts([6, 2, 3])
    settings, source_ids = {"max_new_tokens": 6, "beams": 3, "return_sequences": 2, "stop_ids": (7,)}, sources(model, 3)
    batched = generate_ids(model, prompts, source_ids, **settings)
    alone = [generate_ids(model, [prompt], [source_ids[i]], **settings)[0] for i, prompt in enumerate(prompts)]
    assert batched == alone
    assert all(len(texts) == 2 and texts[0] != texts[1] for texts in batched)


def test_logits_processors_apply():
    (actual,) = generate_ids(network("gpt2"), texts([5]), max_new_tokens=8, beams=3, no_repeat_ngram=1)
    assert len(set(actual)) == len(actual)
