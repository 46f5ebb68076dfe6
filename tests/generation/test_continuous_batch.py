"""Continuous batching: a text is the one that its request gets alone, whichever requests come and go beside it."""

import asyncio
import threading

import keras
import numpy as np
import pytest
from causal_models import CASES, VARIANTS, network, texts

from zoo.generation import prompt_prefill, running_batch
from zoo.generation.batch_limits import BatchClosedError, QueueFullError
from zoo.generation.constraints.token_table import constraint_for
from zoo.generation.continuous_batch import ContinuousBatch
from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.generation_handle import GenerationHandle
from zoo.generation.generation_request import GenerationRequest, generation_request
from zoo.objectives import build_model
from zoo.objectives.next_token import NextToken
from zoo.runtime.errors import UserError
from zoo.tokenizers.bytes import Bytes

TIMEOUT = 120  # seconds; a text that hangs fails the test
STOP_IDS = (5, 6, 7)
SETTINGS = [
    {"max_new_tokens": 5},
    {"max_new_tokens": 12, "temperature": 1.0, "seed": 3},
    {"max_new_tokens": 7, "temperature": 0.7, "top_k": 5, "seed": 2**40},
    {"max_new_tokens": 9, "repetition_penalty": 1.5},
    {"max_new_tokens": 6, "temperature": 1.3, "top_p": 0.8, "frequency_penalty": 1.0},
    {"max_new_tokens": 8, "logit_bias": {3: 5.0, 4: -100.0}, "presence_penalty": 2.0},
    {"max_new_tokens": 10, "stop_ids": STOP_IDS, "temperature": 1.0, "min_p": 0.01},
    {"max_new_tokens": 4, "min_tokens": 3, "stop_ids": tuple(range(3, 20))},
    {"max_new_tokens": 11, "no_repeat_ngram": 2, "bad_words": ((4,), (5, 6))},
    {"max_new_tokens": 1},
]
LENGTHS = [6, 2, 3, 9, 4, 11, 1, 8, 5, 7]
SOURCE_LENGTHS = [5, 3, 7, 20, 32, 2, 9, 4, 1, 6]


class Letters:
    """A tokenizer of which an id is a letter."""

    stop_ids = ()

    def decode(self, ids):
        return "".join(chr(ord("a") + id) for id in ids)


@pytest.fixture
def small(monkeypatch):
    """Arrays start with 16 slots and shrink after 2 steps, so that short texts see them change."""
    monkeypatch.setattr(running_batch, "MIN_LENGTH", 16)
    monkeypatch.setattr(prompt_prefill, "MIN_TIME", 16)
    monkeypatch.setattr(running_batch, "PATIENCE", 2)


@pytest.fixture
def start():
    """Makes a `ContinuousBatch`, which is closed at the end."""
    batches = []

    def make(model, tokenizer=None, **options):
        batches.append(ContinuousBatch(model, tokenizer or Letters(), **options))
        return batches[-1]

    yield make
    for batch in batches:
        batch.close(0)


@pytest.fixture(scope="module")
def gru():
    return network("gru")


def requests_of(model, settings=SETTINGS):
    has_source = len(model.inputs) > 1
    prompts, sources = texts(LENGTHS[: len(settings)], seed=3), texts(SOURCE_LENGTHS, seed=9)
    return [
        GenerationRequest(prompt=prompt, source=source if has_source else None, config=GenerationConfig(**options))
        for prompt, source, options in zip(prompts, sources, settings, strict=False)
    ]


def alone(model, request):
    """The completion of a request by `generate`."""
    ((completion,),) = generate(model, [request.prompt], request.source and [request.source], request.config)
    return completion


def assert_equal(actual, expected):
    assert actual.ids == expected.ids
    assert actual.finish_reason == expected.finish_reason
    np.testing.assert_allclose(actual.logprobs, expected.logprobs, atol=1e-4)


@pytest.mark.parametrize("case", CASES)
def test_each_text_is_that_of_its_request_alone(case, start):
    """Four requests in two rows: texts join while another is being generated, and rows are used again."""
    name, variant = case
    model = network(name, **VARIANTS.get(name, [{}])[variant])
    batch, requests = start(model, max_rows=2), requests_of(model, [SETTINGS[i] for i in (0, 4, 6, 0)])
    assert_alike(model, requests, batch.submit(*requests))


@pytest.mark.parametrize("name", ["gpt2", "transformer"])
def test_texts_move_to_arrays_of_another_size(name, small, start):
    model = network(name)
    batch, requests = start(model, max_rows=2), requests_of(model)
    assert_alike(model, requests, [handle for request in requests for handle in batch.submit(request)])


def assert_alike(model, requests, handles):
    """Each handle's completion is that of its request alone."""
    for request, handle in zip(requests, handles, strict=True):
        assert_equal(handle.result(TIMEOUT), alone(model, request))


