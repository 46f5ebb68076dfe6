"""Statistics of attention heads: entropy, mean distance, and the share of weight on some tokens.

As in Clark et al. 2019, What Does BERT Look At?, https://arxiv.org/abs/1906.04341, sections 3.1 and 3.3.
"""

import numpy as np

from zoo.explore.views import Token


def head_statistics(weights: np.ndarray, keys: list[Token], same_sequence: bool) -> dict[str, np.ndarray]:
    """Statistics of the heads of a layer, each (heads,), means over the queries.

    "entropy" in nats; "first" and "separator": the share of weight on the first token and on later special tokens.
    Queries and keys of the same sequence have "distance" too, in tokens, and "previous": the share on the token before
    the query, from the second query on.

    Args:
        weights: (heads, time, source time).
        keys: the tokens of the keys.
        same_sequence: whether queries and keys are the same tokens.
    """
    heads, time, source_time = weights.shape
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    mean_HS = weights.mean(axis=1)
    separator = np.array([token.special and position > 0 for position, token in enumerate(keys)])
    statistics = {
        "entropy": -(weights * logs).sum(-1).mean(-1),
        "first": mean_HS[:, 0],
        "separator": mean_HS[:, separator].sum(-1),
    }
    if same_sequence:
        distance_TS = np.abs(np.arange(time)[:, None] - np.arange(source_time)).astype("float32")
        statistics["distance"] = np.einsum("hts,ts->h", weights, distance_TS) / time
        previous_HT = np.diagonal(weights, -1, axis1=1, axis2=2)
        statistics["previous"] = previous_HT.mean(-1) if time > 1 else np.zeros(heads)
    return {name: array.astype("float32") for name, array in statistics.items()}
