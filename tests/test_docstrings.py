"""Docstrings of the public API: every example runs, every argument of a layer is described."""

import dataclasses
import doctest
import inspect
import re

import keras
import numpy as np
import pytest

import zoo
from zoo import catalog, layers

CACHE = {"DecodeContext", "LayerCache"}  # made by generation, not by a user
PUBLIC = {f"layers.{name}": getattr(layers, name) for name in layers.__all__}
PUBLIC |= {f"zoo.{name}": getattr(zoo, name) for name in zoo.__all__}
NAMES = {"keras": keras, "np": np, "zoo": zoo, "layers": layers}


def examples(name):
    """The doctests of a public class or function and of its methods."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return [test for test in finder.find(PUBLIC[name], name, module=False, globs=dict(NAMES)) if test.examples]


@pytest.mark.parametrize("name", [name for name in PUBLIC if examples(name)])
def test_examples_run(name, tmp_path, monkeypatch, request):
    for folder in ("my_model", "reviews"):  # which the examples name
        if any(f'"{folder}' in example.source for test in examples(name) for example in test.examples):
            source = request.getfixturevalue({"my_model": "model_folder"}.get(folder, folder))
            (tmp_path / folder).symlink_to(source, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    for test in examples(name):
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        output = []
        runner.run(test, out=output.append)
        assert not runner.failures, "".join(output)


@pytest.mark.parametrize("name", sorted({*layers.__all__} - CACHE))
def test_a_layer_has_an_example(name):
    assert examples(f"layers.{name}")


def described(thing):
    """The names that the "Args:" of a docstring describe."""
    doc = inspect.cleandoc(thing.__doc__ or "")
    (part,) = re.findall(r"^Args:\n((?: {4}.*\n?|\n)*)", doc, re.MULTILINE) or [""]
    return {name for names in re.findall(r"^ {4}([\w, ]+):", part, re.MULTILINE) for name in names.split(", ")}


@pytest.mark.parametrize("name", sorted({*layers.__all__} - CACHE))
def test_every_argument_of_a_layer_is_described(name):
    thing = getattr(layers, name)
    if isinstance(thing, type) and not thing.__init__.__module__.startswith("zoo"):
        return
    parameters = inspect.signature(thing).parameters.values()
    named = {p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    assert named - {"name"} <= described(thing) | ({"x"} if not isinstance(thing, type) else set())


@pytest.mark.parametrize("kind", ["architectures", "objectives", "tokenizers"])
def test_help_lists_the_fields_of_a_class(kind):
    for name in catalog.names(kind):
        cls = catalog.load(kind, name)
        names = [field.name for field in dataclasses.fields(cls) if field.init]
        lines = dict(re.findall(r"^ {4}(\w+) \((.*)\): ", cls.__doc__, re.MULTILINE))
        assert list(lines) == names, name
        assert not cls.__doc__.startswith("Fields:")


def test_help_lists_the_settings_of_a_preset():
    assert "epochs (int, default 10): " in zoo.Training.__doc__
    assert "spec (str, default ''): " in zoo.Data.__doc__


def test_an_unknown_keyword_argument_is_a_user_error(model_folder):
    pipeline = zoo.load(model_folder)
    for method in (pipeline.generate, pipeline.generator, pipeline.chat):
        with pytest.raises(zoo.UserError, match=r"'temperatur'. Did you mean 'temperature'\?"):
            method("a", temperatur=0.5)
    assert inspect.signature(pipeline.generate).parameters["top_k"].annotation == "int | None"
