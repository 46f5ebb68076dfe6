"""TensorFlow Serving's classify and regress: signatures of serialized tf.Examples, and the results of their outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.serving.serving_error import Code, ServingError, invalid
from zoo.serving.tensorflow_serving.tf_json.results import classify_answer, regress_answer
from zoo.serving.tensorflow_serving.tf_json.tensor_values import dtype_name
from zoo.serving.tensorflow_serving.tf_json.tf_examples import read_examples
from zoo.serving.versions.loaded_model import DEFAULT_SIGNATURE

if TYPE_CHECKING:
    from zoo.serving.service import Service
    from zoo.serving.tensorflow_serving.tf_paths import Target
    from zoo.serving.versions.loaded_model import LoadedModel
    from zoo.serving.versions.signature_defs import Signature

INPUTS, CLASSES, SCORES, OUTPUTS = "inputs", "classes", "scores", "outputs"  # TensorFlow's names of the tensors
Array = np.ndarray[Any, Any]


async def classify(service: Service, target: Target, document: Mapping[str, Any]) -> bytes:
    """The answer of `:classify`: the classes and scores of tf.Examples. Raises ServingError."""
    name, examples = read_examples(document)
    with service.lease(target.model, target.version, target.label) as model:
        return classify_answer(*await classify_examples(service, model, name, examples))


async def regress(service: Service, target: Target, document: Mapping[str, Any]) -> bytes:
    """The answer of `:regress`: one value of each tf.Example. Raises ServingError."""
    name, examples = read_examples(document)
    with service.lease(target.model, target.version, target.label) as model:
        return regress_answer(await regress_examples(service, model, name, examples))


async def classify_examples(
    service: Service, model: LoadedModel, name: str, examples: Sequence[bytes]
) -> tuple[list[list[bytes]], Array]:
    """`(labels, scores)` of each serialized tf.Example and class, by a signature. Raises ServingError."""
    signature = _signature(model, name)
    if len(signature.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    _check_input(model, signature.name, "classification")
    if CLASSES not in signature.outputs and SCORES not in signature.outputs:
        raise ServingError(
            Code.FAILED_PRECONDITION,
            f'Expected classification signature outputs to contain at least one of "{CLASSES}" or "{SCORES}". '
            f"Signature was: {model.signature_protos[signature.name]}",
        )
    outputs = await service.run(model, name, _inputs(examples))
    return _results(outputs, len(examples))


async def regress_examples(service: Service, model: LoadedModel, name: str, examples: Sequence[bytes]) -> Array:
    """The value of each serialized tf.Example, by a signature. Raises ServingError."""
    signature = _signature(model, name)
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    _check_input(model, signature.name, "regression")
    if OUTPUTS not in signature.outputs:
        raise _missing(model, signature.name, "regression outputs")
    outputs = await service.run(model, name, _inputs(examples))
    return _regressions(outputs[OUTPUTS], len(examples))


def _signature(model: LoadedModel, name: str) -> Signature:
    name = name or DEFAULT_SIGNATURE
    if name not in model.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    signature = model.signatures[name]
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    return signature


def _check_input(model, name, method):
    if INPUTS not in model.signatures[name].inputs:
        raise _missing(model, name, f"{method} inputs")


def _missing(model, name, tensors):
    problem = f"No {tensors} found in SignatureDef: {model.signature_protos[name]}"
    return ServingError(Code.FAILED_PRECONDITION, problem)


def _inputs(examples):
    array = np.empty(len(examples), object)
    array[:] = examples
    return {INPUTS: array}


def _results(outputs: Mapping[str, Array], size: int) -> tuple[list[list[bytes]], Array]:
    """`(labels, scores)` of classification outputs, of which one may be missing."""
    for name, dtype in ((CLASSES, "string"), (SCORES, "float32")):
        if name in outputs:
            _check_output(outputs[name], name, dtype, size)
    if CLASSES not in outputs:
        scores = outputs[SCORES]
        return [[b""] * scores.shape[1]] * size, scores
    labels = outputs[CLASSES]
    scores = outputs.get(SCORES, np.zeros(labels.shape, np.float32))
    if labels.shape[1] != scores.shape[1]:
        received = f"{labels.shape[1]} vs. {scores.shape[1]}"
        raise invalid(f"Tensors class and score should match in dim_size(1). Got {received}")
    return labels.tolist(), scores


def _check_output(array: Array, name: str, dtype: str, size: int) -> None:
    if array.ndim != 2:
        raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {_shape(array)}")
    if _dtype(array) != dtype:
        raise invalid(f"Expected {name} Tensor of {_enum(dtype)}. Got: {_enum(_dtype(array))}")
    if len(array) != size:
        raise invalid(f"Expected {name} output batch size of {size}. Got: {len(array)}")


def _regressions(values: Array, size: int) -> Array:
    if values.ndim not in (1, 2) or (values.ndim == 2 and values.shape[1] != 1):
        shapes = "either [batch_size] or [batch_size, 1]"
        raise invalid(f"Expected output Tensor shape to be {shapes} but got {_shape(values)}")
    if len(values) != size:
        raise invalid(f"Input batch size did not match output batch size: {size} vs. {len(values)}")
    if _dtype(values) != "float32":
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {_enum(_dtype(values))}")
    return values.ravel()


def _dtype(array):
    return "string" if array.dtype.kind in "OS" else array.dtype.name


def _enum(dtype):
    return f"DT_{dtype_name(dtype).upper()}"


def _shape(array):
    return f"[{','.join(map(str, array.shape))}]"
