"""`import zoo` is enough for `keras.saving.load_model`, in whichever order the modules are imported."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import zoo
from zoo import catalog

ROOT = Path(__file__).parent.parent
ORDERS = {
    "zoo first": "import zoo, sys; assert 'keras' not in sys.modules; import keras",
    "keras first": "import keras; import zoo",
    "by a module of zoo": "from zoo.layers.pooling import Pooling; import keras",
}


def run(code):
    """Run Python code in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A model of the zoo as `keras.Model.save` writes it."""
    path = tmp_path_factory.mktemp("keras") / "m.keras"
    model = zoo.build("lstm", "classify_text", vocabulary=20, labels=["a", "b"], width=8, units=8, rdrop=1.0)
    model.optimizer.build(model.trainable_variables)
    model.save(path)
    return path


@pytest.mark.parametrize("order", ORDERS)
def test_a_saved_model_is_loaded_in_a_new_process(order, saved):
    result = run(f"{ORDERS[order]}\nmodel = keras.saving.load_model({str(saved)!r})\nprint(type(model.loss).__name__)")
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout == "RDropLoss\n"


def test_a_loaded_loss_is_the_saved_one(saved):
    loss = keras.saving.load_model(saved).loss
    assert (loss.strength, type(loss.loss).__name__, loss.loss.from_logits) == (1.0, "LabelCrossentropy", True)


def test_every_layer_and_loss_of_zoo_is_registered():
    code = "import zoo, keras\nprint(*(name for name in keras.saving.get_custom_objects() if name.startswith('zoo>')))"
    registered = set(run(code).stdout.split())
    for kind in ("architectures", "objectives"):
        for name in catalog.names(kind):
            catalog.load(kind, name)
    assert registered >= {name for name in keras.saving.get_custom_objects() if name.startswith("zoo>")} - {
        "zoo>WarmupDecay"  # models are saved without the optimizer of a run
    }


def test_a_model_with_a_crf_says_how_it_is_loaded(tmp_path):
    options = {"tags": ["O", "B-x", "I-x"], "scheme": "bio", "vocabulary": 20, "width": 8, "units": 8}
    model = zoo.build("lstm", "tag_tokens", crf=True, bidirectional=True, **options)
    model.optimizer.build(model.trainable_variables)
    model.save(tmp_path / "m.keras")
    with pytest.raises(zoo.UserError, match=r"Expected compile=False.*get_layer\('tags'\)"):
        keras.saving.load_model(tmp_path / "m.keras")
    assert keras.saving.load_model(tmp_path / "m.keras", compile=False).get_layer("tags").units == 3


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="other backends start without such lines")
def test_tensorflow_starts_without_a_word():
    result = run("import zoo\nzoo.build('lstm', 'classify_text', labels=['a', 'b'], vocabulary=9)")
    assert (result.returncode, result.stderr) == (0, "")
