"""A SavedModel that takes raw strings and gives answers, for a server that knows nothing of the zoo.

Traced on TensorFlow whatever backend trained the weights, without XLA, from core operations only: a stock TensorFlow
Serving switches XLA off, and a model that JAX traced is one XLA operation.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import keras

from zoo.runtime.errors import USER_ERROR, UserError, user_message
from zoo.runtime.files import atomic_folder, check_new


def export(pipeline, folder):
    """Write a SavedModel of a trained `Pipeline` into `folder`; returns the folder.

    Its `serving_default` takes `text` (or `text` and `text_pair`, or `question` and `context`: what `objective.asks`),
    each a (rows,) string tensor, and returns what `objective.serve` says, texts in place of indices. Of a model that
    writes it takes `text` and returns the `text` that `pipeline.generate` writes, its `length` in tokens, and whether
    it `stopped` by itself. Raises UserError where `folder` exists.
    """
    folder = Path(folder)
    check_new(folder, "export to")
    with tempfile.TemporaryDirectory() as trained:
        pipeline.write(trained)
        if keras.config.backend() == "tensorflow":
            trace(trained, folder)
        else:
            _trace_elsewhere(trained, folder)
    return folder


def _trace_elsewhere(trained, folder):
    """Run `trace` in a process of its own: the backend of a process cannot be changed."""
    command = [sys.executable, "-m", "zoo.export.saved_model", str(trained), str(folder.absolute())]
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode == USER_ERROR:
        raise UserError(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise RuntimeError(f"The export in a TensorFlow process failed:\n{done.stderr}")


def trace(trained, folder):
    """Write the SavedModel of the model folder `trained`, in a process whose backend is TensorFlow."""
    tf = _tensorflow()
    from zoo.export.graph_answers import ANSWERS, author
    from zoo.export.tokenizer.graph_words import GraphWordTokenizer
    from zoo.pipeline.pipeline import load

    pipeline = load(trained)
    objective, server = pipeline.objective, tf.Module()
    server.twin = pipeline.tokenizer.to_graph()  # an attribute, so that its tables are tracked
    server.words = GraphWordTokenizer(server.twin) if objective.graph_input == "words" else None
    prompt = objective.prompt_template(pipeline.tokenizer)
    write = prompt and author(pipeline, prompt, server.twin)
    # TensorFlow's own variables: of Keras's, a session (and so a server) restores other copies than the graph reads
    server.weights = [variable.value for variable in pipeline.model.variables]

    def serve(*texts):
        return write(*texts) if prompt else ANSWERS[objective.graph_input](pipeline, server, *texts)

    signature = [tf.TensorSpec([None], tf.string, name) for name in (["text"] if prompt else objective.asks())]
    server.serve = tf.function(serve, input_signature=signature, jit_compile=False)
    with atomic_folder(folder) as partial:
        try:
            tf.saved_model.save(server, str(partial), signatures={"serving_default": server.serve})
        except tf.errors.OpError as error:  # what its writers raise where others raise OSError
            reason = error.message.split(";")[-1].partition(" [Op")[0].strip()
            raise UserError(f"TensorFlow cannot write {folder}: {reason}.") from error


def _tensorflow():
    try:
        import tensorflow
    except ImportError as error:
        raise UserError(f"Expected TensorFlow to be installed for an export. Received: {error}.") from error
    return tensorflow


if __name__ == "__main__":
    try:
        trace(Path(sys.argv[1]), Path(sys.argv[2]))
    except (ValueError, OSError) as error:
        if not (line := user_message(error)):
            raise
        print(line, file=sys.stderr)
        sys.exit(USER_ERROR)
