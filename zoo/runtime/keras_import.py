"""Call a function once Keras has been imported, whoever imports it, without importing it."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.machinery import ModuleSpec
from types import ModuleType


def after_keras_import(function: Callable[[], object]) -> None:
    """Call a function at once if Keras is imported, else at the end of the import that imports it.

    That import is `keras` itself, or a module of the zoo, which then is complete.
    """
    if "keras" in sys.modules:
        function()
    else:
        sys.meta_path.insert(0, _Watcher(function))


class _Watcher:
    """An import hook that watches the outermost import of Keras or of a module of the zoo."""

    def __init__(self, function: Callable[[], object]) -> None:
        self.function, self.inside, self.done = function, False, False

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self.done or self.inside or not (name == "keras" or name.startswith("zoo.")):
            return None
        self.inside = True  # now the other hooks find the module, and imports within it are not watched
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self.inside = False
        if spec is not None and spec.loader is not None:
            self._watch(spec.loader, quiet=name != "keras")
        return spec

    def _watch(self, loader, quiet):
        """Watch the execution of a module; `quiet` hides the start-up lines of TensorFlow, which the zoo imports."""
        execute = loader.exec_module

        def exec_module(module):
            del loader.exec_module
            self.inside = True
            try:
                with _without_jax(), _without_start_up_lines() if quiet else nullcontext():
                    execute(module)
            finally:
                self.inside = False
            self._finish()

        loader.exec_module = exec_module

    def _finish(self):
        if "keras" in sys.modules and not self.done:
            self.done = True
            self.function()


@contextmanager
def _without_start_up_lines() -> Iterator[None]:
    """Discard what TensorFlow prints while it is imported, and ask it to print errors only from then on."""
    from zoo.runtime.console import silence

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silence():
        yield


@contextmanager
def _without_jax() -> Iterator[None]:
    """Within the block JAX counts as not installed, where another backend is chosen and nothing has imported it.

    Keras imports JAX on every backend for one of its callbacks, which takes 0.1 GB and a second.
    """
    if os.environ.get("KERAS_BACKEND") not in ("torch", "tensorflow") or "jax" in sys.modules:
        yield
        return
    sys.modules["jax"] = None  # type: ignore[assignment]  # `import jax` raises ImportError
    try:
        yield
    finally:
        del sys.modules["jax"]
