"""Cross-entropy on a CPU, a few rows at a time: of a large vocabulary's logits no copy is written but the gradient.

Torch's own writes three more, each the size of the logits, and one of 32 bits where they have 16.
"""

import torch

PART = 2**18  # logits that are looked at together: they stay in a core's cache


def entropy(targets, smoothing):
    """`(forward, backward)` for `zoo.backend.torch.differentiable`: (rows, classes) logits to (rows,) losses."""

    def forward(logits):
        total = torch.cat([part.float().logsumexp(1) for part in _parts(logits, logits)])
        loss = total - logits.gather(1, targets[:, None])[:, 0].float()
        if smoothing:
            loss = (1 - smoothing) * loss + smoothing * (total - logits.mean(1, dtype=torch.float32))
        return loss, (logits, total)

    def backward(kept, gradients):
        logits, total = kept
        found = torch.empty_like(logits)
        parts = (_parts(array, logits) for array in (found, logits, total, *gradients, targets))
        for place, *part in zip(*parts, strict=True):
            place.copy_(_slope(*part, smoothing))
        return (found,)

    return forward, backward


def _slope(logits, total, gradient, targets, smoothing):
    """The gradient of some rows: their probabilities, less the weight that each class has, times that of their loss."""
    slope = (logits - total[:, None]).exp_()
    if smoothing:
        slope -= smoothing / logits.shape[1]
    slope.scatter_add_(1, targets[:, None], torch.full_like(gradient, smoothing - 1)[:, None])
    return slope.mul_(gradient[:, None])


def _parts(array, logits):
    return array.split(max(PART // logits.shape[1], 1))
