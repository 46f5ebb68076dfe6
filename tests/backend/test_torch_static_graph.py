"""Static buffers of captured graphs, as CUDA graphs have them: run on a CPU, beside the same functions without."""

import gc
import threading

import keras
import pytest
from keras import ops

from zoo import backend

if keras.backend.backend() != "torch":
    pytest.skip("only torch has them", allow_module_level=True)

import torch
from torch.fx.experimental.proxy_tensor import make_fx

from zoo.backend import torch_capture, torch_graph_pool, torch_static_graph
from zoo.backend.torch_graph import is_static, simplify, writes
from zoo.backend.torch_graph_pool import MAX_GRAPHS, StaticGraphs
from zoo.backend.torch_static_graph import StaticGraph


@pytest.fixture(autouse=True)
def static_on_cpu(monkeypatch):
    monkeypatch.setattr(torch_capture, "STATIC_DEVICES", {"cpu"})


@pytest.fixture
def graphs(monkeypatch):
    """The static graphs that are made."""
    made = []
    make = StaticGraph.__init__
    monkeypatch.setattr(StaticGraph, "__init__", lambda self, *args: (made.append(self), make(self, *args))[1])
    return made


def decode(state, change):
    """As a decoding step: a cache is updated in place, a counter is not, and a mask passes through."""
    cache = state["cache"].index_copy_(0, state["slot"].reshape(1), (change * state["mask"]).sum()[None])
    return state | {"cache": cache, "slot": state["slot"] + 1}


def state_of(size=6):
    return {"cache": torch.zeros(size), "slot": torch.tensor(0), "mask": torch.ones(2)}


def run(step, changes, state=None):
    state = state or state_of()
    for change in changes:
        state = step(state, torch.full((2,), float(change)))
    return state


def test_a_cache_is_updated_in_its_buffer_and_other_outputs_are_copies(graphs):
    step = backend.capture(decode)
    state = run(step, [1, 2])
    cache, slot = state["cache"], state["slot"]
    after = run(step, [3], state)
    assert len(graphs) == 1
    assert after["cache"].tolist() == [2, 4, 6, 0, 0, 0]
    assert after["cache"].data_ptr() == cache.data_ptr()
    assert (int(slot), int(after["slot"])) == (2, 3)
    assert after["mask"] is state["mask"]


def test_running_states_never_share_a_buffer(graphs):
    step = backend.capture(decode)
    states = [run(step, [number, number]) for number in range(3)]
    states = [run(step, [10 + number], state) for number, state in enumerate(states)]
    assert [state["cache"].tolist()[:3] for state in states] == [[0, 0, 20], [2, 2, 22], [4, 4, 24]]
    assert len(graphs) == 3


def test_a_graph_is_free_once_no_alias_or_view_of_its_buffer_is_left(graphs):
    step = backend.capture(decode)
    view = run(step, [1, 2])["cache"][1:]
    run(step, [3, 4])
    assert view.tolist() == [4, 0, 0, 0, 0]
    assert len(graphs) == 2  # the view is all that is left of the first state
    del view
    run(step, [5, 6])
    run(step, [7, 8])
    assert len(graphs) == 2


def test_more_states_than_graphs_run_without(graphs):
    step = backend.capture(decode)
    states = [run(step, [number, number]) for number in range(MAX_GRAPHS + 2)]
    states = [run(step, [1], state) for state in states]
    assert [state["cache"].tolist()[:3] for state in states] == [[2 * n, 2 * n, 2] for n in range(MAX_GRAPHS + 2)]
    assert len(graphs) == MAX_GRAPHS


def test_idle_graphs_of_other_shapes_make_room(graphs):
    step = backend.capture(decode)
    for size in range(4, 4 + MAX_GRAPHS + 2):
        run(step, [1, 2], state_of(size))
    assert len(graphs) == MAX_GRAPHS + 2
    run(step, [1, 2], state_of(4))
    assert len(graphs) == MAX_GRAPHS + 3  # the first was dropped, the least recently used


def test_idle_graphs_are_released_beyond_a_limit():
    pool, module = StaticGraphs(), simplify(make_fx(lambda x: [x + 1])(torch.zeros(3)))
    for key in range(3):
        pool.run(key, module, [torch.zeros(3)])
    pool.release(2 * 24)  # bytes: an input and an output of 3 floats each
    assert list(pool._graphs.values()) == [1, 2]
    pool.release(0)
    assert not pool._graphs


def test_read_arrays_are_copied_again_only_after_a_change(graphs):
    add = backend.capture(lambda x, y: x + y)
    x, y = torch.ones(2), torch.ones(2)
    assert add(x, y).tolist() == add(x, y).tolist() == [2, 2]
    graphs[0]._buffers[0].fill_(5)
    assert add(x, y).tolist() == [6, 2 + 4]  # `x` was not copied again
    x.add_(1)
    assert add(x, y).tolist() == [3, 3]
    assert add(torch.zeros(2), y).tolist() == [1, 1]


