"""Properties of TensorFlow Serving's JSON: exact floats, one result of two parsers, and an answer to any bytes."""

import json

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tf_requests import parse_examples, parse_predict

from zoo.serving.serving_error import ServingError
from zoo.serving.tensorflow_serving.tf_json.document import parse
from zoo.serving.tensorflow_serving.tf_json.predict_answer import predict_answer
from zoo.serving.tensorflow_serving.tf_json.predict_request import COLUMN, ROW
from zoo.serving.tensorflow_serving.tf_json.reader import read
from zoo.serving.tensorflow_serving.tf_json.results import error_body
from zoo.serving.tensorflow_serving.tf_json.scanner import JSONError
from zoo.serving.versions.signature_defs import TensorSpec

DTYPES = ("string", "float32", "float64", "int32", "int64", "uint8", "bool", "float16")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=()))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "b64", "text", "é"]), inner),
    max_leaves=8,
)
MARKS = '{}[],:"-+.eE019 '
NAMES = [f'"{name}"' for name in ("instances", "inputs", "examples", "signature_name", "b64", "text", "x", "é")]
WORDS = [
    "null",
    "true",
    "fals",
    "NaN",
    "Inf",
    "inity",
    "\\",
    "\\u",
    "\\ud83d",
    "\\ude00",
    "\n",
    "\0",
    "\ufeff",
    "9" * 30,
]
PIECES = st.sampled_from([*MARKS, *NAMES, *WORDS])
BODIES = (
    st.binary()
    | st.lists(PIECES, max_size=30).map(lambda pieces: "".join(pieces).encode())
    | VALUES.map(lambda value: json.dumps(value).encode())
    | st.tuples(st.sampled_from(["instances", "inputs", "examples"]), VALUES).map(
        lambda pair: json.dumps(dict([pair])).encode("utf-8", "surrogatepass")
    )
)


def outcome(function, body):
    try:
        return repr(function(body))
    except JSONError as error:
        return str(error)


@given(BODIES)
@example(b'{"a": "\\\\ud83d\\udc80"}')
@example(b'{"a": 123456789012345678901234567890, "b": [1e309]}')
@example(b'{"a": "' + b"9" * 400 + b'", "a": 9223372036854775808}')
def test_both_parsers_agree(body):
    assert outcome(parse, body) == outcome(read, body)


@given(BODIES)
def test_any_bytes_have_an_answer(body):
    for dtype in DTYPES:
        for names in (("text",), ("text", "x")):
            specs = {name: TensorSpec(name, dtype, None) for name in names}
            try:
                _, form, inputs = parse_predict(body, lambda _, specs=specs: specs)
                assert inputs.keys() == specs.keys()
                answer = predict_answer(inputs, form)
            except ServingError as error:
                answer = error_body(error.message)
            json.loads(answer)
    try:
        parse_examples(body)
    except ServingError as error:
        json.loads(error_body(error.message))


def echo(array, form):
    """An array, written in an answer and read back from a request."""
    answer = json.loads(predict_answer({"x": array}, form))
    key, value = next(iter(answer.items()))
    request = {"instances" if key == "predictions" else "inputs": value}
    spec = TensorSpec("x", "string" if array.dtype == object else array.dtype.name, None)
    return parse_predict(json.dumps(request).encode(), lambda _: {"x": spec})[2]["x"]


@given(
    arrays(np.float32, array_shapes(max_dims=3, max_side=4), elements=st.floats(width=32)),
    st.sampled_from([ROW, COLUMN]),
)
@example(np.array([1e-45, 1.1754942e-38, 3.4028235e38, 0.1, -0.0, np.nan], np.float32), ROW)
def test_a_float_is_read_back_to_the_bit(array, form):
    result = echo(array, form)
    np.testing.assert_array_equal(result, array)
    numbers = ~np.isnan(array)
    assert np.array_equal(result.view(np.int32)[numbers], array.view(np.int32)[numbers])


@given(arrays(np.int64, array_shapes(max_dims=3, max_side=3)), st.sampled_from([ROW, COLUMN]))
def test_an_integer_is_read_back(array, form):
    assert np.array_equal(echo(array, form), array)


@given(st.lists(st.text(), min_size=1), st.sampled_from([ROW, COLUMN]))
def test_a_text_is_read_back(texts, form):
    array = np.array([text.encode() for text in texts], object)
    assert echo(array, form).tolist() == array.tolist()
