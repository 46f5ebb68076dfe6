"""Models built straight from a checkpoint: no weight is allocated twice."""

import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops
from references import Golden

from zoo.checkpoints.hf_config import read_architecture
from zoo.checkpoints.loading import build_with_weights

GOLDEN = Golden("gpt2")
MEASURE = """
import sys
from pathlib import Path
import keras
from zoo.checkpoints.hf_config import read_architecture, read_config
from zoo.checkpoints.loading import build_with_weights

def memory_bytes(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

def build(folder):
    return build_with_weights(read_architecture(read_config(folder)).backbone, folder)[0]

build(Path(sys.argv[2]))  # what the framework needs in any case
before = memory_bytes("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # the peak is measured from here on
model = build(Path(sys.argv[1]))
print((memory_bytes("VmHWM") - before) / (4 * model.count_params()))
"""


def test_weights_and_training_are_as_of_any_network(tmp_path):
    architecture = read_architecture(GOLDEN.config)
    model, report = build_with_weights(architecture.backbone, GOLDEN.write(tmp_path))
    assert report.new == ()
    assert all(weight.value is not None for weight in model.variables)
    tokens = GOLDEN.part("input")
    padding_mask, actual = GOLDEN["visible"], ops.convert_to_numpy(model(tokens))
    np.testing.assert_allclose(actual[padding_mask], GOLDEN["features"][padding_mask], atol=1e-5)
    model.compile("sgd", "mse")
    model.train_on_batch(tokens, np.zeros((3, 8, 16), "float32"))
    model.save(tmp_path / "backbone.keras")


def test_a_refused_file_leaves_nothing_behind(tmp_path):
    folder = GOLDEN.write(tmp_path, {})
    with pytest.raises(ValueError, match="Expected the tensor"):
        build_with_weights(read_architecture(GOLDEN.config).backbone, folder)
    assert read_architecture(GOLDEN.config).backbone().count_params()  # built as usual


@pytest.mark.slow  # on a busy machine other memory is counted along
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif(
    keras.config.backend() == "tensorflow", reason="copies a tensor twice: below 1.2 for larger ones only"
)
def test_there_is_never_more_than_one_set_of_weights(tmp_path):
    """234 MB of weights, 66 of them in the largest; the tolerance is for the framework's own memory."""
    random = np.random.default_rng(0)
    sizes = {"n_embd": 1024, "vocab_size": 16_000, "n_positions": 64, "n_inner": 8192}
    larger = {16: 1024, 40: 16_000, 48: 3072, 64: 8192, 12: 64}
    tensors = {
        name: random.standard_normal([larger[size] for size in array.shape], "float32")
        for name, array in GOLDEN.part("tensor").items()
        if name != "lm_head.weight"
    }
    folders = map(str, (GOLDEN.write(tmp_path / "large", tensors, **sizes), GOLDEN.write(tmp_path / "small")))
    process = subprocess.run([sys.executable, "-c", MEASURE, *folders], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert float(process.stdout.splitlines()[-1]) < 1.2