def test_texts_that_come_and_go_change_no_other(gru, start):
    """A long text, beside which others come, are cancelled and end."""
    (request,) = requests_of(gru, [{"max_new_tokens": 200, "temperature": 1.0}])
    batch = start(gru, max_rows=4)
    (handle,) = batch.submit(request)
    for number, _ in enumerate(handle):
        if number % 10 == 0:
            (other,) = batch.submit(requests_of(gru)[number % 7])
            if number % 20 == 0:
                other.cancel()
    assert_equal(handle.completion, alone(gru, request))


def test_equal_prompts_are_different_samples(gru, start):
    config = GenerationConfig(max_new_tokens=9, temperature=1.0, seed=4)
    prompt = texts([4])[0]
    requests = [GenerationRequest(prompt=prompt, config=config, sample=i) for i in range(3)]
    actual = [handle.result(TIMEOUT).ids for handle in start(gru).submit(*requests)]
    expected = [completion.ids for (completion,) in generate(gru, [prompt] * 3, None, config)]
    assert actual == expected
    assert len({tuple(ids) for ids in actual}) == 3


def test_the_context_slides_over_a_long_text(gpt2, start):
    config = GenerationConfig(max_new_tokens=70, truncation_side="left", temperature=1.0, min_tokens=40)
    prompt = texts([9])[0]
    short = GenerationRequest(prompt=texts([5])[0], config=GenerationConfig(max_new_tokens=20))
    batch = start(gpt2, max_rows=2)
    assert batch.context == 32
    request = GenerationRequest(prompt=prompt, config=config)
    handles = batch.submit(request, short, short)
    for handle, expected in zip(handles, (request, short, short), strict=True):
        assert_equal(handle.result(TIMEOUT), alone(gpt2, expected))


def test_top_logprobs_are_the_likeliest_tokens(gpt2, start):
    config = GenerationConfig(max_new_tokens=6, logit_bias={3: 50.0})
    batch, prompt = start(gpt2), texts([5])[0]
    with_top, without = batch.submit(
        GenerationRequest(prompt=prompt, config=config, top_logprobs=24 - 4),
        GenerationRequest(prompt=prompt, config=config),
    )
    pieces = list(with_top)
    tops = [top for piece in pieces for top in piece.top_logprobs]
    assert [len(top) for top in tops] == [20] * 6
    for top in tops:
        logprobs = [logprob for _, logprob in top]
        assert logprobs == sorted(logprobs, reverse=True)
        assert 0 < sum(np.exp(logprobs)) < 1 + 1e-5
    chosen = [dict(top).get(id) for top, id in zip(tops, with_top.completion.ids, strict=True)]
    np.testing.assert_allclose(
        [x for x in chosen if x is not None],
        [y for x, y in zip(chosen, with_top.completion.logprobs, strict=True) if x is not None],
    )
    assert with_top.completion.ids == without.result(TIMEOUT).ids == [3] * 6
    assert [top for piece in without for top in piece.top_logprobs] == [[]] * 6
    with pytest.raises(UserError, match="top_logprobs must be from 0 to 20"):
        GenerationRequest(prompt=prompt, top_logprobs=21)


def test_rows_have_constraints_of_their_own(start):
    tokenizer = Bytes().train()
    model = build_model(NextToken(length=64), _gru(tokenizer))
    batch = start(model, tokenizer)
    plan = batch.step.network.plan
    row = {"tokens": tokenizer.encode("Is it?", special=False).ids}
    choices = [("yes", "no"), ("left", "right"), ("yes", "no")]
    tables = {texts: constraint_for(tokenizer, tokenizer.vocabulary_size, choices=texts) for texts in set(choices)}
    configs = [
        GenerationConfig(max_new_tokens=9, temperature=1.0, seed=i, constraint=tables[texts])
        for i, texts in enumerate(choices)
    ]
    free = GenerationConfig(max_new_tokens=9)
    handles = batch.submit(*(generation_request(plan, tokenizer, row, config) for config in (*configs, free)))
    for handle, texts_of_row, config in zip(handles, choices, configs, strict=False):
        completion = handle.result(TIMEOUT)
        assert completion.text in texts_of_row
        assert completion.finish_reason == "stop"
        ((expected,),) = generate(model, [row["tokens"]], None, _stopping(config, tokenizer))
        assert_equal(completion, expected)
    assert handles[-1].result(TIMEOUT).text not in ("yes", "no")


def test_a_second_burst_of_the_same_shapes_compiles_nothing(gru, start):
    batch = start(gru)

    def burst():
        requests = [GenerationRequest(prompt=prompt, config=GenerationConfig()) for prompt in texts([3, 4, 6])]
        for handle in batch.submit(*requests):
            handle.result(TIMEOUT)

    burst()
    before = batch.step.compilations, batch.selector.compilations
    burst()
    assert (batch.step.compilations, batch.selector.compilations) == before


