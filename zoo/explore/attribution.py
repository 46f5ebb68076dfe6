"""Attribution: the contribution of each token to the outputs that decide an answer, by three methods.

Gradient x input and integrated gradients are computed from token embeddings on: see `zoo.explore.embedding_graph`.
Occlusion is the difference of an output between the text and the text with one token masked (Zeiler & Fergus 2014,
https://arxiv.org/abs/1311.2901, section 4.2, of images; Li et al. 2016, https://arxiv.org/abs/1612.08220, of words).

The baseline of integrated gradients is a text of padding: the embedding of the padding token in the position of every
token, special tokens included, with the positions, segments and masks of the text.

A text of T tokens costs, in runs of the network on the text: gradient x input 2 for each output, integrated gradients
10 or more for each output, occlusion T. A 12-layer network of width 384 with two labels took 1, 2 and 1 s for 32
tokens, 1, 3 and 5 s for 128, and 4, 11 and 102 s for 512 (one core of a CPU, PyTorch).
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from zoo.explore.answer_outputs import AnswerOutputs, answer_outputs, run_model
from zoo.explore.embedding_graph import EmbeddingGraph, row_chunks
from zoo.explore.integrated_gradients import integrated_gradients
from zoo.explore.text_run import TextRun
from zoo.explore.variants import mask_id
from zoo.explore.views import Attribution, AttributionMethod
from zoo.runtime.errors import one_of

INTEGRATED, GRADIENT, OCCLUSION = METHODS = ("integrated gradients", "gradient x input", "occlusion")
CHOICES = 16


def attribute(run: TextRun, methods: Sequence[str] = METHODS, choices: int = CHOICES) -> Attribution | None:
    """The attribution of an answer to the tokens of its text.

    Args:
        methods: of `METHODS`; a network without an embedding layer, or with quantized weights, has occlusion only.
        choices: most choices of the answer that are explained, such as tagged or generated tokens.

    None where no output decides the answer: that of an empty text, or of an objective that is not of the catalog.

    Raises UserError for an unknown method.
    """
    methods = [one_of("method", name, METHODS) for name in methods]
    answer = answer_outputs(run, choices)
    if answer is None:
        return None
    values = _values(answer, run.inputs)[0]
    graph = EmbeddingGraph(answer.model, run.inputs, run.pipeline.tokenizer.padding, answer.read)
    results = []
    if graph.embeddings and run.pipeline.weight_type == "float32":
        results += [_gradient_methods(graph, name, len(values)) for name in methods if name != OCCLUSION]
    if OCCLUSION in methods:
        results.append(AttributionMethod(OCCLUSION, _occlusion(run, answer, values)))
    return Attribution(answer.names, values, answer.chosen, answer.groups, results)


def _gradient_methods(graph, name, outputs):
    """Gradient x input, or integrated gradients, by the embeddings of an `EmbeddingGraph`."""
    if name == GRADIENT:
        total, gap = graph.contributions(np.ones(outputs), np.arange(outputs), baseline=False), None
    else:
        total, gap = integrated_gradients(graph.values, graph.contributions)
        gap = gap.astype("float32")
    ends = np.cumsum(list(graph.sizes.values()))[:-1]
    values = dict(zip(graph.sizes, np.split(total.astype("float32"), ends, axis=1), strict=True))
    return AttributionMethod(name, values, gap)


def _occlusion(run: TextRun, answer: AnswerOutputs, values: np.ndarray) -> dict[str, np.ndarray]:
    """{sequence: (outputs, tokens)}: the outputs `values` less those with each token masked."""
    tokens = sum(map(len, run.sequences.values()))
    changes = {}
    for name, sequence in run.sequences.items():
        rows = []
        for chunk, count in row_chunks(np.arange(len(sequence)), tokens):
            inputs = {key: np.repeat(array, len(chunk), axis=0) for key, array in run.inputs.items()}
            inputs[name][np.arange(len(chunk)), chunk] = mask_id(run.pipeline.tokenizer)
            rows.append(_values(answer, inputs)[:count])
        changes[name] = (values - np.concatenate(rows)).T
    return changes


def _values(answer, inputs):
    """The outputs of an answer for {input: (rows, time) array}, (rows, outputs) float32."""
    outputs = keras.tree.map_structure(ops.convert_to_tensor, run_model(answer.model, inputs))
    return ops.convert_to_numpy(ops.cast(answer.read(outputs), "float32"))
