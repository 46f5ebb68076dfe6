"""The tree of a beam search: the beams of each step with their parents, recorded from the search itself."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from zoo.explore.token_text import later_texts
from zoo.explore.views import BeamNode
from zoo.generation.generate import generate, prompts_of
from zoo.objectives import Generates
from zoo.runtime.errors import UserError

if TYPE_CHECKING:
    from zoo.explore.text_run import TextRun

GROUPS = ("live", "finished")  # of beams, in the state of a search
ALIVE, PRUNED, FINISHED, BEST = "alive", "pruned", "finished", "best"


def beam_tree(run: "TextRun", beams: int = 4, length: int = 16) -> list[BeamNode]:
    """The tree of a beam search for the record of a run: the beams that each step kept, the best of a step first.

    The state of a node: "best" on the path of the best text; "finished" at the last token of another text that ended;
    "pruned" where the search dropped all beams that continue it; else "alive".

    Args:
        beams: number of beams, 2 or more.
        length: most new tokens; fewer where the context of the network has no room for them.

    Returns [] for an objective that does not generate. Raises UserError for less than 2 beams.
    """
    pipeline = run.pipeline
    if not isinstance(pipeline.objective, Generates):
        return []
    if beams < 2:
        raise UserError(f"Expected beams to be 2 or more. Received: beams={beams}.")
    generator = pipeline.generator(max_new_tokens=length, beams=beams, truncation_side="left")
    config = replace(generator.config, fit_context=True)
    prompts, sources = prompts_of([pipeline.objective.prompt_ids(run.record, pipeline.tokenizer)], pipeline.tokenizer)
    steps = {}

    def record(batch, state):
        step = int(ops.convert_to_numpy(state["new"]))
        steps[step] = _beams_of_step(batch, state, step)
        return state

    generate(pipeline.model, prompts, sources, config, watch=record, interval=1)
    nodes = {}
    for step, beams_of_step in steps.items():
        for path, logprob, score, state in beams_of_step:
            (text,) = later_texts(pipeline.tokenizer, path[-1:])
            nodes[path] = BeamNode(-1, step, text, logprob, score, state)
    return _connect(nodes)


def _beams_of_step(batch, state, step):
    """[(new ids, log-probability of the last, score with the length penalty, state of the node)] of the only prompt.

    At the limit all texts end: those that are not among the finished ones are pruned.
    """
    live, finished = ({key: ops.convert_to_numpy(array)[0] for key, array in state[name].items()} for name in GROUPS)
    penalty, end = step**batch.config.length_penalty, int(batch.lengths[0]) + step
    at_limit = step == batch.controls["limit"]
    live_state, live_score = PRUNED if at_limit else ALIVE, live["score"] / penalty
    ended = np.where(finished["count"] == end, finished["score"], -np.inf)  # at this step
    parts = (live, live_score, live_state), (finished, ended, FINISHED)
    return [
        (tuple(tokens[end - step : end].tolist()), float(logprobs[end - 1]), float(score), name)
        for beams, scores, name in parts
        for tokens, logprobs, score in zip(beams["tokens"], beams["logprobs"], scores, strict=True)
        if np.isfinite(score)
    ]


def _connect(nodes):
    """The nodes of {new ids: node} with their parents, and with the states that later steps decide."""
    last = max(node.step for node in nodes.values())
    finished = [path for path, node in nodes.items() if node.state == FINISHED]
    leaves = [*finished, *(path for path, node in nodes.items() if node.step == last and node.state == ALIVE)]
    continued = {path[:size] for path in leaves for size in range(1, len(path) + 1)}
    best = max(finished, key=lambda path: nodes[path].score)
    index = {path: i for i, path in enumerate(nodes)}
    for path, node in nodes.items():
        node.parent = index.get(path[:-1], -1)
        if path == best[: node.step]:
            node.state = BEST
        elif path not in continued:
            node.state = PRUNED
    return list(nodes.values())
