"""How well texts find their partners among all partners, by the products of their vectors."""

import numpy as np

ROWS = 1024  # texts whose products with all partners are held at a time


def retrieval_scores(vectors, partners):
    """Share of vectors nearest to their own partner, and mean reciprocal rank (Voorhees 1999, TREC-8), as fractions.

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
    """The place of each vector's partner, 1 for the nearest; partners as near as its own count as nearer."""
    products = vectors @ partners.T
    own = products[np.arange(len(vectors)), start + np.arange(len(vectors))]
    return (products >= own[:, None]).sum(1)
