"""The choices of an answer for each objective: the outputs that compete for a label, a tag, a span or a token."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.data.masking import special_ids
from zoo.data.qa_windows import NO_ANSWER, window_batches
from zoo.data.span_schemes import OUTSIDE
from zoo.data.word_alignment import align_words
from zoo.explore.text_run import TextRun
from zoo.explore.token_text import later_texts
from zoo.objectives import Generates
from zoo.objectives._tagging import words_of
from zoo.objectives.classify_and_tag import ClassifyAndTag
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.find_span import FindSpan
from zoo.objectives.masked_token import MaskedToken
from zoo.objectives.next_sentence import NextSentence
from zoo.objectives.pretrain import Pretrain
from zoo.objectives.score_pair import ScorePair
from zoo.objectives.tag_tokens import HEAD, TagTokens
from zoo.pipeline.predictor import BatchPredictor, predict

CANDIDATES = 5  # labels, and tokens at a mask
SPANS = 3  # of the best answers, whose starts and ends compete


@dataclass(eq=False)
class Choice:
    """One choice of an answer, such as the tag of a token: the outputs that compete for it.

    Attributes:
        names: of the outputs.
        output: name of the network's output with their logits; "" where the network has one output.
        indices: (outputs, axes) integers, of each output in the array of one text.
        chosen: indices of `names`.
    """

    names: list[str]
    output: str
    indices: np.ndarray
    chosen: list[int]


def answer_choices(run: TextRun, outputs: Any) -> Iterable[Choice]:
    """Yield the choices of an answer; none for an objective that is not of the catalog.

    Args:
        outputs: those of the network, as NumPy arrays with a first axis of one text.
    """
    objective = run.pipeline.objective
    if isinstance(objective, Generates):
        yield from _generated_tokens(run, outputs[0])
    elif isinstance(objective, ClassifyAndTag):
        yield _labels(objective.classifier, outputs["label"][0], "label")
        yield from _tags(run, objective, outputs[HEAD][0], HEAD)
    elif isinstance(objective, TagTokens):
        yield from _tags(run, objective, outputs[0], "")
    elif isinstance(objective, ClassifyText):
        yield _labels(objective, outputs[0], "")
    elif isinstance(objective, FindSpan):
        yield from _span(run, objective, outputs)
    elif isinstance(objective, ScorePair):
        yield Choice(["score"], "", np.zeros((1, 1), int), [0])
    elif isinstance(objective, NextSentence):
        yield Choice(["follows"], "", np.zeros((1, 1), int), [0])
    elif isinstance(objective, Pretrain):
        yield Choice(["follows"], "follows", np.zeros((1, 1), int), [0])
        yield from _masked_tokens(run, outputs["tokens"][0], "tokens")
    elif isinstance(objective, MaskedToken):
        yield from _masked_tokens(run, outputs[0], "")


def _labels(objective, logits, output):
    """The labels with the highest logits, and all that are chosen."""
    order = np.argsort(-logits, kind="stable")
    chosen = order[:1]
    if objective.multi_label:
        chosen = order[1 / (1 + np.exp(-logits[order].astype("float64"))) >= objective.threshold]
    indices = order[: max(CANDIDATES, len(chosen))]
    names = [f"label {objective.labels[i]}" for i in indices]
    return Choice(names, output, indices[:, None], list(range(len(chosen))))


def _tags(run, objective, scores, output):
    """The tag of each word at its first token, and the one with the highest score of the others.

    With a CRF, scores are those of the network; the transitions between tags are no output of it.
    """
    pipeline, words = run.pipeline, words_of(run.record)[0]
    (decision,) = predict(pipeline.model, objective, pipeline.tokenizer, [run.record])
    (alignment,) = align_words([words], pipeline.tokenizer)
    before, after = pipeline.tokenizer.template.special_ids(1)
    tokens = {i: len(before) + int(first) for i, first in enumerate(alignment.first) if first >= 0}
    window = [i for i, token in tokens.items() if token < len(scores) - len(after)]  # of words: the first window's
    outside = {i: objective.tags[decision["word_tags"][i]] == OUTSIDE for i in window}
    for i in sorted(window, key=outside.__getitem__):
        tag, token = int(decision["word_tags"][i]), tokens[i]
        order = np.argsort(-scores[token], kind="stable")
        tags = [tag, *order[order != tag][:1]]
        names = [f"token {token}: {objective.tags[tag]}" for tag in tags]
        yield Choice(names, output, np.array([(token, tag) for tag in tags]), [0])


def _span(run, objective, logits):
    """The start and the end of the answer, and those of the next best answers in the window, or no answer."""
    pipeline, tokenizer = run.pipeline, run.pipeline.tokenizer
    (windows,) = objective.windows([run.record], tokenizer)
    window = windows[run.example]
    ((_, batch),) = window_batches([[window]], logits, objective.length, objective.answer_length)
    decision = BatchPredictor(pipeline.model, objective, tokenizer).decide(batch)
    sequence, shift = run.sequences["tokens"], window.start - window.tokens.start
    for axis, (name, key) in enumerate((("start", "first"), ("end", "last"))):
        best = [i + shift for i in decision[f"best_{key}"][0, :SPANS].tolist() if i >= 0]
        answer = decision[key][0] + shift if decision[key][0] >= 0 else NO_ANSWER
        others = [*best, NO_ANSWER] if objective.no_answer_allowed else best
        tokens = list(dict.fromkeys([answer, *others]))
        names = [f"{name}: no answer" if i == NO_ANSWER else f"{name} {i}: {sequence[i].text.strip()}" for i in tokens]
        yield Choice(names, "", np.array([(i, axis) for i in tokens]), [0])


def _masked_tokens(run, logits, output):
    """At each mask the tokens with the highest logits."""
    tokenizer, positions = run.pipeline.tokenizer, run.inputs["mask_positions"][0].tolist()
    for i, position in enumerate(positions):
        scores = logits[i].copy()
        scores[special_ids(tokenizer)] = -np.inf
        ids = np.argsort(-scores, kind="stable")[:CANDIDATES]
        names = [f"mask {position}: {_text(tokenizer, id)}" for id in ids]
        yield Choice(names, output, np.stack([np.full_like(ids, i), ids], axis=1), [0])


def _generated_tokens(run, logits):
    """Each generated token, and the likeliest of the others."""
    tokenizer, ids = run.pipeline.tokenizer, run.inputs[run.output_sequence][0]
    for number, id in enumerate(ids[run.prompt_length :].tolist()):
        position = run.prompt_length + number - 1  # whose output is the next token
        scores = logits[position].copy()
        scores[id] = -np.inf
        tokens = [id, int(scores.argmax())]
        names = [f"generated {number + 1}: {_text(tokenizer, token)}" for token in tokens]
        yield Choice(names, "", np.array([(position, token) for token in tokens]), [0])


def _text(tokenizer, id):
    """The readable text of a token."""
    return later_texts(tokenizer, [id])[0].strip()
