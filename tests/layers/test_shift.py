"""Token ids for a decoder that reads a text again: shift, mask of an id, and a whole encoder-decoder."""

import keras
import numpy as np
from keras import ops

from zoo.architectures.bart import BART
from zoo.layers.shift import ShiftRight, TokenMask
from zoo.transforms.repeated_text import reads_text_twice

IDS = np.array([[5, 7, 9, 2], [6, 2, 1, 1]], "int32")


def test_ids_are_shifted():
    expected = [[3, 5, 7, 9], [3, 6, 2, 1]]
    assert ops.convert_to_numpy(ShiftRight(3)(IDS)).tolist() == expected
    assert ShiftRight.from_config(ShiftRight(3).get_config()).start == 3


def test_an_id_is_marked():
    assert ops.convert_to_numpy(TokenMask(2)(IDS)).tolist() == [
        [False, False, False, True],
        [False, True, False, False],
    ]
    assert TokenMask.from_config(TokenMask(2).get_config()).token == 2


def test_a_network_reads_a_text_twice(tmp_path):
    architecture = BART(vocabulary=12, padding=1, length=8, width=8, depth=1, heads=2, hidden=8)
    backbone = architecture.backbone()
    model = reads_text_twice(backbone, 3)
    expected = backbone({"source": IDS, "target": np.array([[3, 5, 7, 9], [3, 6, 2, 1]])}, training=False)
    assert {id(weight) for weight in model.weights} == {id(weight) for weight in backbone.weights}
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (model({"tokens": IDS}), expected)), atol=1e-6)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (again({"tokens": IDS}), expected)), atol=1e-6)
