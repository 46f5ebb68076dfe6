"""Requests to arrays: rows, columns and tf.Examples, with TensorFlow Serving's sentences for what is wrong."""

import numpy as np
import pytest
from tf_requests import parse_examples, parse_predict

from zoo.serving.serving_error import Code, ServingError
from zoo.serving.tensorflow_serving.tf_json import predict_request
from zoo.serving.versions.signature_defs import TensorSpec

ROW_0 = "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: "
TEXT = {"text": "string"}
PAIR = {"text": "string", "text_pair": "string"}
MIXED = {"text": "string", "n": "int32"}
BIG = f'"{"x" * 300}"'
ARRAYS = [  # (dtypes of the inputs, request, form, {input: values})
    (TEXT, '{"instances": ["a", "é\\u0000"]}', "row", {"text": [b"a", "é\0".encode()]}),
    (TEXT, '{"instances": [{"text": ["a"]}, {"text": [{"b64": "YQ=="}]}]}', "row", {"text": [[b"a"], [b"a"]]}),
    (TEXT, '{"instances": [[[]]]}', "row", {"text": np.empty((1, 1, 0), object)}),
    (TEXT, '{"inputs": {"b64": " YW I "}}', "column", {"text": b"ab"}),
    (TEXT, '{"inputs": {"b64": "YW.."}}', "column", {"text": b"a"}),
    (TEXT, '{"inputs": {"b64": "YW=="}}', "column", {"text": b"a"}),
    (TEXT, '{"inputs": {"b64": "YR"}}', "column", {"text": b"a"}),  # bits beyond the last byte are ignored
    (TEXT, '{"inputs": {"text": ["a"], "extra": [1, "b"]}}', "column", {"text": [b"a"]}),
    (TEXT, '{"inputs": "a", "inputs": "b"}', "column", {"text": b"a"}),  # of a repeated name, the first
    (TEXT, '{"inputs": "a", "signature_name": "x"} {', "column", {"text": b"a"}),
    (TEXT, '{"instances": [{"text": "a", "text": "b"}, {"text": "c"}]}', "row", {"text": [b"a", b"b"]}),
    (TEXT, '{"instances": [{"text\\u0000x": "a"}]}', "row", {"text": [b"a"]}),  # names end at a zero
    (
        MIXED,
        '{"instances": [{"n": 1, "text": "a"}, {"text": "b", "n": -2}]}',
        "row",
        {"text": [b"a", b"b"], "n": [1, -2]},
    ),
    (MIXED, '{"inputs": {"n": [[1], [2]], "text": "a"}}', "column", {"text": b"a", "n": [[1], [2]]}),
    ({"x": "float32"}, '{"inputs": [1, 0.1, 1e39, -Infinity]}', "column", {"x": [1, 0.1, np.inf, -np.inf]}),
    (
        {"x": "float32"},
        '{"inputs": [18446744073709551615, -9223372036854775808]}',
        "column",
        {"x": [2.0**64, -(2.0**63)]},
    ),
    ({"x": "float64"}, '{"inputs": [[0.1, 36893488147419103232]]}', "column", {"x": [[0.1, 2.0**65]]}),
    ({"x": "int8"}, '{"inputs": [127, 128, -129]}', "column", {"x": [127, -128, 127]}),  # wraps around
    ({"x": "uint8"}, '{"inputs": [256, -1]}', "column", {"x": [0, 255]}),
    ({"x": "int16"}, '{"inputs": 65535}', "column", {"x": -1}),
    ({"x": "uint32"}, '{"inputs": [0, 4294967295]}', "column", {"x": [0, 2**32 - 1]}),
    ({"x": "uint64"}, '{"inputs": [18446744073709551615]}', "column", {"x": [2**64 - 1]}),
    ({"x": "int64"}, '{"inputs": [-9223372036854775808]}', "column", {"x": [-(2**63)]}),
    ({"x": "bool"}, '{"inputs": [true, false]}', "column", {"x": [True, False]}),
    ({"x": "bool"}, '{"inputs": []}', "column", {"x": []}),
]
ERRORS = [  # (dtypes of the inputs, request, error)
    (TEXT, "[1, 2]", "JSON Value: [1, 2] Is not object"),
    (TEXT, "1.5", "JSON Value: 1.5 Is not object"),
    (TEXT, "-1e39", "JSON Value: -1e+39 Is not object"),
    (TEXT, "0.1234567890123", "JSON Value: 0.123456791 Is not object"),
    (TEXT, "NaN", "JSON Value: NaN Is not object"),
    (TEXT, '"é\\u001f"', 'JSON Value: "é\\u001F" Is not object'),
    ({}, '{"instances": ["a"]}', "Failed to get input map for signature: DEFAULT"),
    ({}, '{"signature_name": "s", "instances": ["a"]}', "Failed to get input map for signature: s"),
    (
        TEXT,
        '{"signature_name": null}',
        'JSON Value: {\n    "signature_name": null\n} not formatted correctly. '
        "'signature_name' key must be a string value.",
    ),
    (TEXT, '{"Instances": ["a"]}', "Missing 'inputs' or 'instances' key"),
    (
        TEXT,
        '{"inputs": 1.5, "instances": [NaN]}',  # RapidJSON's writer stops at a number that is not finite
        'JSON Value: {\n    "inputs": 1.5,\n    "instances": [ Not formatted correctly expecting only one of '
        "'inputs' or 'instances' keys to exist ",
    ),
    (TEXT, '{"instances": 3}', "JSON Value: {\n    \"instances\": 3\n} Expecting 'instances' to be an list/array"),
    (TEXT, '{"instances": [true]}', ROW_0 + "JSON Value: true Type: True is not of expected type: string"),
    (TEXT, '{"instances": [[1.50]]}', ROW_0 + "JSON Value: 1.5 Type: Number is not of expected type: string"),
    ({"x": "float32"}, '{"inputs": false}', "JSON Value: false Type: False is not of expected type: float"),
    ({"x": "float64"}, '{"inputs": ["a"]}', 'JSON Value: "a" Type: String is not of expected type: double'),
    (
        {"x": "float32"},
        '{"instances": [{"b64": "YQ=="}]}',
        ROW_0 + 'JSON Value: {\n    "b64": "YQ=="\n} Type: Object is not of expected type: float',
    ),
    ({"x": "int32"}, '{"inputs": 2147483648}', "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
    ({"x": "int32"}, '{"inputs": [1, true]}', "JSON Value: true Type: True is not of expected type: int32"),
    ({"x": "uint32"}, '{"inputs": -1}', "JSON Value: -1 Type: Number is not of expected type: uint32"),
    ({"x": "uint64"}, '{"inputs": 1.0}', "JSON Value: 1.0 Type: Number is not of expected type: uint64"),
    ({"x": "bool"}, '{"inputs": 1}', "JSON Value: 1 Type: Number is not of expected type: bool"),
    (
        {"x": "int64"},
        '{"inputs": 18446744073709551616}',
        "JSON Value: 1.84467441e+19 Type: Number is not of expected type: int64",
    ),
    (TEXT, '{"inputs": ["a", ["b"]]}', "Encountered list at unexpected level: 1 expected < 1"),
    (TEXT, '{"inputs": [["a"], ["b", "c"]]}', "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
    (TEXT, '{"inputs": [[], ["a"]]}', "Encountered list at unexpected size: 1 at level: 1 expected size: 0"),
    (
        TEXT,
        '{"inputs": [[], "a"]}',
        'JSON Value: "a" found at incorrect level: 2 in the JSON DOM. Expected at level: 2',
    ),
    (TEXT, '{"inputs": [{"b64": 1}]}', 'JSON Value: {\n    "b64": 1\n} not formatted correctly for base64 data'),
    (
        TEXT,
        '{"inputs": [{"b64": "YQ==", "b64": "YQ=="}]}',
        'JSON Value: {\n    "b64": "YQ==",\n    "b64": "YQ=="\n} not formatted correctly for base64 data',
    ),
    *(
        (TEXT, f'{{"inputs": {{"b64": "{text}"}}}}', "Unable to base64 decode")
        for text in ("a", "YQ=", "YWJj=", "YQ-_", "Y=Q=")
    ),
    (
        TEXT,
        '{"instances": ["a", ["b"]]}',
        "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [] but got: [1]",
    ),
    (
        TEXT,
        '{"instances": [["a"], [["b"]]]}',
        "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [1] but got: [1,1]",
    ),
    (
        TEXT,
        '{"instances": [[[]], []]}',
        "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [1,0] but got: [0]",
    ),
    (TEXT, '{"instances": [{"text": "a"}, {"b64": "YQ=="}]}', "Expecting object but got list at item 1 of input list"),
    (TEXT, '{"instances": ["a", {"b64": 1}]}', "Expecting value/list but got object at item 1 of input list"),
    (
        PAIR,
        '{"instances": [{"text_pair": "a", "text": "b", "c": 1}]}',
        "Failed to process element: 0 key: c of 'instances' list. Error: INVALID_ARGUMENT: "
        "JSON object: does not have named input: c",
    ),
    (
        PAIR,
        '{"instances": [{"b64": "YQ=="}]}',
        "input size does not match signature: 1!=2 len({text}) != len({text,text_pair}). Sent extra: {}. "
        "Missing but required: {text_pair}.",
    ),
    (PAIR, '{"inputs": "a"}', predict_request.PLAIN_COLUMNS),
    (PAIR, '{"inputs": {"b64": "YQ=="}}', predict_request.PLAIN_COLUMNS),
    (PAIR, '{"instances": ["a"]}', predict_request.PLAIN_ROWS),
    (PAIR, '{"inputs": {}}', "Missing named input: text in 'inputs' object."),
    (TEXT, f'{{"inputs": {"[" * 70}"a"{"]" * 70}}}', "tensor parsing error: text"),
    (TEXT, f'{{"instances": [{"[" * 70}{"]" * 70}]}}', ROW_0 + "tensor parsing error: text"),
    (
        TEXT,
        f'{{"instances": [], "a": {BIG}}}',  # 256 bytes of a value are quoted
        'JSON Value: {\n    "instances": [],\n    "a": "' + "x" * 223 + " No values in 'instances' array",
    ),
]
UNIMPLEMENTED = [  # (dtype, value, error)
    ("float16", "1.5", "Conversion of JSON Value: 1.5 to type: half"),
    ("uint16", "7", "Conversion of JSON Value: 7 to type: uint16"),
    ("bfloat16", "null", "Conversion of JSON Value: null to type: bfloat16"),
]
EXAMPLE_ERRORS = [
    ('{"examples": 1}', "JSON Value: {\n    \"examples\": 1\n} Expecting 'examples' value to be an list/array"),
    ('{"examples": []}', "JSON Value: {\n    \"examples\": []\n} 'examples' value is an empty array"),
    ("{}", "JSON Value: {} When method is classify, key 'examples' is expected and was not found"),
    ('{"examples": [[]]}', "Example must be JSON object but got JSON Array"),
    ('{"examples": [{}], "context": null}', "Example must be JSON object but got JSON Null"),
    ('{"examples": [{"a": null}]}', "Feature: a has element with unexpected JSON type: Null"),
    ('{"examples": [{"a": [[1]]}]}', "Feature: a has element with unexpected JSON type: Array"),
    ('{"examples": [{"a": {"b": 1}}]}', "Feature: a has element with unexpected JSON type: Object"),
    ('{"examples": [{"a": [1, 1.5]}]}', "Unexpected element type in feature: a expecting type: int64"),
    ('{"examples": [{"a": ["x", true]}]}', "Unexpected element type in feature: a expecting type: bytes"),
    ('{"examples": [{"a": [1.5, {"b64": "YQ=="}]}]}', "Unexpected element type in feature: a expecting type: float"),
    ('{"examples": [{"a": {"b64": "?"}}]}', "Unable to base64 decode"),
    ('{"examples": [{"a": 9223372036854775808}]}', "Feature: a has uint64_t element. Only int64_t is supported."),
]


def request(dtypes, text):
    specs = {name: TensorSpec(name, dtype, None) for name, dtype in dtypes.items()}
    return parse_predict(text.encode("utf-8", "surrogateescape"), lambda _: specs)


def error_of(function, *arguments):
    with pytest.raises(ServingError) as error:
        function(*arguments)
    return error.value.code, error.value.message


@pytest.fixture
def value_by_value(monkeypatch):
    """Requests of a regular form, too, are converted value by value."""
    return lambda: monkeypatch.setattr(predict_request, "regular_array", lambda *_: None)


def test_requests_become_arrays(value_by_value):
    check_arrays()
    value_by_value()
    check_arrays()


def check_arrays():
    for dtypes, text, form, expected in ARRAYS:
        _, received_form, arrays = request(dtypes, text)
        assert received_form == form, text
        assert arrays.keys() == dtypes.keys()
        for name, dtype in dtypes.items():
            array = np.array(expected[name], object if dtype == "string" else dtype)
            assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape), text
            np.testing.assert_array_equal(arrays[name], array)


def test_the_signature_of_a_request_is_asked_for_by_its_name():
    names = []

    def inputs_of(name):
        names.append(name)
        raise ServingError(Code.NOT_FOUND, "no such signature")

    for text in ('{"signature_name": "a"}', "{}", '{"signature_name": ""}'):
        assert error_of(parse_predict, text.encode(), inputs_of) == (Code.NOT_FOUND, "no such signature")
    assert names == ["a", "", ""]


def test_wrong_requests_have_tensorflow_servings_sentences(value_by_value):
    check_errors()
    value_by_value()
    check_errors()


def check_errors():
    for dtypes, text, message in ERRORS:
        assert error_of(request, dtypes, text) == (Code.INVALID_ARGUMENT, message)
    for dtype, value, message in UNIMPLEMENTED:
        assert error_of(request, {"x": dtype}, f'{{"inputs": {value}}}') == (Code.UNIMPLEMENTED, message)
        row_error = f"Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: {message}"
        rows = f'{{"instances": [{value}]}}'
        assert error_of(request, {"x": dtype}, rows) == (Code.INVALID_ARGUMENT, row_error)


def test_a_quoted_value_ends_between_two_characters():
    text = f'{{"instances": [], "a": "{"é" * 200}"}}'
    message = error_of(request, TEXT, text)[1]
    quoted = message.removeprefix("JSON Value: ").removesuffix(" No values in 'instances' array")
    assert len(quoted.encode()) in (255, 256)
    assert quoted.endswith("é")


def test_examples_are_serialized_with_their_context():
    from tensorflow.core.example.example_pb2 import Example

    body = (
        b'{"signature_name": "s", "context": {"c": 1}, "examples": ['
        b'{"a": ["x", {"b64": "YQ=="}], "f": [1.5, 1e39], "i": [true, -2], "e": [], "d": 1, "d": "z"}, {"c": "own"}]}'
    )
    name, examples = parse_examples(body)
    assert name == "s"
    first, second = (Example.FromString(example).features.feature for example in examples)
    assert list(first["a"].bytes_list.value) == [b"x", b"a"]
    assert list(first["f"].float_list.value) == [1.5, np.inf]
    assert list(first["i"].int64_list.value) == [1, -2]
    assert first["e"].WhichOneof("kind") is None
    assert list(first["d"].bytes_list.value) == [b"z"]
    assert list(first["c"].int64_list.value) == [1]
    assert list(second["c"].bytes_list.value) == [b"own"]


def test_wrong_examples_have_tensorflow_servings_sentences():
    for text, message in EXAMPLE_ERRORS:
        assert error_of(parse_examples, text.encode()) == (Code.INVALID_ARGUMENT, message)
