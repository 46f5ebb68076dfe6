"""Networks in the formats of other runtimes: which architectures work, equal outputs, precision, refusals."""

import importlib
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_networks import tiny_model

import zoo
from zoo import catalog
from zoo.export.formats.comparison import fixed_batches, largest_difference
from zoo.export.formats.graph_network import GraphNetwork
from zoo.export.formats.network_export import FORMATS
from zoo.export.options import FLOAT32
from zoo.runtime.console import silence

if keras.config.backend() != "tensorflow":
    pytest.skip("TensorFlow converts: tested on that backend", allow_module_level=True)

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
QUICK = ("averaging", "gpt2")
LENGTH = 16


def module_of(format):
    """The module of a format; skips the test where its packages are missing."""
    module = importlib.import_module(FORMATS[format])
    for package in module.PACKAGES:
        pytest.importorskip(package)
    return module


def random_batches(model):
    """Batches of several sizes; the last row of each is padded with 0."""
    random, batches = np.random.default_rng(0), []
    for rows, time in ((1, 5), (1, LENGTH), (3, 9)):
        limits = {name: 2 if name == "segments" else 40 for name in model.input}
        batch = {name: random.integers(limit > 2, limit, (rows, time), "int32") for name, limit in limits.items()}
        for ids in batch.values():
            ids[-1, time // 2 :] = 0
        batches.append(batch)
    return batches


def outcome(architecture, format, folder, precision=FLOAT32):
    """What the table of docs/export.md says of an architecture in a format."""
    module, model = module_of(format), tiny_model(architecture)
    network, batches = GraphNetwork(model, precision, LENGTH), random_batches(model)
    try:
        with silence():
            fixed = module.write(network, folder)
            batches = fixed_batches(batches, LENGTH, 0) if fixed else batches
            run, tolerance = module.runner(folder)
            largest_difference(network.trace(fixed).network, run, batches, tolerance, module.FILE)
    except zoo.UserError as error:
        operations = re.search(r"Received: (\w+), which the layer (.+) uses", str(error))
        return f"no: {operations[1]}" if operations else f"no: {error}"
    return "fixed length" if fixed else "yes"


def documented():
    """{architecture: {format: outcome}} of the table of docs/export.md."""
    table = re.search(r"\| architecture \|(.*?)\n\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in table[0].splitlines()]
    names = [name.lower() for name in rows[0][1:]]
    return {row[0].strip("`"): dict(zip(names, row[1:], strict=True)) for row in rows[2:]}


def test_the_table_has_every_architecture_and_format():
    assert list(documented()) == list(catalog.names("architectures"))
    assert all(list(row) == list(FORMATS) for row in documented().values())


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "architecture",
    [pytest.param(name, marks=[] if name in QUICK else pytest.mark.slow) for name in catalog.names("architectures")],
)
def test_the_table_is_true(architecture, format, tmp_path):
    assert outcome(architecture, format, tmp_path) == documented()[architecture][format]
