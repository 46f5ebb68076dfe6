"""The import of TensorFlow for serving: without Keras and JAX, and without its start-up messages."""

from __future__ import annotations

import os
import sys
import threading

from zoo.runtime.console import silence
from zoo.runtime.optional import import_optional

UNUSED = ("keras", "jax")  # TensorFlow imports them where it can: 1.3 s of processor time and 170 MB
_lock = threading.Lock()


def import_tensorflow() -> None:
    """Import TensorFlow, if nothing has. Keras and JAX count as not installed meanwhile, and can be imported later.

    Raises UserError where TensorFlow is not installed.
    """
    with _lock:
        if sys.modules.get("tensorflow"):
            return
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        hidden = [name for name in UNUSED if name not in sys.modules]
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: their import raises ImportError
        try:
            with silence():
                import_optional("tensorflow", "serve", "zoo serve")
        finally:
            for name in hidden:
                del sys.modules[name]
