"""Arrays to answers: TensorFlow Serving's white space, floats, base64 and sentences."""

import time

import numpy as np
import pytest

from zoo.serving.serving_error import Code, ServingError
from zoo.serving.tensorflow_serving.tf_json.decimals import format_decimal, format_decimals
from zoo.serving.tensorflow_serving.tf_json.grisu import shortest_digits
from zoo.serving.tensorflow_serving.tf_json.predict_answer import predict_answer
from zoo.serving.tensorflow_serving.tf_json.predict_request import COLUMN, ROW
from zoo.serving.tensorflow_serving.tf_json.results import classify_answer, error_body, regress_answer

FLOATS = {  # {float32: text}, as TensorFlow Serving writes them
    0.0: "0.0",
    1: "1.0",
    -7: "-7.0",
    0.1: "0.1",
    0.7: "0.7",
    1 / 3: "0.333333343",
    -2.5e-5: "-2.5e-05",
    100000: "100000.0",
    999999: "999999.0",
    1000000: "1e+06",
    1234567: "1234567.0",
    999999.5: "999999.5",
    16777217: "16777216.0",
    123456789: "123456792.0",
    1234567890: "1.23456794e+09",
    1e30: "1e+30",
    1e-30: "1e-30",
    3.4028235e38: "3.40282347e+38",
    1.1754944e-38: "1.17549435e-38",
    1e-45: "1.4013e-45",
    np.nan: "NaN",
    np.inf: "Infinity",
    -np.inf: "-Infinity",
}
DOUBLES = {
    0.1: "0.1",
    1 / 3: "0.33333333333333331",
    1e16: "1e+16",
    1234567890123456: "1234567890123456.0",
    1e22: "1e+22",
    5e-324: "4.94066e-324",
    1.7976931348623157e308: "1.7976931348623157e+308",
    np.nan: "NaN",
}
TEXTS = np.array([b"good", b'a"\\/\n\x1f\x7f', "é😀".encode(), b"\xff"], object)


def body(text):
    return text.strip().encode()


def test_floats_have_six_digits_or_all():
    assert format_decimals(np.array(list(FLOATS), np.float32)) == list(FLOATS.values())
    assert format_decimals(np.array(list(DOUBLES), np.float64)) == list(DOUBLES.values())
    assert [format_decimal(value) for value in FLOATS] == list(FLOATS.values())
    assert [format_decimal(value, double=True) for value in DOUBLES] == list(DOUBLES.values())
    assert format_decimals(np.array([-0.0, -1e-50], np.float32)) == ["-0.0", "-0.0"]
    assert format_decimals(np.empty(0, np.float32)) == []


def test_quoted_doubles_have_the_digits_of_grisu2():
    digits = {
        0.7: ("7", -1),
        1e22: ("1", 22),
        5e-324: ("5", -324),
        261.776317066907439150008063: ("26177631706690746", -14),
    }
    for number, expected in digits.items():
        assert shortest_digits(number) == expected


def test_rows_of_one_output_are_values():
    scores = np.array([[0.5, 1], [-2, np.nan]], np.float32)
    assert predict_answer({"scores": scores}, ROW) == body("""
{
    "predictions": [[0.5, 1.0], [-2.0, NaN]
    ]
}""")
    assert predict_answer({"n": np.array([1, -2], np.int64)}, ROW) == body("""
{
    "predictions": [1, -2
    ]
}""")
    assert predict_answer({"n": np.array([[[True], [False]]])}, ROW) == body("""
{
    "predictions": [[[true], [false]]
    ]
}""")


def test_rows_of_several_outputs_are_objects():
    outputs = {"label": np.array([b"a", b"b"], object), "scores": np.array([[0.5, 1], [2, 3]], np.float32)}
    assert predict_answer(outputs, ROW) == body("""
{
    "predictions": [
        {
            "label": "a",
            "scores": [0.5, 1.0]
        },
        {
            "label": "b",
            "scores": [2.0, 3.0]
        }
    ]
}""")


def test_columns_have_a_line_for_each_value():
    outputs = {"n": np.array([[1], [2]], np.uint8), "e": np.empty((1, 0), np.float32), "s": np.float32(0.5)}
    assert predict_answer(outputs, COLUMN) == body("""
{
    "outputs": {
        "n": [
            [
                1
            ],
            [
                2
            ]
        ],
        "e": [
            []
        ],
        "s": 0.5
    }
}""")
    assert predict_answer({"n": np.array([1, 2])}, COLUMN) == body("""
{
    "outputs": [
        1,
        2
    ]
}""")


