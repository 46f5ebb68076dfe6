"""The JSON parser of requests against RapidJSON: its values, errors and offsets were measured on RapidJSON 1.1."""

import math
import struct
import sys
import time

import pytest

from zoo.serving.serving_error import Code, ServingError
from zoo.serving.tensorflow_serving.tf_json.document import LARGEST_EXACT, members, parse, parse_object
from zoo.serving.tensorflow_serving.tf_json.reader import Members, read
from zoo.serving.tensorflow_serving.tf_json.scanner import JSONError

EMPTY = "The document is empty."
VALUE = "Invalid value."
NAME = "Missing a name for object member."
COLON = "Missing a colon after a name of object member."
MEMBER = "Missing a comma or '}' after an object member."
ELEMENT = "Missing a comma or ']' after an array element."
HEX = "Incorrect hex digit after \\u escape in string."
SURROGATE = "The surrogate pair in string is invalid."
ESCAPE = "Invalid escape character in string."
QUOTE = "Missing a closing quotation mark in string."
TOO_BIG = "Number too big to be stored in double."
FRACTION = "Miss fraction part in number."
EXPONENT = "Miss exponent in number."

ERRORS = [
    *((text, EMPTY, 0) for text in (b"\0", b"]", b"}", b",", b":")),
    (b" \n", EMPTY, 2),
    *((text, VALUE, 0) for text in (b"+1", b".5", b"// c", b"/**/1", b"x", b"\xff")),
    *((text, VALUE, 3) for text in (b"nul", b"nulL", b"tru", b"[1,]", b"[1,\0]")),
    *((text, VALUE, 1) for text in (b"-", b"-x", b"[,1]", b"[", b"Nope", b"[}", b"Ix")),
    *((text, VALUE, 2) for text in (b"Nan", b"NI")),
    *((text, VALUE, 5) for text in (b'{"a":}', b'{"a":\xff}')),
    (b"falsy", VALUE, 4),
    (b"Infinix", VALUE, 6),
    (b"Infinit", VALUE, 7),
    (b"[Inf,-Inf,NInf,NaN.5,Infinitx]", VALUE, 28),
    *((text, ELEMENT, 2) for text in (b"[1", b"[1}", b"[1\0")),
    (b"[1 2]", ELEMENT, 3),
    (b"[01]", ELEMENT, 2),
    (b"[-Infinity", ELEMENT, 10),
    (b'{"a":[1,2}', ELEMENT, 9),
    (b'{"a"}', COLON, 4),
    (b'{"a" 1}', COLON, 5),
    (b'{"a":1', MEMBER, 6),
    (b'{"a":1 "b":2}', MEMBER, 7),
    (b'{"a":NaN', MEMBER, 8),
    ('{"é":1 2}'.encode(), MEMBER, 8),  # offsets are in bytes
    (b'{"a":1,}', NAME, 7),
    *((text, NAME, 1) for text in (b"{1:2}", b"{", b"{'a':1}", b"{,", b"{]")),
    (b'\xef\xbb\xbf{"a":1,}', NAME, 10),  # after a byte order mark
    (b'"abc', QUOTE, 4),
    (b'"a\0b"', QUOTE, 2),
    (b'"a\nb"', ESCAPE, 2),
    (b'"a\\', ESCAPE, 2),
    (b'"\\x"', ESCAPE, 1),
    (b'"\\U0041"', ESCAPE, 1),
    *((text, HEX, 1) for text in (b'"\\u12G4"', b'"\\u12', b'"\\ud800\\uZZZZ"')),
    *((text, SURROGATE, 1) for text in (b'"\\ud800"', b'"\\ud800\\n"', b'"\\ud800\\u0041"', b'"\\ud800x"')),
    *((text, FRACTION, 2) for text in (b"1.", b"1.x")),
    (b"-1.e5", FRACTION, 3),
    (b"1e", EXPONENT, 2),
    *((text, EXPONENT, 3) for text in (b"1e+", b"1e-", b"1E+x")),
    *((text, TOO_BIG, 0) for text in (b"1e400", b"1" * 310, b"1" * 310 + b".", b"1" * 5000, b"-1e309")),
    (b"[1e309]", TOO_BIG, 1),
]
VALUES = [
    (b"[]", []),
    (b" { } ", {}),
    (b'{"a":[{}, [] , null,true\t,false]}', {"a": [{}, [], None, True, False]}),
    (b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'),
    (b'"\\u00e9\\uD83D\\uDE00"', "é😀"),
    ('"é漢😀"'.encode(), "é漢😀"),
    (b'"\x7f"', "\x7f"),
    (b"0", 0),
    (b"-0", 0),
    (b"01", 0),  # the text after the value is ignored
    (b"[1] x", [1]),
    (b"18446744073709551615", 2**64 - 1),
    (b"-9223372036854775808", -(2**63)),
    (b"18446744073709551616", 18446744073709551616.0),
    (b"-9223372036854775809", -9223372036854775808.0),
    (b"1e5", 100000.0),
    (b"1.50", 1.5),
    (b"123e308", math.inf),
    (b"5e-324", 5e-324),
    (b"1e-400", 0.0),
    (b"-1e-99999999999", -0.0),
    (b"0.000e310", 0.0),
    (b"Infinity", math.inf),
    (b"-Inf", -math.inf),
    (b"NInf", math.inf),  # so lenient is RapidJSON
    (b"NaN.5", 0.5),
    (b"-Infinity.5e1", -5.0),
    (b"\xef\xbb\xbf[1]", [1]),
]
DOUBLES = {  # {text: bits of RapidJSON's double}: their last bit differs from correct rounding
    "90881.84001853247": "40f6301d70b745d1",
    "0.23192200537667162": "3fcdaf9eca2863a3",
    "-9922992563165164325.001266923810066426056838": "c3e136b1a52e89af",
}


def test_errors_have_rapidjsons_sentence_and_offset():
    for text, sentence, offset in ERRORS:
        with pytest.raises(JSONError) as error:
            read(text)
        assert str(error.value) == f"{sentence} at offset: {offset}", text
        assert _outcome(parse, text) == _outcome(read, text), text
        with pytest.raises(ServingError) as refused:
            parse_object(text)
        assert refused.value.message == f"JSON Parse error: {sentence} at offset: {offset}"


def test_a_body_of_no_bytes_has_a_sentence_of_its_own():
    with pytest.raises(ServingError, match=r"^JSON Parse error: The document is empty$") as error:
        parse_object(b"")
    assert error.value.code is Code.INVALID_ARGUMENT


def test_values_are_rapidjsons():
    for text, value in VALUES:
        for result in (read(text), parse(text)):
            assert (type(result), repr(result)) == (type(value), repr(value)), text


def test_doubles_are_accumulated_digit_by_digit():
    for text, bits in DOUBLES.items():
        expected = struct.unpack(">d", bytes.fromhex(bits))[0]
        assert float(text) != expected
        assert read(text.encode()) == parse(b'{"a":%s}' % text.encode())["a"] == expected


def test_a_repeated_name_keeps_all_members_and_finds_the_first():
    for value in (parse(b'{"a":1,"b":2,"a":3}'), read(b'{"a":1,"b":2,"a":3}')):
        assert isinstance(value, Members)
        assert value["a"] == 1
        assert list(members(value)) == [("a", 1), ("b", 2), ("a", 3)]


def test_bytes_that_are_no_utf8_survive():
    value = parse(b'{"a":"x\xff\xc3"}')["a"]
    assert value.encode("utf-8", "surrogateescape") == b"x\xff\xc3"
    lone = parse(b'{"a":"\\udc80"}')["a"]
    assert lone.encode("utf-8", "surrogateescape") == "\udc80".encode("utf-8", "surrogatepass")
    assert parse(b'{"a":"\\\\ud83d\\ude00"}') == read(b'{"a":"\\\\ud83d\\ude00"}')


def test_deep_nesting_needs_no_stack():
    depth = 20 * sys.getrecursionlimit()
    value = parse(b'{"a":' + b"[" * depth + b"1" + b"]" * depth + b"}")["a"]
    for _ in range(depth):
        (value,) = value
    assert value == 1
    value = parse(b'{"a":' * depth + b"1" + b"}" * depth)
    for _ in range(depth):
        value = value["a"]
    assert value == 1
    assert _outcome(parse, b"[" * depth) == f"{VALUE} at offset: {depth}"


def test_a_large_body_is_refused_without_exactness():
    padding = b'{"a": "' + "é".encode() * LARGEST_EXACT + b'", "b": '
    assert parse(padding + b'"\xff"}')["b"] == "\udcff"
    for text, offset in ((b"[1, 2 3]", 6), (b"Inf", 0), (b"1" * 400, None), (b'"\\ud800"', None), (b"[" * 10**5, None)):
        expected = 0 if offset is None else len(padding) + offset
        assert _outcome(parse, padding + text + b"}") == f"{VALUE} at offset: {expected}"
    assert parse(b"[" + b"1," * LARGEST_EXACT + b"1]") == [1] * (LARGEST_EXACT + 1)


def test_an_ordinary_request_is_parsed_at_the_speed_of_python():
    body = b'{"instances": [' + b", ".join(b'"%s"' % (b"x" * 500) for _ in range(64)) + b"]}"
    times = []
    for _ in range(20):
        start = time.thread_time()
        parse_object(body)
        times.append(time.thread_time() - start)
    assert min(times) < 0.001  # seconds


def _outcome(function, text):
    try:
        return repr(function(text))
    except JSONError as error:
        return str(error)
