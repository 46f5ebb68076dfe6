"""Floors: which room may import which, what an import costs, and life without TensorFlow."""

import ast
import os
import subprocess
import sys
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import keras
import pytest
from hidden_packages import HIDE_TENSORFLOW

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "zoo"
FRAMEWORKS = {"tensorflow", "tensorflow_text", "tensorflow_datasets", "jax", "torch", "flax"}
FLOORS = (  # a room may import rooms of lower floors, of its own floor only those that `BESIDE` names
    {"backend", "runtime"},
    {"layers", "readers", "text", "metrics"},
    {"architectures", "tokenizers", "data", "transforms"},
    {"objectives", "generation"},
    {"catalog", "registration", "presets", "recipes", "config", "build"},
    {"pipeline"},
    {"export", "adapters", "checkpoints", "explore", "serving"},
    {"training", "importing"},
    {"course"},
    {"cli"},
)
BESIDE = {
    ("registration", "catalog"),
    ("config", "catalog"),
    ("config", "presets"),
    ("recipes", "presets"),
    ("build", "catalog"),
    ("adapters", "checkpoints"),
    ("data", "tokenizers"),
    ("objectives", "generation"),
    ("serving", "explore"),
}
DOORS = {  # imports inside a function, upwards: one public verb that is offered where a person looks for it
    ("pipeline/explain_methods.py", "zoo.explore.explanation"),
    ("pipeline/explain_methods.py", "zoo.explore.explanation_page"),
    ("pipeline/export_methods.py", "zoo.checkpoints.hf_export"),
    ("pipeline/export_methods.py", "zoo.export.formats.network_export"),
    ("pipeline/export_methods.py", "zoo.export.export_options"),
    ("pipeline/export_methods.py", "zoo.export.saved_model"),
    ("text/tokenizer.py", "zoo.export.tokenizer.graph_tokenizer"),
}
CATALOGS = ("architectures", "objectives", "tokenizers", "readers", "presets", "recipes", "course")
MAY_IMPORT_FRAMEWORKS = ("backend/", "export/", "serving/", "readers/tfds.py")


def imports(path):
    """Yield (module, whether at the top level of the file)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        top = node in tree.body
        if isinstance(node, ast.Import):
            yield from ((name.name, top) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            for module in (f"{node.module}.{name.name}" for name in node.names):
                yield module if node.module == "zoo" or file_of(module) else node.module, top


def file_of(module):
    """The path in `zoo/` of a module or package of zoo; None for any other name."""
    path = ROOT / module.replace(".", "/")
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((file.relative_to(PACKAGE).as_posix() for file in candidates if file.is_file()), None)


def files(folder=""):
    return sorted((PACKAGE / folder).rglob("*.py"))


def floor(room):
    """The number of the floor that a room (a folder or a file of `zoo/`) is on."""
    (number,) = [number for number, rooms in enumerate(FLOORS) if room in rooms]
    return number


def inner_imports():
    """Yield (path in `zoo/`, its room, imported module of zoo, that module's room) of every import of zoo in zoo."""
    for path in files():
        location = path.relative_to(PACKAGE)
        room = location.parts[0].removesuffix(".py")
        if not room.startswith("__"):
            for module, _ in imports(path):
                if module.startswith("zoo."):
                    yield location.as_posix(), room, module, module.split(".")[1]


def test_rooms_import_only_rooms_below():
    upwards = {
        f"{path} imports {module}"
        for path, room, module, other in inner_imports()
        if room != other and (path, module) not in DOORS
        if not (floor(other) < floor(room) or (room, other) in BESIDE)
    }
    assert not upwards


def test_rooms_import_each_other_in_no_circle():
    below = {}
    for path, room, module, other in inner_imports():
        if room != other and (path, module) not in DOORS:
            below.setdefault(room, set()).add(other)
    list(TopologicalSorter(below).static_order())  # raises CycleError, which names the circle


def test_files_import_each_other_in_no_circle():
    """Imports for types alone count too."""
    below = {}
    for path, _, module, _ in inner_imports():
        if file_of(module) and (path, module) not in DOORS:
            below.setdefault(path, set()).add(file_of(module))
    list(TopologicalSorter(below).static_order())  # raises CycleError, which names the circle


def test_zoo_holds_only_the_public_doors():
    loose = {path.name for path in PACKAGE.glob("*.py")}
    assert loose <= {
        "__init__.py",
        "__main__.py",
        "catalog.py",
        "config.py",
        "build.py",
        "importing.py",
        "registration.py",
    }


def test_no_file_name_twice_among_the_machinery():
    machinery = [path for path in files() if path.relative_to(PACKAGE).parts[0] not in CATALOGS]
    counts = Counter(path.name for path in machinery if path.name not in ("__init__.py", "__main__.py"))
    assert not [name for name, count in counts.items() if count > 1]


def test_architectures_never_import_each_other():
    for path in files("architectures"):
        others = [module for module, _ in imports(path) if module.startswith("zoo.architectures.")]
        assert all(module.rpartition(".")[2].startswith("_") for module in others), path


def test_frameworks_are_imported_in_few_files():
    for path in files():
        path_in_zoo = path.relative_to(PACKAGE).as_posix()
        for module, top in imports(path):
            if module.split(".")[0] in FRAMEWORKS:
                assert path_in_zoo.startswith(MAY_IMPORT_FRAMEWORKS), f"{path_in_zoo} imports {module}"
                assert not top or path_in_zoo.startswith(("backend/", "export/graph/", "export/tokenizer/")), (
                    f"{path_in_zoo} imports {module} at once"
                )


def test_presets_only_construct():
    for path in (path for path in files("presets") if not path.name.startswith("_")):
        nodes = {type(node).__name__ for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))}
        assert not nodes & {"If", "For", "While", "FunctionDef", "ClassDef", "Lambda", "ListComp"}, path


