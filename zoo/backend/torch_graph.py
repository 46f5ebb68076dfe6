"""Passes over a captured graph of torch's operations: fewer kernels, and whether a CUDA graph can hold them.

Constant folding, common subexpression elimination and dead code elimination (Aho et al. 2006, "Compilers", section 9.1)
on graphs of `torch.fx`. Weights are never folded: they may change between two runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.fx import Graph, GraphModule, Node

UNPREDICTABLE = {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape}  # of operations that wait for data
INDEXED = (torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default, torch.ops.aten.index_put.default)
RANDOM = torch.Tag.nondeterministic_seeded


@dataclass(frozen=True)
class Writes:
    """What a graph updates in place.

    Attributes:
        inputs: indices of the inputs that are updated.
        nodes: all nodes whose value may change while the graph runs, and those that read them.
        only_inputs: whether everything that is updated is an input or made by the graph; False for weights.
    """

    inputs: frozenset[int]
    nodes: frozenset[Node]
    only_inputs: bool


def writes(graph: Graph) -> Writes:
    """What a graph updates in place: an array is one with all arrays that it may be a view of."""
    updated: set[Node] = set()
    for node in graph.nodes:
        for source in _updated_arguments(node):
            updated |= _ancestors(source)
    order = [node for node in graph.nodes if node.op == "placeholder"]
    inputs = frozenset(i for i, node in enumerate(order) if node in updated)
    only_inputs = all(node.op != "get_attr" for node in updated)
    for node in graph.nodes:  # in the order of execution: readers of what is updated
        if not updated.isdisjoint(node.all_input_nodes):
            updated.add(node)
    return Writes(inputs, frozenset(updated), only_inputs)


def identities(graph: Graph) -> list[int | None]:
    """For each output the index of the input that it is, updated in place or not; None for another array."""
    inputs = {node: i for i, node in enumerate(node for node in graph.nodes if node.op == "placeholder")}
    return [inputs.get(_updated_array(node)) for node in _outputs(graph)]


def simplify(module: GraphModule) -> GraphModule:
    """The graph with constants computed once, equal operations run once, and unused ones left out, in place."""
    module.graph.eliminate_dead_code()
    fixed = writes(module.graph).nodes | _returned(module.graph)
    _fold_constants(module, fixed)
    _share_equal(module, fixed)
    module.graph.eliminate_dead_code()
    module.delete_all_unused_submodules()
    module.recompile()
    return module


def is_static(module: GraphModule) -> bool:
    """Whether a CUDA graph can hold it: one device, no operation that waits for data, no weight that is updated."""
    arrays = [node.meta.get("val") for node in module.graph.nodes]
    devices = {array.device for array in arrays if isinstance(array, Tensor)}
    waits = any(_waits(node) for node in module.graph.nodes)
    return len(devices) == 1 and not waits and writes(module.graph).only_inputs


def parameters(module: GraphModule) -> list[Tensor]:
    """The weights that a graph reads, each once."""
    tensors = (_attribute(module, node) for node in module.graph.nodes if node.op == "get_attr")
    return list({id(tensor): tensor for tensor in tensors if isinstance(tensor, torch.nn.Parameter)}.values())


def _returned(graph):
    """The nodes that a caller gets, who may update them in place: each call returns arrays of its own."""
    return frozenset(node for source in _outputs(graph) for node in _ancestors(source))


def _outputs(graph):
    (output,) = (node for node in graph.nodes if node.op == "output")
    return list(output.args[0])


def _fold_constants(module, fixed):
    """Replace each node that depends on no input and no weight by its value, but for the `fixed` nodes."""
    constant: dict[Node, Any] = {}
    for node in list(module.graph.nodes):
        if node.op == "get_attr":
            value = _attribute(module, node)
            if isinstance(value, Tensor) and not isinstance(value, torch.nn.Parameter) and node not in fixed:
                constant[node] = value
        elif _is_pure(node) and node not in fixed and all(source in constant for source in node.all_input_nodes):
            arguments = torch.fx.map_arg((node.args, node.kwargs), constant.__getitem__)
            constant[node] = node.target(*arguments[0], **arguments[1])
    for i, (node, value) in enumerate(constant.items()):
        used = any(user not in constant for user in node.users)
        if node.op != "get_attr" and isinstance(value, Tensor) and used:
            module.register_buffer(f"constant{i}", value.detach(), persistent=False)
            with module.graph.inserting_before(node):
                replacement = module.graph.get_attr(f"constant{i}")
            replacement.meta = dict(node.meta)
            node.replace_all_uses_with(replacement)


def _share_equal(module, fixed):
    """Let nodes with equal operations and arguments be one, but for the `fixed` nodes."""
    seen: dict[Any, Node] = {}
    for node in list(module.graph.nodes):
        if node in fixed or not (node.op == "get_attr" or _is_pure(node)):
            continue
        key = node.op, node.target, repr(node.args), repr(node.kwargs)  # nodes are printed by their names
        if key in seen:
            node.replace_all_uses_with(seen[key])
        seen.setdefault(key, node)


def _is_pure(node):
    """Whether a node is an operation whose value depends on its arguments alone."""
    if node.op != "call_function":
        return False
    schema = getattr(node.target, "_schema", None)
    random = RANDOM in getattr(node.target, "tags", ())
    return (schema is not None and not schema.is_mutable and not random) or node.target.__name__ == "getitem"


def _updated_arguments(node):
    """The arguments that a node updates in place."""
    return [value for value, alias in _aliased_arguments(node) if alias.is_write]


def _aliased_arguments(node) -> Iterator[tuple[Node, Any]]:
    """The arguments that a node updates, or returns views of, and what torch's schema says of each."""
    schema = getattr(node.target, "_schema", None)
    for i, argument in enumerate(schema.arguments if schema is not None else ()):
        value = node.args[i] if i < len(node.args) else node.kwargs.get(argument.name)
        for array in value if isinstance(value, (list, tuple)) else [value]:
            if argument.alias_info is not None and isinstance(array, Node):
                yield array, argument.alias_info


def _updated_array(node):
    """The array that a node returns: for operations in place the array that they update."""
    while updated := _updated_arguments(node):
        node = updated[0]
    return node


def _ancestors(node):
    """A node and the arrays that it may be a view of."""
    if node.op != "call_function":
        return {node}
    is_item = getattr(node.target, "_schema", None) is None
    sources = node.all_input_nodes if is_item else [array for array, _ in _aliased_arguments(node)]
    return {node}.union(*map(_ancestors, sources))


def _waits(node):
    """Whether the host must wait for data: a shape or a number depends on them, as where booleans are an index."""
    if node.op != "call_function":
        return False
    if node.target in INDEXED:
        indices = [index for index in node.args[1] if isinstance(index, Node)]
        return any(index.meta["val"].dtype in (torch.bool, torch.uint8) for index in indices)
    return not UNPREDICTABLE.isdisjoint(getattr(node.target, "tags", ()))


def _attribute(module, node):
    value = module
    for name in node.target.split("."):
        value = getattr(value, name)
    return value
