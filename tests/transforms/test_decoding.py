"""Cached decoding gives the logits of a forward pass over the whole text."""

from functools import partial

import numpy as np
from causal_models import logits, network, sources, texts
from keras import ops

from zoo import backend
from zoo.transforms.cached_model import CachedModel
from zoo.transforms.decoding import PlanStep

NEW = 4


def test_every_decoding_step_equals_the_whole_text(causal_model):
    prompts, source_ids = texts([6, 2, 3]), sources(causal_model, 3)
    new_ids = np.array(texts([NEW] * 3, seed=1))
    actual = run_compiled(step_by_step, causal_model, prompts, source_ids, new_ids)
    for i, step_logits in enumerate(actual):
        for row, prompt in enumerate(prompts):
            ids = [*prompt, *new_ids[row, :i]]
            expected = logits(causal_model, ids, source_ids and source_ids[row])
            tolerance = 1e-5 * max(1, abs(expected).max())  # logits are up to 10, sums of numbers of that size
            np.testing.assert_allclose(array(step_logits)[row], expected, atol=tolerance)


def test_several_tokens_at_once(causal_model):
    prompts, source_ids = texts([6, 2, 3]), sources(causal_model, 3)
    new_ids = np.array(texts([NEW] * 3, seed=1))
    actual = run_compiled(at_once, causal_model, prompts, source_ids, new_ids)
    for row, prompt in enumerate(prompts):
        expected = logits(causal_model, [*prompt, *new_ids[row]], source_ids and source_ids[row])
        np.testing.assert_allclose(array(actual)[row, -1], expected, rtol=1e-5, atol=1e-5)


def test_a_deeper_network_holds_no_more_tensors_during_prefill(monkeypatch):
    def most_values(depth):
        sizes, run = [], PlanStep.run
        with monkeypatch.context() as patch:

            def run_and_count(step, values, call=None):
                run(step, values, call)
                sizes.append(len(values))

            patch.setattr(PlanStep, "run", run_and_count)
            prompts = texts([5, 2])
            CachedModel(network("gpt2", depth=depth)).prefill({"tokens": padded(prompts)}, tensor([5, 2]), 8)
        return max(sizes)

    assert most_values(4) == most_values(2)


def step_by_step(network, _, inputs, lengths, new_ids):
    """The logits of the next token before and after each column of `new_ids`."""
    logits, state = network.prefill(inputs, lengths, 6 + NEW)
    actual = [logits]
    for i in range(NEW):
        logits, state = network.decode(new_ids[:, i : i + 1], tensor([6 + i]), state)
        actual.append(logits[:, 0])
    return actual


def at_once(network, _, inputs, lengths, new_ids):
    _, state = network.prefill(inputs, lengths, 6 + NEW)
    return network.decode(new_ids, tensor(np.arange(6, 6 + NEW)), state)[0]


def run_compiled(function, model, prompts, source_ids, new_ids):
    inputs = {"source": padded(source_ids), "target": padded(prompts)} if source_ids else {"tokens": padded(prompts)}
    run = backend.jit(partial(function, CachedModel(model)), model.variables)
    return run((), inputs, tensor([len(prompt) for prompt in prompts]), tensor(new_ids))


def array(actual):
    return ops.convert_to_numpy(actual)


def padded(rows):
    longest = max(map(len, rows))
    return tensor([row + [0] * (longest - len(row)) for row in rows])


def tensor(array):
    return ops.convert_to_tensor(np.array(array), "int32")
