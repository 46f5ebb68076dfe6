"""Models built without allocating their weights."""

import keras
from references import Golden

from zoo.checkpoints.hf_config import read_architecture
from zoo.transforms.lazy import abstract_model, shapes

GOLDEN = Golden("gpt2")


def test_shapes_are_known_without_memory():
    architecture = read_architecture(GOLDEN.config)
    assert shapes(architecture.backbone) == {
        weight.path: tuple(weight.shape) for weight in architecture.backbone().weights
    }


def test_an_abstract_model_allocates_no_weight():
    with abstract_model(read_architecture(GOLDEN.config).backbone) as model:
        assert model.count_params() > 0
    assert sum(keras.ops.convert_to_numpy(weight.value).size for weight in model.weights) == len(model.weights)
