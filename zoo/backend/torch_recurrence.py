"""Recurrent layers on torch by cuDNN's kernels."""

import torch
from torch import Tensor

from zoo.backend.torch_capture import check_traceable

FUSED_ON = "cuda"  # device whose fused recurrent kernels are faster than a loop; on a CPU they are slower


def fused_recurrence(
    kind: str, x_TBM: Tensor, mask_BT: Tensor | None, reverse: bool, weights: list[Tensor]
) -> Tensor | None:
    """The features of a recurrent layer, (time, batch, units), by cuDNN; None where the input is not on a CUDA device.

    The arguments are those of `zoo/backend/jax.py`.
    """
    if x_TBM.device.type != FUSED_ON:
        return None
    check_traceable("cuDNN")
    if not reverse:
        return _fused_forward(kind, x_TBM, weights)
    order = _reversed_order(x_TBM, mask_BT)
    y_TBU = _fused_forward(kind, x_TBM.gather(0, order.expand_as(x_TBM)), weights)
    return y_TBU.gather(0, order.expand_as(y_TBU))


def _fused_forward(kind, x_TBM, weights):
    kernel, recurrent, bias = (array.to(x_TBM.dtype) for array in weights)
    biases = bias if kind == "GRU" else (bias, torch.zeros_like(bias))
    cudnn_weights = [_reset_first(array, kind).t().contiguous() for array in (kernel, recurrent, *biases)]
    state = x_TBM.new_zeros(1, x_TBM.shape[1], recurrent.shape[0])
    run = {"RNN": torch._VF.rnn_tanh, "LSTM": torch._VF.lstm, "GRU": torch._VF.gru}[kind]
    state = (state, state) if kind == "LSTM" else state
    return run(x_TBM, state, cudnn_weights, True, 1, 0.0, torch.is_grad_enabled(), False, False)[0]


def _reset_first(array, kind):
    """A GRU's weights with the gates in cuDNN's order; others as they are."""
    if kind != "GRU":
        return array
    update, reset, candidate = torch.chunk(array, 3, dim=-1)
    return torch.cat([reset, update, candidate], dim=-1)


def _reversed_order(x_TBM, mask_BT):
    """(time, batch, 1) indices that reverse each text and leave its padding in place."""
    time = torch.arange(len(x_TBM), device=x_TBM.device)[:, None]
    length = len(x_TBM) if mask_BT is None else mask_BT.sum(1)
    return torch.where(time < length, length - 1 - time, time).expand(x_TBM.shape[:2])[..., None]
