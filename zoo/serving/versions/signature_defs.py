"""Signatures of a SavedModel: names, dtypes and shapes of the inputs and outputs, read from saved_model.pb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.runtime.errors import UserError

FILE = "saved_model.pb"
TAG = "serve"
INITIALIZER = "__saved_model_init_op"  # an entry among the signatures that is none


@dataclass(frozen=True)
class TensorSpec:
    """The name, dtype and shape of a tensor.

    Attributes:
        name: of the tensor in the graph.
        dtype: as NumPy names it, or "string".
        shape: None for a dimension of any size; None as a whole for any rank.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True)
class Signature:
    """A signature: its inputs and outputs by name, and its method, such as "tensorflow/serving/predict"."""

    name: str
    method: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]


def read_meta_graph(folder: Path) -> Any:
    """The MetaGraphDef for serving of a SavedModel.

    Raises UserError where saved_model.pb is missing or damaged, or has no graph for serving.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    saved_model = SavedModel()
    try:
        saved_model.ParseFromString((folder / FILE).read_bytes())
    except (OSError, DecodeError) as error:
        raise UserError(
            f"Expected a SavedModel in {folder}. Received: a {FILE} that cannot be read ({error})."
        ) from error
    graphs = [graph for graph in saved_model.meta_graphs if TAG in graph.meta_info_def.tags]
    if not graphs:
        raise UserError(f"Expected a SavedModel with a graph tagged {TAG!r} in {folder}. Received: none.")
    return graphs[0]


def parse_signatures(meta_graph: Any) -> tuple[dict[str, Signature], dict[str, Any]]:
    """`({name: Signature}, all SignatureDef protos by name)` of a MetaGraphDef."""
    protos = dict(meta_graph.signature_def)
    return {name: _signature(name, proto) for name, proto in protos.items() if name != INITIALIZER}, protos


def read_signatures(folder: Path) -> tuple[dict[str, Signature], dict[str, Any]]:
    """`({name: Signature}, all SignatureDef protos by name)` of a SavedModel, without loading it.

    Raises UserError as `read_meta_graph` does.
    """
    return parse_signatures(read_meta_graph(folder))


def _signature(name, proto):
    inputs = {key: _spec(value) for key, value in sorted(proto.inputs.items())}
    outputs = {key: _spec(value) for key, value in sorted(proto.outputs.items())}
    return Signature(name, proto.method_name, inputs, outputs)


def _spec(info):
    from tensorflow import dtypes

    shape = info.tensor_shape
    sizes = None if shape.unknown_rank else tuple(None if dim.size < 0 else dim.size for dim in shape.dim)
    return TensorSpec(info.name, dtypes.as_dtype(info.dtype).name, sizes)
