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

from zoo.exits import MISTAKE, explained
from zoo.files import whole_folder


def export(pipeline, folder):
    """Write a SavedModel of a trained `Pipeline` into `folder`; returns the folder.

    Its `serving_default` takes `text` (or `text` and `text_pair`, or `question` and `context`: what `objective.asks`),
    each a (rows,) string tensor, and returns what `objective.serve` says, texts in place of indices. Of a model that
    writes it takes `text` and returns the `text` that `pipeline.generate` writes, its `length` in tokens, and whether
    it `stopped` by itself. Raises ValueError where `folder` exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise ValueError(f"Expected a new folder to export to. Received: {folder}, which exists.")
    with tempfile.TemporaryDirectory() as trained:
        pipeline.write(trained)
        if keras.config.backend() == "tensorflow":
            trace(trained, folder)
        else:
            _trace_elsewhere(trained, folder)
    return folder


def _trace_elsewhere(trained, folder):
    """Run `trace` in a process of its own: the backend of a process cannot be changed."""
    command = [sys.executable, "-m", "zoo.exporting", str(trained), str(folder.absolute())]
    environment = os.environ | {"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode == MISTAKE:
        raise ValueError(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise RuntimeError(f"The export in a TensorFlow process failed:\n{done.stderr}")


def trace(trained, folder):
    """Write the SavedModel of the model folder `trained`, in a process whose backend is TensorFlow."""
    tf = _tensorflow()
    from zoo.pipeline import load

    pipeline = load(trained)
    network, objective = pipeline.model, pipeline.objective
    server = tf.Module()
    server.twin = pipeline.tokenizer.graph()  # an attribute, so that its tables are tracked
    server.words = _word_twin(server.twin) if objective.worded else None
    # TensorFlow's own variables: of Keras's, a session (and so a server) restores other copies than the graph reads
    prompt = objective.prompt(pipeline.tokenizer)
    write = prompt and _author(pipeline, prompt, server.twin)
    server.weights = [variable.value for variable in network.variables]

    def serve(*texts):
        if prompt:
            return write(*texts)
        if objective.windowed:
            return _answer_in_windows(pipeline, server.twin, *texts)
        if objective.worded:
            return _answer_of_words(pipeline, server.words, *texts)
        ids = server.twin(*texts, length=objective.length).to_tensor(pipeline.tokenizer.padding)
        answer = objective.serve(network(_inputs(network, pipeline.tokenizer, ids, len(texts)), training=False))
        return answer | {name: _named(words, answer[name]) for name, words in objective.words().items()}

    signature = [tf.TensorSpec([None], tf.string, name) for name in (["text"] if prompt else objective.asks())]
    server.serve = tf.function(serve, input_signature=signature, jit_compile=False)
    with whole_folder(folder) as partial:
        try:
            tf.saved_model.save(server, str(partial), signatures={"serving_default": server.serve})
        except tf.errors.OpError as error:  # what its writers raise where others raise OSError
            reason = error.message.split(";")[-1].partition(" [Op")[0].strip()
            raise ValueError(f"TensorFlow cannot write {folder}: {reason}.") from error


def _author(pipeline, prompt, twin):
    """A function from texts to what the model writes."""
    from zoo.generation.serving import Scribe
    from zoo.tokenizer.graph.prompts import Prompter
    from zoo.tokenizer.graph.spelling import Speller

    scribe, architecture = Scribe(pipeline, prompt), pipeline.preset.architecture
    prompts = Prompter(twin, prompt, scribe.room, architecture.padding)
    spell = Speller(pipeline.tokenizer, architecture.vocabulary)

    def write(texts):
        ids, lengths = prompts(texts)
        new, count, stopped = scribe(ids, lengths)
        before, _ = scribe.begin(ids, lengths)
        return {"text": spell(new, count, before), "length": count, "stopped": stopped}

    return write


def _inputs(network, tokenizer, ids, texts):
    """What the network reads of (rows, time) ids: `tokens`, and `types` where it tells two texts apart."""
    ends = keras.ops.cast(ids == tokenizer.separator, "int32")  # each text ends with one
    second = keras.ops.cast((keras.ops.cumsum(ends, axis=1) > ends) & (ids != tokenizer.padding), "int32")
    inputs = {"tokens": ids, "types": second if texts > 1 else keras.ops.zeros_like(ids)}
    return {name: inputs[name] for name in network.input}


def _answer_in_windows(pipeline, twin, questions, contexts):
    """`answer`, where it stands in characters (`start` and `end`, -1 for none), `score` and `no_answer`, (rows,) each.

    The model reads windows of the contexts, as many as it takes.
    """
    from zoo.tokenizer.graph.windows import at_most, stretches, windows

    objective, padding = pipeline.objective, pipeline.preset.architecture.padding
    asked, read = at_most(twin.pieces(questions), objective.question_length), twin.pieces(contexts)
    held = windows(asked, read, twin.layout, objective.length, objective.stride, padding)
    inputs = {"tokens": held.ids, "types": held.types}
    logits = pipeline.model({name: inputs[name] for name in pipeline.model.input}, training=False)
    outputs = {"logits": logits, "record": held.record, "token": held.token, "counts": read.lengths}
    found = objective.serve(outputs)
    first, last = (keras.ops.cast(found.pop(name), "int64") for name in ("first", "last"))
    answer, start, end = stretches(contexts, read, first, last)
    return {"answer": answer, "start": start, "end": end} | found


def _named(names, numbers):
    """The strings that numbers stand for."""
    return _tensorflow().gather(names, numbers)


def _word_twin(twin):
    from zoo.tokenizer.graph.words import WordTwin

    return WordTwin(twin)


def _answer_of_words(pipeline, twin, texts):
    """`labels` (or `tags`), their `texts`, `scores`, and `starts` and `ends` in characters, (rows, most found) each.

    A row that has fewer is filled up with "" and -1. The model reads windows of the texts, as many as it takes.
    """
    from zoo.tokenizer.graph.words import chosen, padded, stretches

    objective, network = pipeline.objective, pipeline.model
    words = twin.words(texts)
    ids, places = twin(words, objective.length)
    ids = ids.to_tensor(pipeline.preset.architecture.padding)
    inputs = {"tokens": ids, "types": keras.ops.zeros_like(ids)}
    scores = network({name: inputs[name] for name in network.input}, training=False)
    scores, there = padded(chosen(scores, places), words.counts)
    found = objective.serve((*objective.decide(network, scores, there), there))
    found |= stretches(texts, words, found.pop("first"), found.pop("last"))
    return found | {name: _named(names, found[name]) for name, names in objective.words().items()}


def _tensorflow():
    try:
        import tensorflow
    except ImportError as error:
        raise ValueError(f"Expected TensorFlow to be installed for an export. Received: {error}.") from error
    return tensorflow


if __name__ == "__main__":
    try:
        trace(Path(sys.argv[1]), Path(sys.argv[2]))
    except (ValueError, OSError) as error:
        if not (line := explained(error)):
            raise
        print(line, file=sys.stderr)
        sys.exit(MISTAKE)
