"""One process with TensorFlow that exports the models of many tests: a process for each takes seconds to start."""

import json
import os
import subprocess
import sys

from zoo.export.export_options import ExportOptions

# Runs `python -m zoo.export` with the arguments of each line of standard input, and prints its exit status.
EXPORTER = """
import json, os, runpy, sys
os.environ["KERAS_BACKEND"] = "tensorflow"
answers, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    sys.argv, status = ["zoo.export", *json.loads(line)], 0
    try:
        runpy.run_module("zoo.export", run_name="__main__")
    except SystemExit as stop:
        status = stop.code
    print(status, file=answers, flush=True)
"""


class WarmExport:
    """Replaces `zoo.export.saved_model._trace_in_subprocess` for models without custom classes.

    `errors` is an open file, which gets the standard error of the process.
    """

    def __init__(self, errors):
        self.errors = errors
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": errors}
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
        self.process = subprocess.Popen([sys.executable, "-c", EXPORTER], env=environment, text=True, **pipes)

    def __call__(self, model_folder, folder, options: ExportOptions, modules):
        assert not modules
        arguments = [*options.arguments(), str(model_folder.absolute()), str(folder.absolute())]
        print(json.dumps(arguments), file=self.process.stdin, flush=True)
        if self.process.stdout.readline() != "0\n":
            self.errors.seek(0)
            raise RuntimeError(f"The export in a TensorFlow process failed:\n{self.errors.read()[-3000:]}")
