"""The binary of an explanation for the page: what is read back is the explanation, with the precision that it says."""

import base64
import json
import zlib

import explanations
import numpy as np
import pytest

from zoo.explore import page_data, views

TYPES = {"f2": "<f2", "u1": "u1", "i1": "i1", "i2": "<i2", "i4": "<i4"}


def decode(content):
    """`(the value, the descriptions of its arrays)` of a binary."""
    content = zlib.decompress(content, -zlib.MAX_WBITS)
    start = 4 + int.from_bytes(content[:4], "little")
    header = json.loads(content[4:start], parse_constant=pytest.fail)

    def array(description):
        kind, shape, offset = (description[key] for key in ("type", "shape", "offset"))
        count = int(np.prod(shape, dtype=int))
        if kind == "bit":
            packed = np.frombuffer(content, "u1", (count + 7) // 8, start + offset)
            return np.unpackbits(packed, count=count, bitorder="little").astype(bool).reshape(shape)
        stored_shape = [*shape[:-2], shape[-1], shape[-2]] if kind == "u1" else shape
        stored = np.frombuffer(content, TYPES[kind], count, start + offset).reshape(stored_shape).astype("float64")
        return (np.swapaxes(stored, -1, -2) if kind == "u1" else stored) * description["scale"]

    arrays = list(map(array, header["arrays"]))

    def value(item):
        if isinstance(item, dict):
            is_array = list(item) == ["$array"]
            return arrays[item["$array"]] if is_array else {key: value(content) for key, content in item.items()}
        return list(map(value, item)) if isinstance(item, list) else item

    return value(header["value"]), header["arrays"]


def test_an_explanation_is_read_back():
    explanation = explanations.complete()
    value, _ = decode(page_data.encode(explanation))
    text, original = value["models"][0]["texts"][0], explanation.models[0].texts[0]
    assert text["inputs"] == original.inputs
    assert [token["text"] for token in text["sequences"]["tokens"]] == [t.text for t in original.sequences["tokens"]]
    assert text["attribution"]["outputs"] == explanations.LABELS
    layer, original_layer = text["attention"][0]["layers"][1], original.attention[0].layers[1]
    for name in ("weights", "query", "key", "bias"):
        assert layer[name] == pytest.approx(getattr(original_layer, name), rel=1e-3, abs=1e-6), name
    assert layer["mask"] is None
    assert np.array_equal(text["filters"][0]["start"], original.filters[0].start)
    assert text["lens"]["candidates"][1][2][0]["probability"] == pytest.approx(
        original.lens.candidates[1][2][0].probability, rel=1e-4
    )
    assert value["models"][0]["texts"][1]["attention"][1]["causal"] is True
    mask = value["models"][0]["texts"][1]["attention"][1]["layers"][0]["mask"]
    assert np.array_equal(mask, np.tri(len(explanations.TARGET), dtype=bool))


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1e-9, -3e-9], [0, 2e-9]]),
        np.array([1e8, -70_000.0]),
        np.zeros((0, 3)),
        np.array([-1, 127]),
        np.array([-1, 128]),
        np.array([2**31 - 1]),
        np.array([[True, False, True]]),
    ],
    ids=str,
)
def test_numbers_of_any_size_keep_three_digits(array):
    value, _ = decode(page_data.encode(array))
    assert value.shape == array.shape
    assert value == pytest.approx(array, rel=1e-3)


def test_infinite_scores_stay_infinite_and_other_numbers_become_null():
    value, _ = decode(page_data.encode([np.array([-np.inf, 2.0]), float("nan"), {"a": np.float32(0.25)}]))
    assert value[0].tolist() == [-np.inf, 2.0]
    assert value[1:] == [None, {"a": 0.25}]


def test_equal_arrays_are_written_once():
    mask = np.tri(5, dtype=bool)
    _, arrays = decode(page_data.encode([mask, mask.copy(), np.tri(6, dtype=bool)]))
    assert [array["shape"] for array in arrays] == [[5, 5], [6, 6]]


def test_many_weights_are_linear_in_eight_bits(monkeypatch):
    monkeypatch.setattr(page_data, "EXACT_WEIGHTS", 100)
    layer = explanations.attention(np.random.default_rng(0)).layers[0]
    value, arrays = decode(page_data.encode([layer, np.zeros(3)]))
    assert value[0]["weights"] == pytest.approx(layer.weights, abs=0.5 / 255 + 1e-6)
    assert value[0]["query"] == pytest.approx(layer.query, rel=1e-3, abs=1e-6)
    assert [array["type"] for array in arrays].count("u1") == 1


def test_weights_that_need_too_many_bytes_have_fewer_levels(monkeypatch):
    monkeypatch.setattr(page_data, "EXACT_WEIGHTS", 100)
    weights = explanations.attention(np.random.default_rng(0), shape=(1, 4, 64, 64)).layers[0].weights
    sizes = []
    for limit in (10**6, 5000, 1):
        monkeypatch.setattr(page_data, "WEIGHT_BYTES", limit)
        content = page_data.encode([views.AttentionLayer("layer 0", weights)])
        sizes.append(len(content))
        (layer,), (array,) = decode(content)
        assert layer["weights"] == pytest.approx(weights, abs=0.5 * array["scale"] + 1e-6)
    assert sizes[0] > sizes[1] >= sizes[2]


def test_twelve_layers_of_512_tokens_take_less_than_4_mb():
    assert len(base64.b64encode(page_data.encode(explanations.large()))) < 4_000_000
