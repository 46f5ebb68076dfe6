"""Chunked cross-entropy on a CPU: of a large vocabulary's logits the only copy is the gradient.

Torch's own cross-entropy makes three more copies of the logits, and one in float32 where they have 16 bits.
"""

from collections.abc import Callable

import torch
from torch import Tensor

CHUNK = 2**18  # logits that are processed together: they fit in a core's cache


def entropy(targets: Tensor, smoothing: float) -> tuple[Callable, Callable]:
    """Cross-entropy of (rows, classes) logits, (rows,), as `(forward, backward)` for `custom_gradient`.

    Args:
        targets: (rows,) integer classes.
        smoothing: label smoothing, as in `zoo.backend.jax.cross_entropy`.
    """

    def forward(logits):
        total = torch.cat([chunk.float().logsumexp(1) for chunk in _chunks(logits, logits)])
        loss = total - logits.gather(1, targets[:, None])[:, 0].float()
        if smoothing:
            loss = (1 - smoothing) * loss + smoothing * (total - logits.mean(1, dtype=torch.float32))
        return loss, (logits, total)

    def backward(residuals, gradients):
        logits, total = residuals
        gradient = torch.empty_like(logits)
        chunks = (_chunks(array, logits) for array in (gradient, logits, total, *gradients, targets))
        for out, logit, row_total, row_gradient, target in zip(*chunks, strict=True):
            out.copy_(_logits_gradient(logit, row_total, row_gradient, target, smoothing))
        return (gradient,)

    return forward, backward


def _logits_gradient(logits, total, gradient, targets, smoothing):
    """The gradient of some rows: probabilities less smoothed targets, times the gradient of the loss."""
    slope = (logits - total[:, None]).exp_()
    if smoothing:
        slope -= smoothing / logits.shape[1]
    slope.scatter_add_(1, targets[:, None], torch.full_like(gradient, smoothing - 1)[:, None])
    return slope.mul_(gradient[:, None])


def _chunks(array, logits):
    return array.split(max(CHUNK // logits.shape[1], 1))
