"""Retrieval metrics: how well embeddings of texts retrieve their partners among all partners."""

import numpy as np

ROWS = 1024  # texts in a block, whose products with all partners are in memory at once


def retrieval_scores(vectors: np.ndarray, partners: np.ndarray) -> dict[str, float]:
    """`accuracy`, the share of vectors nearest to their partner, and `mrr`, the mean reciprocal rank, as fractions.

    Voorhees 1999, TREC-8.

    Args:
        vectors, partners: (texts, width) arrays; row i of one belongs to row i of the other.
    """
    ranks = np.concatenate(
        [_ranks(vectors[i : i + ROWS], partners, i) for i in range(0, len(vectors), ROWS)] or [np.zeros(0)]
    )
    return {
        "accuracy": float((ranks == 1).mean()) if len(ranks) else 0.0,
        "mrr": float((1 / ranks).mean()) if len(ranks) else 0.0,
    }


def _ranks(vectors, partners, start):
    """The rank of each vector's partner, 1 for the nearest; other partners at the same distance rank before it."""
    products = vectors @ partners.T
    to_partner = products[np.arange(len(vectors)), start + np.arange(len(vectors))]
    return (products >= to_partner[:, None]).sum(1)
