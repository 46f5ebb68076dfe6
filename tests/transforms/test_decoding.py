"""Decoding with caches gives the logits of the whole text."""

from functools import partial

import numpy as np
from keras import ops
from writers import logits, network, sources, texts

from zoo import backend
from zoo.transforms.cached_model import CachedModel
from zoo.transforms.decoding import PlanStep

NEW = 4


def test_every_decoding_step_equals_the_whole_text(writer):
    prompts, read = texts([6, 2, 3]), sources(writer, 3)
    further = np.array(texts([NEW] * 3, seed=1))
    actual = computed(step_by_step, writer, prompts, read, further)
    for i, now in enumerate(actual):
        for row, prompt in enumerate(prompts):
            ids = [*prompt, *further[row, :i]]
            expected = logits(writer, ids, read and read[row])  # of up to 10, from sums of such numbers
            np.testing.assert_allclose(array(now)[row], expected, atol=1e-5 * max(1, abs(expected).max()))


def test_several_tokens_at_once(writer):
    prompts, read = texts([6, 2, 3]), sources(writer, 3)
    further = np.array(texts([NEW] * 3, seed=1))
    actual = computed(at_once, writer, prompts, read, further)
    for row, prompt in enumerate(prompts):
        want = logits(writer, [*prompt, *further[row]], read and read[row])
        np.testing.assert_allclose(array(actual)[row, -1], want, rtol=1e-5, atol=1e-5)


def test_a_deeper_network_keeps_no_more_tensors_of_a_prompt(monkeypatch):
    def cached_values(depth):
        sizes, run = [], PlanStep.run
        with monkeypatch.context() as patch:

            def counted(step, values, call=None):
                run(step, values, call)
                sizes.append(len(values))

            patch.setattr(PlanStep, "run", counted)
            prompts = texts([5, 2])
            CachedModel(network("gpt2", depth=depth)).prefill({"tokens": padded(prompts)}, tensor([5, 2]), 8)
        return max(sizes)

    assert cached_values(4) == cached_values(2)


def step_by_step(network, _, inputs, lengths, further):
    """The logits of the next token before and after each column of `further`."""
    logits, state = network.prefill(inputs, lengths, 6 + NEW)
    actual = [logits]
    for i in range(NEW):
        logits, state = network.decode(further[:, i : i + 1], tensor([6 + i]), state)
        actual.append(logits[:, 0])
    return actual


def at_once(network, _, inputs, lengths, further):
    _, state = network.prefill(inputs, lengths, 6 + NEW)
    return network.decode(further, tensor(np.arange(6, 6 + NEW)), state)[0]


def computed(function, model, prompts, read, further):
    inputs = {"source": padded(read), "target": padded(prompts)} if read else {"tokens": padded(prompts)}
    run = backend.jit(partial(function, CachedModel(model)), model.variables)
    return run((), inputs, tensor([len(prompt) for prompt in prompts]), tensor(further))


def array(actual):
    return ops.convert_to_numpy(actual)


def padded(rows):
    longest = max(map(len, rows))
    return tensor([row + [0] * (longest - len(row)) for row in rows])


def tensor(array):
    return ops.convert_to_tensor(np.array(array), "int32")
