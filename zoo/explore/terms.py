"""Terms: the words and n-grams of a text that weigh in a multilayer perceptron (MLP) on counts or TF-IDF."""

import numpy as np
from keras import ops

from zoo.architectures.mlp import BagWeights
from zoo.explore.answer_outputs import answer_outputs
from zoo.explore.embedding_graph import EmbeddingGraph
from zoo.explore.text_run import TextRun
from zoo.explore.token_text import tokens_of
from zoo.explore.views import Terms


def term_weights(run: TextRun) -> Terms | None:
    """The terms of a text with their features and contributions to the outputs of `zoo.explore.attribution`.

    A contribution is the gradient of the output by the feature, times the feature. Of a linear network (depth 0) that
    is the weight times the feature, and the contributions add up to the output without its bias. A feature holds the
    normalization by the length of the text. N-grams that share a feature by their hash are one term.

    None for a network without a bag of words.
    """
    answer = answer_outputs(run, limit=1)
    if answer is None:
        return None
    graph = EmbeddingGraph(answer.model, run.inputs, run.pipeline.tokenizer.padding, answer.read)
    bags = [i for i, embedding in enumerate(graph.embeddings) if isinstance(embedding.step.layer, BagWeights)]
    if not bags:
        return None
    count = len(answer.names)
    bag = graph.embeddings[bags[0]]
    products = graph.products(np.ones(count), np.arange(count), baseline=False)[bags[0]]
    weights, ids = bag.vectors(bag.output)[:, 0], ops.convert_to_numpy(bag.ids)[0]
    features = [feature for feature in dict.fromkeys(np.where(weights == 0, 0, ids).tolist()) if feature]
    same = (ids[:, None] == features).astype("float32")
    names = [_name(run, bag, np.flatnonzero(column)) for column in same.T]
    return Terms(names, weights @ same, (products @ same).astype("float32"))


def _name(run, bag, positions):
    """The text of a term: of each different n-gram at these positions."""
    tokens = run.inputs[bag.sequence][0]
    texts = (
        "".join(token.text for token in tokens_of(run.pipeline.tokenizer, tokens[bag.shares[i] > 0])) for i in positions
    )
    return " / ".join(dict.fromkeys(texts))