def test_a_cancelled_text_frees_its_row(gru, start):
    batch = start(gru, max_rows=1)
    active, waiting, cancelled = batch.submit(*(_long_request(gru) for _ in range(3)))
    next(iter(active))
    cancelled.cancel()
    active.cancel()
    assert active.result(TIMEOUT).finish_reason == "cancelled"
    next(iter(waiting))  # has the row now
    assert cancelled.result(TIMEOUT).ids == []
    waiting.cancel()
    waiting.result(TIMEOUT)
    assert (batch.running, batch.waiting) == (0, 0)


def test_requests_may_come_while_cancelled_ones_are_removed(gru, start, monkeypatch):
    """Another thread submits a request at the worst moment: while the queue is searched for cancelled texts."""
    batch, others = start(gru, max_rows=1), []

    def is_cancelled(handle):
        waits = any(text.handle is handle for text in batch._waiting)
        if waits and batch.running and threading.current_thread() is batch._thread and not others:
            others.append(threading.Thread(target=batch.submit, args=requests_of(gru)[:1]))
            others[0].start()
            others[0].join(0.5)
        return False

    monkeypatch.setattr(
        GenerationHandle, "cancelled", property(is_cancelled, lambda handle, value: None), raising=False
    )
    requests = requests_of(gru)[:3]
    assert_alike(gru, requests, batch.submit(*requests))
    others[0].join(TIMEOUT)


def test_requests_wait_in_their_order_in_a_bounded_queue(gru, start):
    batch = start(gru, max_rows=1, max_queue=3)
    (first,) = batch.submit(_long_request(gru))
    next(iter(first))
    short = GenerationRequest(prompt=[3, 4], config=GenerationConfig(max_new_tokens=2))
    ended, handles = [], batch.submit(short, short)
    with pytest.raises(QueueFullError):
        batch.submit(short, short)  # all or none
    assert batch.waiting == 2
    handles += batch.submit(short)
    for number, handle in enumerate(handles):
        threading.Thread(target=lambda n=number, h=handle: (h.result(TIMEOUT), ended.append(n))).start()
    first.cancel()
    handles[-1].result(TIMEOUT)
    assert all(handle.completion for handle in handles)


def test_close_finishes_the_texts_that_there_are(gru, start):
    batch = start(gru, max_rows=1)
    handles = batch.submit(*requests_of(gru, SETTINGS[:3]))
    batch.close()
    assert [len(handle.result(0).ids) for handle in handles] == [5, 12, 7]
    with pytest.raises(BatchClosedError):
        batch.submit(_long_request(gru))


def test_close_with_a_timeout_ends_all(gru, start):
    batch = start(gru, max_rows=1)
    handles = batch.submit(_long_request(gru), _long_request(gru))
    next(iter(handles[0]))
    batch.close(timeout=0.1)
    for handle in handles:
        with pytest.raises(BatchClosedError):
            handle.result(TIMEOUT)


def test_an_error_in_a_step_fails_its_texts_alone(gru, start, monkeypatch):
    batch = start(gru, max_rows=2)
    decode = batch.batch.decode

    def failing():
        raise RuntimeError("out of memory")

    monkeypatch.setattr(batch.batch, "decode", failing)
    handles = batch.submit(*requests_of(gru, SETTINGS[:2]))
    for handle in handles:
        with pytest.raises(RuntimeError, match="out of memory"):
            handle.result(TIMEOUT)
    monkeypatch.setattr(batch.batch, "decode", decode)
    (request,) = requests_of(gru, SETTINGS[:1])
    (handle,) = batch.submit(request)
    assert_equal(handle.result(TIMEOUT), alone(gru, request))


def test_pieces_for_asyncio(gru, start):
    batch = start(gru)

    async def read(request):
        (handle,) = batch.submit(request)
        return "".join([piece.text async for piece in handle]), handle.completion

    async def read_all():
        return await asyncio.gather(*map(read, requests_of(gru)))

    for text, completion in asyncio.run(read_all()):
        assert text == completion.text


@pytest.mark.parametrize("config", [{"beams": 2}, {"contrastive_alpha": 0.5, "top_k": 4}])
def test_strategies_that_cannot_share_a_batch_are_refused(config):
    with pytest.raises(UserError, match="decodes greedily or samples"):
        GenerationRequest(prompt=[3], config=GenerationConfig(**config))


def test_prompts_that_are_too_long_are_refused_at_once(gpt2, start):
    request = GenerationRequest(prompt=[3] * 30, config=GenerationConfig(max_new_tokens=3))
    with pytest.raises(UserError, match="Expected at most 32 tokens"):
        start(gpt2).submit(request)


def test_numbers_of_rows_are_checked(gru):
    with pytest.raises(UserError, match="max_rows must be at least 1"):
        ContinuousBatch(gru, Letters(), max_rows=0)


def _gru(tokenizer):
    from tiny import shrink

    keras.utils.set_random_seed(2)
    return shrink("gru", vocabulary=tokenizer.vocabulary_size, bidirectional=False)


def _stopping(config, tokenizer):
    from dataclasses import replace

    return replace(config, stop_ids=tokenizer.stop_ids)


def _long_request(model):
    (request,) = requests_of(model, [{"max_new_tokens": 10**6}])
    return request
