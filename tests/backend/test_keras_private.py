"""Keras's private API: each name that the zoo uses still does what the zoo relies on, and no other file uses one."""

import ast
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo import backend
from zoo.backend import keras_private
from zoo.backend.keras_private import HOOKS
from zoo.transforms.lazy import abstract_model

PACKAGE = Path(zoo.__file__).parent
HOME = "backend/keras_private.py"
TORCH = "backend/torch"  # the files in which torch's own private names may stand
NAMED_TUPLE = {"_replace"}
NOT_OF_KERAS = {"os._exit", "optimizer._get_optimizers", "array.untyped_storage()._cdata"}  # Python, tf2onnx, torch


@pytest.fixture(autouse=True)
def explain_failure():
    """Turns an AttributeError into a message that says what to do about it."""
    try:
        yield
    except AttributeError as error:
        pytest.fail(f"Keras {keras.__version__} has changed a private name, see zoo/{HOME}: {error}")


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def model_with_dense():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="dense")])


def test_run_graph_calls_each_layer_in_place_of_keras():
    inputs = {"a": keras.Input((2,), name="a"), "b": keras.Input((2,), name="b")}
    total = keras.layers.Add(name="sum")([inputs["a"], keras.layers.Rescaling(2.0, name="double")(inputs["b"])])
    model, names = keras.Model(inputs, total), []

    def call(layer):
        return lambda *args, **kwargs: names.append(layer.name) or layer(*args, **kwargs)

    tensors = {"a": ops.ones((1, 2)), "b": ops.full((1, 2), 3.0)}
    y = keras_private.run_graph(model, [tensors[tensor.name] for tensor in model.inputs], call)
    np.testing.assert_array_equal(numpy(y), [[7, 7]])
    assert names == ["double", "sum"]


def test_variables_that_are_forgotten_are_not_initialized():
    """A scope that ends by an error allocates none of its variables."""

    def build():
        keras.layers.Dense(10**11).build((None, 10**5))  # 40 PB
        raise ValueError("later")

    with pytest.raises(ValueError, match="later"), abstract_model(build):
        pass
    with abstract_model(model_with_dense) as model:
        assert len(model.weights) == 2


def test_all_layers_are_found_at_any_depth():
    inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="deep")])
    names = [layer.name for layer in keras_private.all_layers(keras.Sequential([keras.Input((3,)), inner]))]
    assert "deep" in names


def test_own_trainable_variables_are_without_those_of_inner_layers():
    model = model_with_dense()
    assert keras_private.own_trainable_variables(model) == []
    assert len(keras_private.own_trainable_variables(model.layers[0])) == 2


def test_an_initializer_can_be_replaced_before_there_is_a_value():
    with keras.StatelessScope():
        model = model_with_dense()
        for variable in model.variables:
            keras_private.set_initializer(variable, lambda shape, dtype=None: ops.full(shape, 7.0, dtype))
    assert all((numpy(variable.value) == 7).all() for variable in model.variables)


@pytest.mark.parametrize("autocast", [True, False])
def test_autocasts(autocast):
    layer = keras.layers.Layer(dtype="mixed_bfloat16")
    assert keras_private.autocasts(layer.add_weight((2,), autocast=autocast)) == autocast


def test_weights_have_the_compute_dtype_in_an_autocast_scope():
    layer = keras.layers.Layer(dtype="mixed_bfloat16")
    weight = layer.add_weight((2,))
    with keras_private.autocast_scope(layer):
        assert keras.backend.standardize_dtype(ops.convert_to_tensor(weight).dtype) == "bfloat16"
    assert keras.backend.standardize_dtype(ops.convert_to_tensor(weight).dtype) == "float32"


def test_an_inner_layer_is_added_to_a_built_layer_and_removed():
    layer, inner, other = model_with_dense().layers[0], keras.layers.Dense(2), keras.layers.Dense(2)
    inner.build((None, 3))
    with pytest.raises(ValueError, match="cannot add new elements"):
        layer.inner = inner
    with keras_private.unlock_layer(layer):
        layer.inner = inner
    assert len(layer.weights) == 4
    with pytest.raises(ValueError, match="cannot add new elements"):
        layer.other = other
    keras_private.remove_layer(layer, "inner")
    assert len(layer.weights) == 2
    assert not hasattr(layer, "inner")


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (keras.layers.Dense(2), keras_private.DENSE_KERNEL),
        (keras.layers.Embedding(3, 2), keras_private.EMBEDDINGS),
        (keras.layers.ReversibleEmbedding(3, 2), keras_private.EMBEDDINGS),
    ],
)
def test_the_weight_of_a_built_layer_is_removed(layer, name):
    layer.build((None, 3))
    count = len(layer.weights)
    keras_private.remove_weight(layer, name)
    assert getattr(layer, name) is None
    assert len(layer.weights) == count - 1


def built(**options):
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=0.1, **options)
    model = model_with_dense()
    optimizer.build(model.trainable_variables)
    return optimizer, model.trainable_variables


def test_decays_follows_what_is_excluded():
    optimizer, (kernel, bias) = keras.optimizers.AdamW(0.1, weight_decay=0.1), model_with_dense().trainable_variables
    optimizer.exclude_from_weight_decay(var_list=[bias])
    optimizer.build([kernel, bias])
    assert keras_private.uses_weight_decay(optimizer, kernel)
    assert not keras_private.uses_weight_decay(optimizer, bias)


def test_moving_averages_are_in_the_order_of_the_variables():
    optimizer, variables = built(use_ema=True, ema_momentum=0.5)
    shapes = [tuple(average.shape) for average in keras_private.moving_averages(optimizer)]
    assert shapes == [tuple(variable.shape) for variable in variables]


