"""Bodies of TensorFlow Serving's REST API to arrays and tf.Examples, as its routes read them, for the tests."""

from zoo.serving.tensorflow_serving.tf_json.document import parse_object
from zoo.serving.tensorflow_serving.tf_json.predict_request import predict_inputs, signature_name
from zoo.serving.tensorflow_serving.tf_json.tf_examples import read_examples


def parse_predict(body, inputs_of):
    """`(signature name, ROW or COLUMN, {input: array})`; `inputs_of` are the inputs of a signature by its name."""
    document = parse_object(body)
    name = signature_name(document)
    return (name, *predict_inputs(document, inputs_of(name), name))


def parse_examples(body):
    """`(signature name, serialized tf.Examples)`."""
    return read_examples(parse_object(body))
