"""Classify, Regress and MultiInference of TensorFlow Serving: signatures over serialized tf.train.Example records."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.serving.grpc.model_spec import signature_name, write_spec
from zoo.serving.grpc.tensorflow_serving_messages import messages
from zoo.serving.loaded_model import LoadedModel
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"
INPUT, CLASSES, SCORES, VALUES = "inputs", "classes", "scores", "outputs"  # names in such signatures


async def classify(service: Service, model: LoadedModel, name: str, records: Any) -> Any:
    """The ClassificationResult of a signature for an `Input`: the classes of each example, with their scores."""
    outputs, rows = await _run(service, model, name, records, CLASSIFY)
    classes, scores = outputs.get(CLASSES), outputs.get(SCORES)
    if classes is None and scores is None:
        raise _invalid(
            f'Expected classification signature outputs to contain at least one of "{CLASSES}" or "{SCORES}"'
        )
    for key, array in ((CLASSES, classes), (SCORES, scores)):
        if array is not None and (array.ndim != 2 or len(array) != rows):
            raise _invalid(f"Expected {key} Tensor shape: [batch_size num_classes] but got {list(array.shape)}")
    if classes is not None and scores is not None and classes.shape != scores.shape:
        raise _invalid(f"Tensors class and score should match in shape. Got {classes.shape} vs. {scores.shape}")
    columns = next(array for array in (classes, scores) if array is not None).shape[1]
    result = messages().ClassificationResult()
    for row in range(rows):
        classifications = result.classifications.add().classes
        for column in range(columns):
            label = "" if classes is None else classes[row, column].decode(errors="replace")
            classifications.add(label=label, score=0.0 if scores is None else float(scores[row, column]))
    return result


async def regress(service: Service, model: LoadedModel, name: str, records: Any) -> Any:
    """The RegressionResult of a signature for an `Input`: one value for each example."""
    outputs, rows = await _run(service, model, name, records, REGRESS)
    values = outputs.get(VALUES)
    if values is None or values.size != rows or values.shape not in ((rows,), (rows, 1)):
        shape = None if values is None else list(values.shape)
        raise _invalid(f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {shape}")
    return messages().RegressionResult(regressions=[{"value": value} for value in values.ravel().tolist()])


async def infer_tasks(service: Service, model: LoadedModel, request: Any) -> Any:
    """The MultiInferenceResponse of several signatures of one model on the same examples."""
    _check_tasks(request.tasks, model)
    response = messages().MultiInferenceResponse()
    for task in request.tasks:
        result, name = response.results.add(), signature_name(task.model_spec)
        if task.method_name == CLASSIFY:
            result.classification_result.CopyFrom(await classify(service, model, name, request.input))
        else:
            result.regression_result.CopyFrom(await regress(service, model, name, request.input))
        write_spec(result, model, name)
    return response


def _check_tasks(tasks, model):
    names = []
    for task in tasks:
        name = signature_name(task.model_spec)
        if not task.model_spec.name:
            raise _invalid("Found ModelSpec with an empty model name.")
        if task.model_spec.name != model.name:
            raise _invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        if name in names:
            raise _invalid(f"Duplicate evaluation of signature: {name}")
        if name not in model.signatures:
            raise _invalid(f"Requested signature not found in model graph: {name}")
        if task.method_name not in (CLASSIFY, REGRESS):
            raise ServingError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
        names.append(name)


async def _run(service, model, name, records, method):
    """The outputs of a signature for an `Input`, and the number of its examples."""
    if name not in model.signatures:
        raise _invalid(f"No signature was found with the name: {name}")
    signature = model.signatures[name]
    if signature.method != method:
        message = f"Signature {name!r} is not of the method {method} but of {signature.method}: call Predict."
        raise ServingError(Code.UNIMPLEMENTED, message)
    if list(signature.inputs) != [INPUT]:
        raise _invalid(f"Expected one input Tensor, {INPUT!r}, in signature {name!r}.")
    examples = _serialized(records)
    return await service.run(model, name, {INPUT: np.array(examples, object)}), len(examples)


def _serialized(records):
    """The serialized examples of an `Input`, each merged with the context of the list where it has one."""
    kind = records.WhichOneof("kind")
    batch = getattr(records, kind) if kind else messages().ExampleList()
    if not batch.examples:
        raise _invalid("Input is empty.")
    context = batch.context.SerializeToString() if kind == "example_list_with_context" else b""
    return [context + example.SerializeToString() for example in batch.examples]


def _invalid(message):
    return ServingError(Code.INVALID_ARGUMENT, message)
