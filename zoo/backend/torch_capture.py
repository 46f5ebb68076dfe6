"""Functions on torch without what stands around their operations: no gradients, no calls of Keras's layers."""

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten


def compiled(function, variables, note=None, used_up=True):
    """`function`, of arrays in any structure, as it is but without gradients: other backends compile it.

    Where the first argument is `used_up`, what it holds may be written over.
    """
    return torch.no_grad()(function)


def captured(function, note=None):
    """`function`, of arrays in any structure, as the list of torch's operations that it comes to for their shapes.

    That leaves out the work of Keras's layers around their operations, half the time of a step with one row of a GPT-2
    on a CPU. It may use Keras variables. `note()` is called whenever a list is made.
    """
    programs = {}

    def run(*arguments):
        flat, structure = tree_flatten(arguments)
        key = structure, tuple((array.shape, array.dtype) for array in flat)
        if key in programs:
            program, form = programs[key]
            return tree_unflatten(program(*flat), form)
        if note:
            note()
        programs[key], outputs = _capture(function, flat, structure)
        return outputs

    return run


def _capture(function, flat, structure):
    """`(program, structure of its outputs)`, and the outputs: it runs while it is captured."""
    from torch.fx.experimental.proxy_tensor import make_fx  # it imports a great deal

    found = []

    def flattened(*flat):
        found.append(function(*tree_unflatten(flat, structure)))
        return tree_flatten(found[0])[0]

    program = make_fx(flattened)(*flat)
    return (program, tree_flatten(found[0])[1]), found[0]
