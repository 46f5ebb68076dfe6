"""Who may import whom (the table in README), what an import costs, and life without TensorFlow."""

import ast
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "zoo"
FRAMEWORKS = {"tensorflow", "tensorflow_text", "tensorflow_datasets", "jax", "torch", "flax"}
MAY_IMPORT = {  # folder: what of zoo its files may import, besides their own folder's package file
    "architectures": {"zoo.architecture", "zoo.backend", "zoo.layers", "zoo.published", "zoo.tokenizer"},
    "layers": {"zoo.backend", "zoo.layers", "zoo.messages"},
    "backend": {"zoo.backend"},
    "objectives": {
        "zoo.objective",
        "zoo.abilities",
        "zoo.agreement",
        "zoo.following",
        "zoo.writing",
        "zoo.layers",
        "zoo.metrics",
        "zoo.dataset",
        "zoo.streams",
        "zoo.masking",
        "zoo.conversation",
        "zoo.console",
        "zoo.sentences",
        "zoo.windows",
        "zoo.words",
        "zoo.objectives.classify_text",  # of which, and tag_tokens, classify_and_tag is made
        "zoo.objectives.tag_tokens",
    },
    "datasets": {"zoo.console", "zoo.dataset"},
    "dataset": {"zoo.dataset", "zoo.datasets", "zoo.console", "zoo.messages"},
    "tokenizers": {"zoo.tokenizer"},
    "tokenizer": {"zoo.tokenizer", "zoo.files"},
    "adapters": {
        "zoo.adapters",
        "zoo.layers",
        "zoo.messages",
        "zoo.weights",
        "zoo.pipeline",
        "zoo.tokenizers",
        "zoo.preset",
        "zoo.settings",
        "zoo.files",
    },
    "presets": {"zoo.architectures", "zoo.objectives", "zoo.tokenizers", "zoo.preset"},
}
MAY_IMPORT_FRAMEWORKS = ("backend/", "tokenizer/graph/", "exporting.py", "datasets/tfds.py")


def imports(path):
    """Yield (module, whether at the top level of the file)."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        top = node in tree.body
        if isinstance(node, ast.Import):
            yield from ((name.name, top) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            package = node.module == "zoo"
            yield from ((f"zoo.{name.name}" if package else node.module, top) for name in node.names)


def files(folder=""):
    return sorted((PACKAGE / folder).rglob("*.py"))


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_who_may_import_whom(folder):
    for path in files(folder):
        for module, _ in imports(path):
            if module.split(".")[0] == "zoo":
                assert any((module + ".").startswith(allowed + ".") for allowed in MAY_IMPORT[folder]), (
                    f"{path}: {module}"
                )


def test_architectures_never_import_each_other():
    for path in files("architectures"):
        assert not [module for module, _ in imports(path) if module.startswith("zoo.architectures")], path


def test_frameworks_are_imported_in_few_places():
    for path in files():
        place = path.relative_to(PACKAGE).as_posix()
        for module, top in imports(path):
            if module.split(".")[0] in FRAMEWORKS:
                assert place.startswith(MAY_IMPORT_FRAMEWORKS), f"{place} imports {module}"
                assert not top or place.startswith(("backend/", "tokenizer/graph/")), (
                    f"{place} imports {module} at once"
                )


def test_presets_only_construct():
    for path in files("presets"):
        nodes = {type(node).__name__ for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))}
        assert not nodes & {"If", "For", "While", "FunctionDef", "ClassDef", "Lambda", "ListComp"}, path


def run(code, **environment):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_import_takes_little_beyond_keras():
    code = "import time, keras\nstart = time.process_time()\nimport zoo\n"
    code += "for name in zoo.__all__: getattr(zoo, name)\nprint(time.process_time() - start)"
    found = run(code)
    assert found.returncode == 0, found.stderr
    assert float(found.stdout) < 1.0  # seconds of processor time; 0.2 measured


HIDE = """
import sys
class Without:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.startswith("tensorflow") else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


@pytest.mark.skipif(keras.config.backend() == "tensorflow", reason="the TensorFlow backend needs TensorFlow")
def test_everything_but_export_works_without_tensorflow(model_folder, reviews, tmp_path):
    code = (
        HIDE
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
    found = run(code)
    assert found.returncode == 0, found.stderr
    assert 0 <= float(found.stdout.splitlines()[-1]) <= 1
