"""`tf.data.Dataset` as data in memory."""

import keras
import numpy as np
import pytest

from zoo.data.opening import open_dataset

if keras.config.backend() != "tensorflow":
    pytest.skip("tf.data needs TensorFlow; shown once, in the run on the tensorflow backend", allow_module_level=True)


@pytest.mark.parametrize("form", [dict, lambda columns: tuple(columns.values())])
def test_elements_are_records(form):
    import tensorflow as tf

    columns = {"text": ["café", "b"], "label": np.array([1, 0])}
    dataset = open_dataset(tf.data.Dataset.from_tensor_slices(form(columns)), split_strategy="")
    assert list(dataset.located_records("train")) == [
        ("data[0]", {"text": "café", "label": "1"}),
        ("data[1]", {"text": "b", "label": "0"}),
    ]
    assert [record["label"] for record in dataset.records("train")] == ["1", "0"]
