"""Classify, Regress and MultiInference of TensorFlow Serving: signatures over serialized tf.train.Example records."""

from __future__ import annotations

from typing import Any

from zoo.serving.grpc.model_spec import signature_name, write_spec
from zoo.serving.grpc.tensorflow_serving_messages import messages
from zoo.serving.service import Service
from zoo.serving.serving_error import Code, ServingError, invalid
from zoo.serving.tensorflow_serving.tf_classify import classify_examples, regress_examples
from zoo.serving.versions.loaded_model import LoadedModel

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


async def classify(service: Service, model: LoadedModel, name: str, records: Any) -> Any:
    """The ClassificationResult of a signature for an `Input`: the classes of each example, with their scores."""
    examples = _examples(model, name, records, CLASSIFY)
    labels, scores = await classify_examples(service, model, name, examples)
    result = messages().ClassificationResult()
    for row_labels, row_scores in zip(labels, scores.tolist(), strict=True):
        classes = result.classifications.add().classes
        for label, score in zip(row_labels, row_scores, strict=True):
            classes.add(label=label.decode(errors="replace"), score=score)
    return result


async def regress(service: Service, model: LoadedModel, name: str, records: Any) -> Any:
    """The RegressionResult of a signature for an `Input`: one value for each example."""
    values = await regress_examples(service, model, name, _examples(model, name, records, REGRESS))
    return messages().RegressionResult(regressions=[{"value": value} for value in values.tolist()])


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
            raise invalid("Found ModelSpec with an empty model name.")
        if task.model_spec.name != model.name:
            raise invalid("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        if name in names:
            raise invalid(f"Duplicate evaluation of signature: {name}")
        if name not in model.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        if task.method_name not in (CLASSIFY, REGRESS):
            raise ServingError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {task.method_name}")
        names.append(name)


def _examples(model, name, records, method):
    """The serialized examples of an `Input`, for a signature that must be of a method."""
    if name not in model.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    if model.signatures[name].method != method:
        received = model.signatures[name].method
        message = f"Signature {name!r} is not of the method {method} but of {received}: call Predict."
        raise ServingError(Code.UNIMPLEMENTED, message)
    return _serialized(records)


def _serialized(records):
    """The serialized examples of an `Input`, each merged with the context of the list where it has one."""
    kind = records.WhichOneof("kind")
    batch = getattr(records, kind) if kind else messages().ExampleList()
    if not batch.examples:
        raise invalid("Input is empty.")
    context = batch.context.SerializeToString() if kind == "example_list_with_context" else b""
    return [context + example.SerializeToString() for example in batch.examples]