def test_outputs_that_callers_keep_do_not_change(graphs):
    add = backend.capture(lambda x: (x + 1, ops.zeros(2)))
    outputs = [add(torch.full((2,), float(number))) for number in range(4)]
    outputs[1][1].add_(7)
    assert [first.tolist() for first, _ in outputs] == [[n + 1.0] * 2 for n in range(4)]
    assert [second.tolist() for _, second in outputs] == [[0, 0], [7, 7], [0, 0], [0, 0]]
    assert len(graphs) == 1


def test_new_arrays_take_the_buffers_of_those_that_are_updated_but_not_returned(graphs):
    def reorder(cache, order):
        return cache.index_copy_(0, order[:1], torch.ones(1, 2)).flip(0)

    step, caches = backend.capture(reorder), [torch.zeros(3, 2)]
    for _ in range(3):
        caches.append(step(caches[-1], torch.tensor([0])))
    assert caches[-1].tolist() == [[1, 1], [0, 0], [1, 1]]
    assert caches[-1].data_ptr() == caches[-2].data_ptr() == graphs[0]._buffers[0].data_ptr()


def test_weights_in_other_memory_make_a_new_graph(graphs):
    weight = torch.nn.Parameter(torch.ones(2))
    with torch.no_grad():
        scale = backend.capture(lambda x: x * weight)
        assert [scale(torch.ones(2)).tolist() for _ in range(2)] == [[1, 1]] * 2
        weight.fill_(3)
        assert scale(torch.ones(2)).tolist() == [3, 3]
        assert len(graphs) == 1
        weight.data = torch.full((2,), 5.0)
        assert scale(torch.ones(2)).tolist() == [5, 5]
        assert len(graphs) == 2


WAITS = {
    "booleans as index": lambda x: x[x > 0],
    "assigned by booleans": lambda x: x.clone().index_put_((x > 0,), torch.tensor(0.0)),
    "unique": lambda x: torch.unique(x),
    "nonzero": lambda x: x.nonzero().float(),
}


@pytest.mark.parametrize("name", WAITS)
def test_operations_that_wait_for_data_run_without(graphs, name):
    function = backend.capture(lambda x: WAITS[name](x).sum())
    for x in (torch.tensor([1.0, 1.0, -1.0]), torch.tensor([-1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 6.0])):
        assert function(x) == WAITS[name](x).sum()
    assert not graphs


def test_a_graph_that_updates_a_weight_runs_without(graphs):
    weight = torch.nn.Parameter(torch.zeros(2), requires_grad=False)
    count = backend.capture(lambda x: weight.add_(x).sum())
    assert [float(count(torch.ones(2))) for _ in range(3)] == [2, 4, 6]
    assert not graphs


def test_a_capture_that_fails_is_tried_once(monkeypatch):
    tries = []

    def fail(run):
        tries.append(run())
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(torch_static_graph, "_record", fail)
    state = run(backend.capture(decode), [1, 2, 3, 4])
    assert state["cache"].tolist() == [2, 4, 6, 8, 0, 0]
    assert len(tries) == 1


def test_threads_that_run_one_function_at_once(graphs):
    step, results = backend.capture(decode), {}

    def work(number):
        with torch.no_grad():
            results[number] = run(step, [number] * 50, state_of(50))["cache"].tolist()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [2 * number] * 50 for number in range(4)}


def test_graphs_are_freed_with_their_function(graphs):
    step = backend.capture(decode)
    run(step, [1, 2])
    pools = len(torch_graph_pool._pools)
    del step
    graphs.clear()
    gc.collect()
    assert len(torch_graph_pool._pools) < pools


def traced(function, *inputs):
    return simplify(make_fx(function)(*inputs))


def operations(module):
    return [node.target.__name__ for node in module.graph.nodes if node.op == "call_function"]


def test_constants_are_folded_equal_operations_shared_and_unused_ones_dropped():
    weight = torch.nn.Parameter(torch.ones(3), requires_grad=False)

    def function(x):
        x.exp()  # unused
        return [x * (torch.arange(3) + 1), (x * weight.neg()).exp() + (x * weight.neg()).exp(), x]

    module = traced(function, torch.ones(3))
    assert operations(module) == ["mul.Tensor", "neg.default", "mul.Tensor", "exp.default", "add.Tensor"]
    weight.fill_(2)
    assert module(torch.ones(3))[0].tolist() == [1, 2, 3]
    torch.testing.assert_close(module(torch.ones(3))[1], 2 * torch.exp(torch.full((3,), -2.0)))


def test_reads_before_and_after_an_update_are_not_shared():
    def function(x):
        before, ones = x * 2, torch.zeros(2)
        x[:1].add_(1)
        ones.add_(1)
        return [before, x * 2, ones, torch.zeros(2), torch.rand(1) - torch.rand(1)]

    module = traced(function, torch.zeros(2))
    for _ in range(2):
        before, after, ones, zeros, noise = module(torch.zeros(2))
        assert [value.tolist() for value in (before, after, ones, zeros)] == [[0, 0], [2, 0], [1, 1], [0, 0]]
        assert noise != 0
    assert writes(module.graph).inputs == {0}


def test_arrays_of_two_devices_are_not_static():
    assert is_static(traced(lambda x: [x + 1], torch.ones(2)))
    assert not is_static(traced(lambda x: [x + 1, torch.ones(2, device="meta")], torch.ones(2)))
