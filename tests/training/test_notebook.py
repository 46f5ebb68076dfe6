"""Progress in a notebook: a line of text, updated in place, without ipywidgets."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

import zoo
from zoo.training import notebook, progress


class Handle:
    def __init__(self, outputs):
        self.outputs = outputs

    def update(self, data, raw):
        self.outputs.append(data["text/plain"])


@pytest.fixture
def outputs(monkeypatch):
    """The texts that a notebook shows in the place of the progress line."""
    texts = []

    def display(data, raw, display_id):
        texts.append(data["text/plain"])
        return Handle(texts)

    module = ModuleType("IPython.display")
    module.display = display
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    monkeypatch.setattr(notebook, "REFRESH", 0.0)
    return texts


def test_a_run_shows_one_line(tiny, tmp_path, outputs, monkeypatch):
    printed = []
    console = SimpleNamespace(is_jupyter=True, print=printed.append)
    monkeypatch.setattr(progress, "console", console)
    zoo.train(tiny, to=tmp_path / "m")
    assert (
        outputs[0].replace(" Compiling ...", "").startswith("epoch 1/4  ------------------------------  0/48  loss -")
    )
    completed, total = map(int, outputs[-1].split("  ")[2].split("/"))
    assert 0 < completed <= total == 48
    assert "val_accuracy" in outputs[-1]
    assert sum(line.startswith("epoch ") for line in printed) == 4


def test_the_line():
    line = notebook.NotebookLine()
    line.add_task("", total=60, completed=0, epoch="1/2", loss="-", score="", speed="-")
    line.update(0, completed=20, loss="0.5", speed="9.1")
    assert line.line().startswith("epoch 1/2  ##########--------------------  20/60  loss 0.5  9.1 batches/s  0 s left")
