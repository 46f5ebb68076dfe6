"""`zoo.build`: fields that an architecture and an objective share, named sizes, instances."""

from dataclasses import dataclass

import pytest

import zoo
from zoo import catalog
from zoo.architectures.mlp import MLP
from zoo.objectives.classify_text import ClassifyText

LABELS = ["a", "b"]


@dataclass(frozen=True, kw_only=True)
class Widened(ClassifyText):
    """An objective whose `hidden` is an activation, where an architecture's is a width."""

    hidden: str | None = None


@pytest.mark.parametrize(("name", "settings"), [("mlp", {}), ("bert", {"width": 8, "depth": 1, "heads": 2})])
def test_hidden_is_the_width_of_the_architecture_only(name, settings):
    model = zoo.build(name, "classify_text", vocabulary=40, labels=LABELS, hidden=12, **settings)
    assert model.output.shape == (None, 2)
    assert any(12 in weight.shape for weight in model.weights)
    assert not any(layer.name == "hidden" for layer in model.layers)


def test_a_field_of_both_is_set_in_both():
    model = zoo.build("lstm", "classify_text", vocabulary=40, labels=LABELS, dropout=0.25, width=8, units=8)
    rates = {layer.name: layer.rate for layer in model.layers if hasattr(layer, "rate")}
    assert (rates["dropout0"], rates["head_dropout"]) == (0.25, 0.25)


def test_a_field_with_two_meanings_is_refused(monkeypatch):
    load = catalog.load
    monkeypatch.setattr(catalog, "load", lambda kind, name: Widened if name == "widened" else load(kind, name))
    message = r"one meaning. Received: hidden, which is int in MLP and str \| None in Widened.*MLP\(hidden="
    with pytest.raises(ValueError, match=message):
        zoo.build("mlp", "widened", labels=LABELS, hidden=12)
    model = zoo.build(MLP(hidden=12, vocabulary=40), "widened", labels=LABELS, hidden="tanh")
    assert model.output.shape == (None, 2)


def test_a_named_size_with_other_fields():
    model = zoo.build("bert:tiny", "classify_text", vocabulary=40, depth=1, labels=LABELS)
    assert model.get_layer("embedding").embeddings.shape == (40, 128)
    assert not any(layer.name.startswith("block1") for layer in model.layers)
    with pytest.raises(ValueError, match=r"Unknown size of bert. Received: 'tinny'. Did you mean 'tiny'\?"):
        zoo.build("bert:tinny", "classify_text", labels=LABELS)
