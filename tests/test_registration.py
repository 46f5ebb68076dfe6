"""`zoo.register`: classes and presets from outside of the package."""

import re
from dataclasses import dataclass, replace

import pytest
import tokenizers

import zoo
from zoo import catalog, config
from zoo.architectures.averaging import Averaging
from zoo.runtime.errors import UserError


@pytest.fixture(autouse=True)
def unregistered(monkeypatch):
    """Undo the registrations of each test."""
    monkeypatch.setattr(catalog, "REGISTERED", {kind: dict(things) for kind, things in catalog.REGISTERED.items()})


def network(name="MyLSTMNet"):
    """A new class of an architecture."""
    return dataclass(frozen=True, kw_only=True)(type(name, (Averaging,), {"__doc__": "Averages in my way.\n\nMore."}))


def test_a_class_is_known_by_its_name_in_snake_case():
    cls = zoo.register(network())
    assert "my_lstm_net" in zoo.names("architectures")
    assert catalog.load("architectures", "my_lstm_net") is cls
    assert catalog.name_of("architectures", cls()) == "my_lstm_net"
    assert catalog.describe("architectures", "my_lstm_net") == "Averages in my way."


def test_a_class_is_known_by_another_name():
    cls = zoo.register("mine")(network())
    assert catalog.name_of("architectures", cls) == "mine"
    other = zoo.register(name="other")(network())
    assert catalog.load("architectures", "other") is other


def test_a_preset_is_known_by_name(tiny):
    assert zoo.register(tiny, name="tiny_reviews") is tiny
    assert catalog.load("presets", "tiny_reviews") is tiny
    assert catalog.describe("presets", "tiny_reviews") == ""


def test_a_preset_with_a_registered_class_survives_json(tiny):
    cls = zoo.register(network("Mine"))
    preset = replace(tiny, architecture=cls(width=7))
    text = config.to_json(preset)
    assert '"name": "mine"' in text
    assert config.from_json(text) == preset
    del catalog.REGISTERED["architectures"]["mine"]
    message = "Unknown architecture. Received: 'mine'. .*import the module that registers it .--import MODULE."
    with pytest.raises(UserError, match=message):
        config.from_json(text)


def test_a_registered_class_replaces_a_part_with_its_named_sizes(tiny):
    zoo.register("mine")(network())
    assert type(config.override(tiny, ["architecture=mine"]).architecture).__name__ == "MyLSTMNet"
    with pytest.raises(UserError, match="Unknown size of mine, which has no named sizes. Received: 'tiny'"):
        config.override(tiny, ["architecture=mine:tiny"])


@pytest.mark.parametrize("name", ["lstm", "mine"])
def test_a_name_that_is_taken_is_refused(name):
    zoo.register("mine")(network())
    with pytest.raises(UserError, match=f"Expected a new name for Other. Received: '{name}', which is taken in arch"):
        zoo.register(name)(network("Other"))


def test_a_class_that_is_defined_again_replaces_the_first():
    zoo.register(network())
    second = zoo.register(network())
    assert catalog.load("architectures", "my_lstm_net") is second


@pytest.mark.parametrize("name", ["Mine", "my-net", "bert:tiny"])
def test_a_name_must_fit_the_command_line(name):
    with pytest.raises(
        UserError, match=re.escape(f"Expected a name of a-z, 0-9 and _ for MyLSTMNet. Received: name={name!r}")
    ):
        zoo.register(name)(network())


def test_only_things_of_the_catalog_are_registered(tiny):
    with pytest.raises(UserError, match="Expected an Architecture, .* to register. Received: <class 'int'>"):
        zoo.register(int)
    with pytest.raises(UserError, match="Expected a name of a-z, 0-9 and _ for a Preset. Received: name=''"):
        zoo.register(tiny)


def test_fields_need_the_dataclass_decorator():
    plain = type("Plain", (Averaging,), {"__annotations__": {"gates": int}, "gates": 3})
    with pytest.raises(UserError, match=r"Expected @dataclass\(frozen=True, .* below @zoo.register of Plain"):
        zoo.register(plain)


def test_training_refuses_a_class_that_could_not_be_loaded_again(tiny, tmp_path):
    preset = replace(tiny, architecture=network("Lost")())
    message = "Expected a registered class of architectures, .* Received: Lost of the module .* @zoo.register"
    with pytest.raises(UserError, match=message):
        zoo.train(preset, to=tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_public_names_are_the_same_on_every_access():
    assert zoo.build is zoo.build
    assert callable(zoo.build)
    assert sorted(zoo._MODULES) == sorted(zoo.__all__)


def test_a_class_without_its_required_method_says_which():
    class Empty(zoo.Reader):
        pass

    class Untrainable(zoo.TokenizerSpec):
        def untrained(self):
            return tokenizers.Tokenizer(tokenizers.models.WordLevel())

    with pytest.raises(NotImplementedError, match="Empty defines neither `rows` nor `sources`"):
        Empty().rows("x.ini", "strict")
    with pytest.raises(NotImplementedError, match="Untrainable defines neither `trainer` nor `train`"):
        Untrainable().train(["a"])
