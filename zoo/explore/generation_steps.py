"""The steps of decoding: the probability of each generated token, the entropy, and the candidates."""

from typing import TYPE_CHECKING

import numpy as np
from keras import ops

from zoo.explore.output_classes import output_classes
from zoo.explore.token_text import later_texts
from zoo.explore.views import GenerationStep

if TYPE_CHECKING:
    from zoo.explore.text_run import TextRun


def generation_steps(run: "TextRun", top: int = 5) -> list[GenerationStep]:
    """The steps of decoding, one for each generated token: see `TextRun.prompt_length`.

    All of them come from one pass over the whole text (teacher forcing): a causal network scores each token by the
    tokens before it, as in decoding one by one.

    Args:
        top: candidates of each step.

    Returns [] for an objective that does not generate.
    """
    classes = output_classes(run.pipeline)
    if classes is None or run.prompt_length is None:
        return []
    ids = run.inputs[run.output_sequence][0, run.prompt_length :]
    inputs = {name: ops.convert_to_tensor(run.inputs[name]) for name in run.model.input}
    logits = classes.logits(run.model(inputs, training=False))[run.prompt_length - 1 : -1]
    log_p = ops.take_along_axis(classes.log_probabilities(logits), ids[:, None].astype("int32"), axis=1)[:, 0]
    texts, entropy = later_texts(run.pipeline.tokenizer, ids), classes.entropy(logits).tolist()
    probability = np.exp(ops.convert_to_numpy(log_p)).tolist()
    return list(map(GenerationStep, texts, probability, entropy, classes.top(logits, top)))
