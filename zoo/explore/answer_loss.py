"""The loss of a network's own answer, whose gradient says what the answer depends on."""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.backend import Tensor
from zoo.explore.text_run import TextRun
from zoo.objectives import Generates
from zoo.objectives.embed_text import EmbedText
from zoo.objectives.find_span import FindSpan
from zoo.objectives.score_pair import ScorePair
from zoo.objectives.tag_tokens import TagTokens


def has_classes(run: TextRun) -> bool:
    """Whether the answer is of classes, so that it has a cross-entropy: a vector and a number are not."""
    return not isinstance(run.pipeline.objective, EmbedText | ScorePair)


def answer_loss(run: TextRun, outputs: Any) -> Tensor:
    """The cross-entropy of a network's own answer in nats, a scalar: -log p of the likeliest classes, summed.

    That is the label, or each of several labels' yes or no; the tag of each token but special ones, by its own scores
    where a CRF adds transitions; the start and the end of a span; each generated token. Where the network's outputs are
    losses of masked tokens, their sum.

    Args:
        outputs: of the network for one text.
    """
    if isinstance(outputs, dict) and "losses" in outputs:
        return ops.sum(outputs["losses"])
    return -sum(ops.sum(ops.max(ops.log_softmax(x, axis=-1), axis=-1)) for x in answer_logits(run, outputs))


def answer_logits(run: TextRun, outputs: Any) -> list[Tensor]:
    """The logits that an answer is decided by, an array (1, ..., classes) of each output of the network."""
    return [_answer_logits(run, logits) for logits in keras.tree.flatten(outputs)]


def _answer_logits(run, logits):
    objective, logits = run.pipeline.objective, ops.cast(logits, "float32")
    if isinstance(objective, FindSpan):
        logits = ops.transpose(logits, (0, 2, 1))  # the classes are the tokens
    elif isinstance(objective, Generates) and run.prompt_length is not None:
        logits = logits[:, run.prompt_length - 1 : -1]  # each token's logits are those of the token before
    elif isinstance(objective, TagTokens) and len(logits.shape) == 3:
        words = np.flatnonzero([not token.special for token in run.sequences["tokens"]])
        logits = ops.take(logits, words.astype("int32"), axis=1)
    elif logits.shape[-1] == 1 or getattr(objective, "multi_label", False):
        logits = ops.stack([logits, ops.zeros_like(logits)], axis=-1)  # a sigmoid
    return logits
