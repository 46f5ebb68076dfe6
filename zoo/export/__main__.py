"""`python -m zoo.export [--end-with-input] MODEL_FOLDER FOLDER [MODULE ...]`: export a model folder to a SavedModel.

The modules register custom classes. `Pipeline.export` runs this in a subprocess on TensorFlow where another backend is
in use, whose standard input is open for as long as the process that started it.
"""

import os
import signal
import sys
from pathlib import Path
from threading import Thread


def main(model_folder: str, folder: str, *modules: str) -> None:
    """Export a model folder to a SavedModel. A user error is printed in one line and exits with status 2."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # before Keras is imported
    from zoo.export.options import ExportOptions
    from zoo.export.saved_model import trace
    from zoo.pipeline.model_folder import load
    from zoo.runtime.errors import USER_ERROR, user_message
    from zoo.runtime.files import check_new
    from zoo.runtime.plugins import import_plugin

    try:
        for module in modules:
            import_plugin(module)
        check_new(Path(folder), "export to")
        trace(load(model_folder), Path(folder), ExportOptions.load(Path(model_folder)))
    except (ValueError, OSError) as error:
        if not (line := user_message(error)):
            raise
        print(line, file=sys.stderr)
        sys.exit(USER_ERROR)


def _end_with_input():
    while os.read(0, 1):  # not sys.stdin, whose lock this thread would hold when Python ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--end-with-input"]:
        Thread(target=_end_with_input, daemon=True).start()
        del arguments[0]
    if len(arguments) < 2:
        sys.exit("Expected two folders. Usage: python -m zoo.export MODEL_FOLDER FOLDER [MODULE ...]")
    main(*arguments)