def test_adam_moments_are_those_of_the_variables():
    optimizer, (kernel, bias) = built()
    optimizer.apply([ops.full(kernel.shape, 2.0), ops.full(bias.shape, 4.0)])
    first, second = keras_private.adam_moments(optimizer, [bias, kernel])
    for variable, moment, square, gradient in zip((bias, kernel), first, second, (4.0, 2.0), strict=True):
        np.testing.assert_allclose(numpy(moment), np.full(variable.shape, 0.1 * gradient), rtol=1e-5)
        np.testing.assert_allclose(numpy(square), np.full(variable.shape, 0.001 * gradient**2), rtol=1e-5)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="the class is PyTorch's")
def test_the_class_of_adamw_on_torch():
    optimizer = keras.optimizers.AdamW(0.1)
    assert isinstance(optimizer, keras_private.torch_adamw())


def test_the_implicit_mask_of_a_tensor():
    vectors = keras.layers.Embedding(3, 2, mask_zero=True)(ops.convert_to_tensor([[1, 2, 0]]))
    assert ops.convert_to_numpy(keras_private.implicit_mask(vectors)).tolist() == [[True, True, False]]
    assert keras_private.implicit_mask(ops.ones((1, 3, 2))) is None
    assert keras_private.implicit_mask(None) is None


@pytest.mark.parametrize("hook", sorted({hook for hooks in HOOKS.values() for hook in hooks}))
def test_keras_calls_the_hooks_of_optimizers(hook):
    if hook == "_parallel_update_step" and keras.config.backend() != "torch":
        pytest.skip("the hook is PyTorch's")
    calls = []

    class Recorded(keras_private.torch_adamw() if keras.config.backend() == "torch" else backend.AdamW):
        pass

    setattr(Recorded, hook, lambda self, *args: calls.append(args) or (args[0] if hook == "_clip_gradients" else None))
    optimizer = Recorded(0.1, weight_decay=0.1, global_clipnorm=1.0, use_ema=True, ema_momentum=0.9)
    variables = model_with_dense().trainable_variables
    optimizer.build(variables)
    optimizer.apply([ops.ones(variable.shape) for variable in variables])
    assert calls, f"Keras {keras.__version__} no longer calls the private method {hook} of optimizers."


def private_names(tree):
    """(line, attribute, expression) of each private attribute in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.endswith("__"):
            yield node.lineno, node.attr, ast.unparse(node)


def names_defined(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (target.id for target in targets if isinstance(target, ast.Name))


def test_saving_does_not_import_tensorflow(tmp_path):
    """In a process of its own; with the JAX or torch backend, and without a message."""
    code = """
import sys
import keras
from zoo.backend.keras_private import without_tensorflow
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
with without_tensorflow():
    model.save("model.keras")
    keras.saving.load_model("model.keras")
print("tensorflow" in sys.modules, keras.config.backend() == "tensorflow")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    imported, required = done.stdout.split()
    assert imported == required


def test_no_other_file_uses_private_names_of_keras():
    """A private attribute is one that a file of the zoo defines, or stands in `keras_private`."""
    trees = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}
    hooks = {hook for names in HOOKS.values() for hook in names}
    others = (tree for path, tree in trees.items() if path != HOME)
    ours = NAMED_TUPLE | {name for tree in others for name in names_defined(tree)} - hooks
    assert not ours & {attribute for _, attribute, _ in private_names(trees[HOME])}, "a name of ours is one of Keras's"
    foreign = [
        f"{path}:{line} {name}"
        for path, tree in trees.items()
        for line, attribute, name in private_names(tree)
        if path != HOME and attribute not in ours and attribute not in HOOKS.get(path, ())
        if name not in NOT_OF_KERAS and not (path.startswith(TORCH) and name.startswith("torch."))
    ]
    assert not foreign, f"Private names belong into a function of zoo/{HOME}: {foreign}"


def test_no_other_file_imports_the_sources_of_keras():
    for path in PACKAGE.rglob("*.py"):
        assert path == PACKAGE / HOME or "keras.src" not in path.read_text("utf-8"), path


def test_own_variables_are_without_seeds_and_inner_layers():
    model = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5)])
    assert keras_private.own_variables(model) == []
    assert [v.name for v in keras_private.own_variables(model.layers[0])] == [
        "gamma",
        "beta",
        "moving_mean",
        "moving_variance",
    ]
    assert keras_private.own_variables(model.layers[1]) == []


def test_values_are_replaced_within_a_block():
    variable = keras.Variable([1.0, 2.0])
    with keras_private.replaced_values([variable], [np.array([3.0, 4.0], "float32")]):
        assert variable.value.tolist() == [3.0, 4.0]
    assert ops.convert_to_numpy(variable.value).tolist() == [1.0, 2.0]


@pytest.mark.skipif(keras.config.backend() != "jax", reason="keras.distribution is JAX's")
def test_a_layout_moves_a_value_and_is_that_of_a_value_to_come():
    mesh = keras.distribution.DeviceMesh((1,), ("batch",), keras.distribution.list_devices()[:1])
    layout = keras.distribution.TensorLayout(("batch",), mesh)
    variable = keras.Variable([1.0, 2.0])
    keras_private.set_layout(variable, layout)
    with keras.StatelessScope():
        later = keras.Variable(keras.initializers.Ones(), (2,))
        keras_private.set_layout(later, layout)
    for changed in (variable, later):
        assert changed.value.sharding.is_equivalent_to(layout.backend_layout, 1)