def run(code):
    """Run Python code in a process of its own, on the backend of this one."""
    command, environment = [sys.executable, "-c", code], os.environ | {"KERAS_BACKEND": keras.config.backend()}
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)


@pytest.mark.parametrize(("arguments", "limit"), [(["--help"], 0.6), (["list"], 1.0)])
def test_commands_that_need_no_framework_are_quick(arguments, limit):
    """Seconds of processor time; 0.15 and 0.25 measured."""
    code = "import os, resource, subprocess, sys\n"
    code += f"subprocess.run([sys.executable, '-m', 'zoo', *{arguments}], check=True, stdout=subprocess.DEVNULL)\n"
    code += "used = resource.getrusage(resource.RUSAGE_CHILDREN)\nprint(used.ru_utime + used.ru_stime)"
    result = run(code)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < limit


def test_import_takes_little_beyond_keras():
    code = "import time, keras\nstart = time.process_time()\nimport zoo\n"
    code += "for name in zoo.__all__: getattr(zoo, name)\nprint(time.process_time() - start)"
    result = run(code)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 1.0  # seconds of processor time; 0.2 measured


@pytest.mark.skipif(keras.config.backend() == "jax", reason="the JAX backend needs JAX")
def test_jax_is_not_imported_on_another_backend_but_can_be_later():
    code = "import sys, zoo\nzoo.Preset\nassert 'keras' in sys.modules\n"
    code += "assert 'jax' not in sys.modules\nimport jax\njax.numpy"
    result = run(code)
    assert result.returncode == 0, result.stderr


@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="the TensorFlow backend needs TensorFlow")
def test_everything_but_export_works_without_tensorflow(model_folder, reviews, tmp_path):
    code = (
        HIDE_TENSORFLOW
        + f"""
import zoo
pipeline = zoo.load({str(model_folder)!r})
assert pipeline.predict("a great film")["label"] == "good"
preset = zoo.Preset(architecture=pipeline.preset.architecture, objective=pipeline.objective,
                    tokenizer=pipeline.preset.tokenizer, data=zoo.Data(spec={str(reviews)!r}),
                    training=zoo.Training(epochs=1))
print(zoo.train(preset, to={str(tmp_path / "m")!r}).evaluate()["accuracy"])
assert not [name for name in sys.modules if name.startswith("tensorflow")]
"""
    )
    result = run(code)
    assert result.returncode == 0, result.stderr
    assert 0 <= float(result.stdout.splitlines()[-1]) <= 1
