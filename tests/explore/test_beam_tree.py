"""The tree of a beam search: the search that generates, step by step."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from keras import ops
from tiny import all_on_torch
from tiny_pipelines import run_of, tiny_pipeline

from zoo.explore.beam_tree import beam_tree
from zoo.explore.text_run import run_text
from zoo.runtime.errors import UserError

BEAMS, LENGTH = 4, 5
ARCHITECTURES = ("llama", "gru", "transformer", "rnn_seq2seq")


@pytest.fixture(scope="module", params=all_on_torch(ARCHITECTURES, ARCHITECTURES[2:3]))
def run(request):
    return run_of(request.param)


@pytest.fixture(scope="module")
def tree(run):
    return beam_tree(run, BEAMS, LENGTH)


def path(tree, node):
    """The nodes from the first token to a node."""
    return [*(path(tree, tree[node.parent]) if node.parent >= 0 else []), node]


def test_the_best_path_is_the_generated_text(run, tree):
    best = [node for node in tree if node.state == "best"]
    assert [node.step for node in best] == list(range(1, len(best) + 1))
    assert path(tree, best[-1]) == best
    text = run.pipeline.generate(*run.record.values(), beams=BEAMS, max_new_tokens=LENGTH)
    assert "".join(node.text for node in best if not node.text.startswith("[")).strip() == text.strip()


def test_each_node_continues_its_parent(tree):
    for node in tree:
        nodes = path(tree, node)
        assert [step.step for step in nodes] == list(range(1, node.step + 1))
        total = sum(step.logprob for step in nodes)
        assert node.score == pytest.approx(total / node.step, abs=1e-5)  # a length penalty of 1


def test_each_step_keeps_its_best_beams(tree):
    parents = {node.parent for node in tree}
    for step in range(1, max(node.step for node in tree) + 1):
        nodes = [node for node in tree if node.step == step]
        ended = [node for node in nodes if node.text == "[SEP]"]
        assert BEAMS <= len(nodes) <= 2 * BEAMS
        assert len(nodes) - len(ended) == BEAMS or step == LENGTH
        live = [node.score for node in nodes if node not in ended]
        assert live == sorted(live, reverse=True)
    for index, node in enumerate(tree):
        if node.text == "[SEP]" or node.step == LENGTH:
            assert index not in parents


def test_states_say_what_became_of_a_beam(tree):
    last = max(node.step for node in tree)
    children = {index: [node for node in tree if node.parent == index] for index in range(len(tree))}
    for index, node in enumerate(tree):
        goes_on = any(child.state != "pruned" for child in children[index])
        assert node.state in ("alive", "pruned", "finished", "best")
        assert goes_on == (node.state in ("alive", "best")) or node.step == last or not children[index]
        if node.state == "finished":
            assert node.text == "[SEP]" or node.step == LENGTH
    best = max((node for node in tree if node.state == "best"), key=lambda node: node.step)
    assert all(node.score <= best.score for node in tree if node.state == "finished")


def test_a_step_extends_the_beams_by_their_likeliest_tokens():
    """By the logits of the whole text, without caches."""
    run = run_of("gru")
    tree = beam_tree(run, BEAMS, 2)
    ids = {run.pipeline.tokenizer.id(node.text.strip()) for node in tree}
    assert None not in ids
    prompt = run.inputs["tokens"][0, : run.prompt_length].tolist()
    first = [node for node in tree if node.step == 1]
    scores = []
    for node in first:
        tokens = np.array([[*prompt, run.pipeline.tokenizer.id(node.text.strip())]], "int32")
        log_p = ops.convert_to_numpy(ops.log_softmax(run.model({"tokens": tokens})))[0]
        assert node.logprob == pytest.approx(log_p[-2, tokens[0, -1]], abs=1e-4)
        scores += (node.logprob + log_p[-1]).tolist()
    expected = sorted(scores, reverse=True)[:BEAMS]
    np.testing.assert_allclose([2 * node.score for node in tree if node.step == 2][:BEAMS], expected, atol=1e-4)


def test_a_length_penalty_of_the_model_counts():
    run = run_of("gru")
    pipeline = copy(run.pipeline)
    defaults = pipeline.objective.generation | {"length_penalty": 0.0, "temperature": 0.7}
    pipeline.preset = replace(pipeline.preset, objective=replace(pipeline.objective, generation=defaults))
    tree = beam_tree(replace(run, pipeline=pipeline), BEAMS, LENGTH)
    for node in tree:
        assert node.score == pytest.approx(sum(step.logprob for step in path(tree, node)), abs=1e-5)


def test_a_prompt_as_long_as_the_context_leaves_room():
    run = run_text(
        tiny_pipeline("next_token", "gpt2", depth=1, generation={"min_tokens": 16}),
        {"text": "the cat sat on a mat " * 9},
        40,
    )
    assert max(node.step for node in beam_tree(run, 2, 40)) == 16


def test_no_tree_without_generation():
    assert beam_tree(run_of("transformer_encoder")) == []


def test_fewer_than_two_beams_are_refused():
    with pytest.raises(UserError, match=r"Expected beams to be 2 or more. Received: beams=1."):
        beam_tree(run_of("transformer"), beams=1)
