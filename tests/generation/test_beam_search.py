"""Beam search."""

from itertools import product

import numpy as np
import pytest
from writers import generated, network, sources, texts

from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig

VOCABULARY, NEW, STOP = 5, 3, 4


@pytest.fixture(scope="module", params=["gru", "transformer"])
def small(request):
    return network(request.param, vocabulary=VOCABULARY)


@pytest.mark.parametrize("length_penalty", [0.0, 1.0, 2.0])
def test_with_enough_beams_it_is_a_search_through_everything(small, length_penalty):
    prompts = [[1, 2, 3], [2]]
    read = [[3, 1, 2], [2, 2]] if len(small.inputs) > 1 else None
    settings = GenerationConfig(max_new_tokens=NEW, beams=25, stop_ids=(STOP,), length_penalty=length_penalty)
    for row, actual in enumerate(generate(small, prompts, read, settings)):
        best, score = search(small, prompts[row], read and read[row], length_penalty)
        assert actual[0].ids == best
        stopped = actual[0].finish_reason == "stop"
        assert stopped == (len(best) < NEW)
        assert sum(actual[0].logprobs) == pytest.approx(score, abs=1e-4) or stopped


def search(model, prompt, source, length_penalty):
    """The ids before the stop, and the log-probability, of the text of all that scores best."""
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
    from keras import ops

    return ops.convert_to_numpy(model(inputs, training=False))


def test_rows_are_searched_as_alone():
    model, prompts = network("transformer"), texts([6, 2, 3])
    settings, read = {"max_new_tokens": 6, "beams": 3, "return_sequences": 2, "stop_ids": (7,)}, sources(model, 3)
    batched = generated(model, prompts, read, **settings)
    alone = [generated(model, [prompt], [read[i]], **settings)[0] for i, prompt in enumerate(prompts)]
    assert batched == alone
    assert all(len(texts) == 2 and texts[0] != texts[1] for texts in batched)


def test_rules_hold():
    (actual,) = generated(network("gpt2"), texts([5]), max_new_tokens=8, beams=3, no_repeat_ngram=1)
    assert len(set(actual)) == len(actual)
