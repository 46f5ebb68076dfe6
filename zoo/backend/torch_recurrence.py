"""Recurrent layers on torch by cuDNN's kernels."""

import torch

FUSED_ON = "cuda"  # device whose recurrent kernels are quicker than a loop; on a CPU they are slower


def fused_recurrence(kind, x_TBM, padding_mask, reverse, weights):
    """Features, (time, batch, units), by cuDNN; None where the input is not on a CUDA device.

    Args:
        kind: "RNN", "LSTM" or "GRU".
        visible: (batch, time) booleans or None. With `reverse` each text is read from its own end.
        weights: kernel, recurrent kernel and bias, laid out as Keras has them.
    """
    if x_TBM.device.type != FUSED_ON:
        return None
    if not reverse:
        return _fused_forwards(kind, x_TBM, weights)
    order = _backwards_order(x_TBM, padding_mask)
    y_TBU = _fused_forwards(kind, x_TBM.gather(0, order.expand_as(x_TBM)), weights)
    return y_TBU.gather(0, order.expand_as(y_TBU))


def _fused_forwards(kind, x_TBM, weights):
    kernel, recurrent, bias = (array.to(x_TBM.dtype) for array in weights)
    biases = bias if kind == "GRU" else (bias, torch.zeros_like(bias))
    laid_out = [_reset_first(array, kind).t().contiguous() for array in (kernel, recurrent, *biases)]
    begin = x_TBM.new_zeros(1, x_TBM.shape[1], recurrent.shape[0])
    run = {"RNN": torch._VF.rnn_tanh, "LSTM": torch._VF.lstm, "GRU": torch._VF.gru}[kind]
    begin = (begin, begin) if kind == "LSTM" else begin
    return run(x_TBM, begin, laid_out, True, 1, 0.0, torch.is_grad_enabled(), False, False)[0]


def _reset_first(array, kind):
    """A GRU's weights with its gates in cuDNN's order; others as they are."""
    if kind != "GRU":
        return array
    update, reset, candidate = torch.chunk(array, 3, dim=-1)
    return torch.cat([reset, update, candidate], dim=-1)


def _backwards_order(x_TBM, padding_mask):
    """(time, batch, 1) indices that turn each text around and leave its padding where it is."""
    time = torch.arange(len(x_TBM), device=x_TBM.device)[:, None]
    length = len(x_TBM) if padding_mask is None else padding_mask.sum(1)
    return torch.where(time < length, length - 1 - time, time).expand(x_TBM.shape[:2])[..., None]
