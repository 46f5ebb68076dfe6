"""Plugins: modules from --import and entry points of installed packages."""

import re
import sys
from importlib.metadata import EntryPoint

import pytest

from zoo.runtime import plugins
from zoo.runtime.errors import UserError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder; modules that a test imports from it are removed from `sys.modules` afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_of_the_current_folder(folder):
    (folder / "own_module.py").write_text("VALUE = 1\n")
    plugins.import_plugin("own_module")
    assert sys.modules["own_module"].VALUE == 1


def test_a_file_finds_its_neighbours(folder):
    (folder / "sub").mkdir()
    (folder / "sub" / "own_file.py").write_text("import own_neighbour\n")
    (folder / "sub" / "own_neighbour.py").write_text("")
    plugins.import_plugin("sub/own_file.py")
    assert {"own_file", "own_neighbour"} <= set(sys.modules)


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("missing_module", "Cannot import missing_module: ModuleNotFoundError: No module named 'missing_module'"),
        ("missing.py", "Expected a Python file to import. Received: missing.py, which does not exist."),
        ("broken.py", "Cannot import broken.py: ZeroDivisionError: division by zero ("),
        ("broken", "broken.py:2)"),
        ("unreadable", "Cannot import unreadable: SyntaxError: "),
        ("json.py", "Expected a file name that no other module has. Received: json.py"),
    ],
)
def test_a_failed_import_is_one_line(folder, module, message):
    (folder / "broken.py").write_text("zero = 0\n1 / zero\n")
    (folder / "unreadable.py").write_text("def\n")
    (folder / "json.py").write_text("")
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        plugins.import_plugin(module)
    assert "\n" not in str(caught.value)


def test_entry_points_are_loaded_once_and_a_broken_plugin_is_one_line(folder, monkeypatch, capsys):
    (folder / "first_plugin.py").write_text("calls = []\ndef register(): calls.append(1)\n")
    (folder / "broken_plugin.py").write_text("raise RuntimeError('too old')\n")
    sys.path.append(str(folder))
    points = [
        EntryPoint(name, value, plugins.GROUP)
        for name, value in {
            "broken": "broken_plugin",
            "module": "first_plugin",
            "call": "first_plugin:register",
        }.items()
    ]
    monkeypatch.setattr(plugins.importlib.metadata, "entry_points", lambda group: points)
    monkeypatch.setattr(plugins, "_loaded", [])
    plugins.load_plugins()
    plugins.load_plugins()
    assert sys.modules["first_plugin"].calls == [1]
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("The plugin broken (broken_plugin) failed: RuntimeError: too old (")
