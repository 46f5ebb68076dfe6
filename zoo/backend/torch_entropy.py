"""Cross-entropy on a CPU, a few rows at a time: of a large vocabulary's logits no copy is written but the gradient.

Torch's own writes three more, each the size of the logits, and one of 32 bits where they have 16.
"""

from collections.abc import Callable

import torch
from torch import Tensor

PART = 2**18  # logits that are processed together: they stay in a core's cache


def entropy(targets: Tensor, smoothing: float) -> tuple[Callable, Callable]:
    """`(forward, backward)` for `zoo.backend.torch.custom_gradient`: (rows, classes) logits to (rows,) losses."""

    def forward(logits):
        total = torch.cat([part.float().logsumexp(1) for part in _parts(logits, logits)])
        loss = total - logits.gather(1, targets[:, None])[:, 0].float()
        if smoothing:
            loss = (1 - smoothing) * loss + smoothing * (total - logits.mean(1, dtype=torch.float32))
        return loss, (logits, total)

    def backward(residuals, gradients):
        logits, total = residuals
        gradient = torch.empty_like(logits)
        parts = (_parts(array, logits) for array in (gradient, logits, total, *gradients, targets))
        for out, logit, row_total, row_gradient, target in zip(*parts, strict=True):
            out.copy_(_logits_gradient(logit, row_total, row_gradient, target, smoothing))
        return (gradient,)

    return forward, backward


def _logits_gradient(logits, total, gradient, targets, smoothing):
    """The gradient of some rows: their probabilities, less the weight that each class has, times that of their loss."""
    slope = (logits - total[:, None]).exp_()
    if smoothing:
        slope -= smoothing / logits.shape[1]
    slope.scatter_add_(1, targets[:, None], torch.full_like(gradient, smoothing - 1)[:, None])
    return slope.mul_(gradient[:, None])


def _parts(array, logits):
    return array.split(max(PART // logits.shape[1], 1))
