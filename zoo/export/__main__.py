"""`python -m zoo.export MODEL_FOLDER FOLDER [MODULE ...]`: export a model folder to a SavedModel.

The modules register custom classes. `Pipeline.export` runs this in a subprocess on TensorFlow where another backend is
in use, whose standard input is open for as long as the process that started it.
"""

import argparse
import os
import signal
import sys
from pathlib import Path
from threading import Thread


def main(
    model_folder: str,
    folder: str,
    *modules: str,
    batching: str = "on",
    beams: int | None = None,
    format: str = "saved_model",
    precision: str = "float32",
) -> None:
    """Export a model folder to a SavedModel. A user error is printed in one line and exits with status 2."""
    os.environ["KERAS_BACKEND"] = "tensorflow"  # before Keras is imported
    from zoo.export.deployment.example_requests import load_requests
    from zoo.export.export_options import SAVED_MODEL, ExportOptions, parse_batching
    from zoo.export.formats.network_export import write_network
    from zoo.export.saved_model import trace
    from zoo.pipeline.model_folder import load
    from zoo.runtime.errors import USER_ERROR, user_message
    from zoo.runtime.files import check_new
    from zoo.runtime.plugins import import_plugin

    try:
        options = ExportOptions(batching=parse_batching(batching), beams=beams, format=format, precision=precision)
        for module in modules:
            import_plugin(module)
        check_new(Path(folder), "export to")
        write = trace if format == SAVED_MODEL else write_network
        write(load(model_folder), Path(folder), options, load_requests(Path(model_folder)))
    except (ValueError, OSError) as error:
        if not (line := user_message(error)):
            raise
        print(line, file=sys.stderr)
        sys.exit(USER_ERROR)


def _arguments():
    parser = argparse.ArgumentParser(prog="python -m zoo.export", description="Export a model folder to a SavedModel.")
    parser.add_argument("model_folder")
    parser.add_argument("folder", help="a new folder")
    parser.add_argument("modules", nargs="*", help="modules that register custom classes")
    parser.add_argument("--batching", default="on", help="NAME=NUMBER,... or off")
    parser.add_argument("--beams", type=int, help="of beam search")
    parser.add_argument("--format", default="saved_model", help="saved_model, onnx, openvino or litert")
    parser.add_argument("--precision", default="float32", help="of the weights: float32, float16 or int8")
    parser.add_argument("--end-with-input", action="store_true", help="end when standard input ends")
    return parser.parse_args()


def _end_with_input():
    while os.read(0, 1):  # not sys.stdin, whose lock this thread would hold when Python ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    arguments = _arguments()
    if arguments.end_with_input:
        Thread(target=_end_with_input, daemon=True).start()
    options = {name: getattr(arguments, name) for name in ("batching", "beams", "format", "precision")}
    main(arguments.model_folder, arguments.folder, *arguments.modules, **options)