def test_bytes_are_base64():
    value = np.array([[b"\xff\0", b""]], object)
    assert predict_answer({"image_bytes": value}, ROW) == body("""
{
    "predictions": [[{
                "b64": "/wA="
            }, {
                "b64": ""
            }]
    ]
}""")
    assert predict_answer({"image_bytes": value, "n": np.array([1])}, ROW) == body("""
{
    "predictions": [
        {
            "image_bytes": [{
                    "b64": "/wA="
                }, {
                    "b64": ""
                }],
            "n": 1
        }
    ]
}""")
    assert predict_answer({"a_bytes": b"\xff\0"}, COLUMN) == body("""
{
    "outputs": {
        "b64": "/wA="
    }
}""")
    assert predict_answer({"a_bytes": np.array([1])}, COLUMN) == b'{\n    "outputs": [\n        1\n    ]\n}'


def test_strings_are_utf8():
    assert predict_answer({"text": TEXTS}, ROW) == body("""
{
    "predictions": ["good", "a\\"\\\\/\\n\\u001F\x7f", "é😀", "\ufffd"
    ]
}""")
    assert predict_answer({"text": b"a\0"}, COLUMN) == b'{\n    "outputs": "a\\u0000"\n}'


def test_empty_outputs():
    assert predict_answer({"text": np.empty((0, 3), object)}, ROW) == b'{\n    "predictions": []\n}'
    assert predict_answer({"a": np.empty(0), "b": np.empty((0, 2))}, ROW) == b'{\n    "predictions": []\n}'
    rows = predict_answer({"a": np.empty((2, 0, 3), np.float32)}, ROW)
    assert rows == b'{\n    "predictions": [[], []\n    ]\n}'
    rows = predict_answer({"a": np.empty((1, 2, 0), np.float16)}, ROW)
    assert rows == b'{\n    "predictions": [[[], []]\n    ]\n}'
    assert predict_answer({"a": np.empty(0, np.int32)}, COLUMN) == b'{\n    "outputs": []\n}'


def test_outputs_that_cannot_be_written():
    errors = [
        ({}, ROW, "Cannot convert empty tensor map to JSON"),
        ({"x": np.float32(1)}, ROW, "Tensor name: x has no shape information "),
        (
            {"a": np.zeros((2, 1)), "b": np.zeros(3)},
            ROW,
            "Tensor name: b has inconsistent batch size: 3 expecting: 2",
        ),
        ({"x": np.zeros(1, np.float16)}, ROW, "Failed to write JSON value for tensor type: half"),
        ({"x": np.zeros((), np.uint16)}, COLUMN, "Failed to write JSON value for tensor type: uint16"),
        ({"x": np.zeros(1, np.complex64)}, COLUMN, "Failed to write JSON value for tensor type: complex64"),
    ]
    for outputs, form, message in errors:
        with pytest.raises(ServingError) as error:
            predict_answer(outputs, form)
        assert (error.value.code, error.value.message) == (Code.INVALID_ARGUMENT, message)


def test_results_of_classify_and_regress():
    answer = classify_answer([[b"a", b"b"], [b"", b"c"]], np.array([[0.5, 1], [0.1, 0]]))
    assert answer == body("""
{
    "results": [[["a", 0.5], ["b", 1.0]], [["", 0.1], ["c", 0.0]]
    ]
}""")
    assert regress_answer(np.array([0.1, 2], np.float32)) == b'{\n    "results": [0.1, 2.0]\n}'
    for function, arguments in ((classify_answer, ([], np.empty((0, 2)))), (regress_answer, (np.empty(0),))):
        with pytest.raises(ServingError, match="^Cannot convert empty (Classification|Regression)Results to JSON$"):
            function(*arguments)


def test_errors_are_json_whatever_they_quote():
    assert error_body('"a"\n\udcff') == '{\n    "error": "\\"a\\"\\n\ufffd"\n}'.encode()


def test_a_large_answer_is_written_fast():
    values = np.random.default_rng(0).normal(size=(64, 384)).astype(np.float32)
    assert seconds(lambda: predict_answer({"embedding": values}, ROW)) < 12 * seconds(
        lambda: "%.9g " * values.size % tuple(values.ravel().tolist())
    )


def seconds(function):
    times = []
    for _ in range(5):
        start = time.thread_time()
        function()
        times.append(time.thread_time() - start)
    return min(times)
