"""Export to a TensorFlow SavedModel that takes raw strings, for a server without the zoo.

Traced on TensorFlow whichever backend trained the weights, without XLA, from core operations only: a stock TensorFlow
Serving switches XLA off, and a model that JAX traced is one XLA operation.
"""

import os
import subprocess
import sys
from pathlib import Path

import keras

from zoo.export.deployment.deployment import check_version, model_name, write_deployment
from zoo.export.deployment.example_requests import example_requests
from zoo.export.deployment.warmup import write_warmup
from zoo.export.graph_weights import store_weights
from zoo.export.options import ExportOptions
from zoo.export.precision import FLOAT32, FLOAT_BYTES, check_precision
from zoo.export.precision_report import print_precision
from zoo.objectives._objective import Generates
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.console import console
from zoo.runtime.errors import USER_ERROR, UserError, shorten
from zoo.runtime.files import atomic_folder, check_new, temporary_folder
from zoo.runtime.leftovers import remove_leftovers

END_WITH_INPUT = "--end-with-input"  # of `python -m zoo.export`


def export(pipeline: Pipeline, folder: str | Path, deploy: bool = False, precision: str = FLOAT32) -> Path:
    """Write a SavedModel of a trained pipeline into a new folder; returns the folder.

    Its signature `serving_default` takes the objective's `fields.inputs`, each a (rows,) string tensor: `text`, or
    `text` and `text_pair`, or `question` and `context`. It returns tensors with a row for each string. Offsets
    count characters; -1 and "" are padding.

        classify_text       labels (strings), probabilities, highest first; with `multi_label` selected (booleans)
        score_pair          score
        embed_text          vector
        next_sentence       follows (booleans), probability; pretrain likewise
        find_span           answer, start, end (-1: no answer), score, no_answer (probabilities)
        tag_tokens          labels, texts, starts, ends, scores of spans; without spans tags in place of labels
        classify_and_tag    as tag_tokens, and label, probability of the text
        masked_token        text (filled in), guesses and scores of each mask, best first
        next_token          text (generated), length (tokens), finished (whether an end token ended it); translate and
                            follow_instructions likewise

    Args:
        deploy: also write warm-up requests into the folder, whose name must be a number, and deployment files into
            the folder `serving` beside it: see `zoo.export.deployment`.
        precision: "float32"; "float16" or "int8" for smaller weights: see `zoo.export.precision`. The size and the
            difference of the score are printed.

    Raises `UserError` where the folder exists or cannot be written, TensorFlow is missing, or the tokenizer has no
    exact equal in TensorFlow.
    """
    folder = Path(folder)
    check_new(folder, "export to")
    check_precision(pipeline.model, precision)
    if deploy:
        check_version(folder)
    _print_unused_defaults(pipeline.objective)
    requests = tuple(example_requests(pipeline)) if deploy else ()
    options = ExportOptions(requests=requests, precision=precision)
    if keras.config.backend() == "tensorflow":
        trace(pipeline, folder, options)
    else:
        modules = _custom_modules(pipeline)
        remove_leftovers(folder.parent, folder.name)
        with temporary_folder(folder) as model_folder:
            pipeline.save(model_folder)
            options.save(model_folder)
            _trace_in_subprocess(model_folder, folder, modules)
    if deploy:
        write_deployment(folder, options.requests, FLOAT_BYTES * pipeline.model.count_params())
    if precision != FLOAT32:
        print_precision(pipeline, precision)
    return folder


def _print_unused_defaults(objective):
    """Print the generation defaults of a model that greedy decoding in the graph does not have."""
    defaults = getattr(objective, "generation", {}).items()
    unused = ", ".join(f"{name}={shorten(value, 40)}" for name, value in defaults if name != "max_new_tokens")
    if unused:
        console.print(
            f"The SavedModel decodes greedily, without the model's generation defaults: {unused}.", markup=False
        )


def _custom_modules(pipeline: Pipeline) -> list[str]:
    """Modules that register a pipeline's custom classes."""
    preset = pipeline.preset
    classes = (type(preset.architecture), type(preset.objective), type(preset.tokenizer))
    modules = {cls.__module__: cls for cls in classes if not cls.__module__.startswith("zoo.")}
    if "__main__" in modules:
        raise UserError(
            f"Expected {modules['__main__'].__name__} in a module that another process can import, because the export "
            "runs in a process with TensorFlow. Received: a class of __main__."
        )
    return list(modules)


def _trace_in_subprocess(model_folder: Path, folder: Path, modules: list[str]) -> None:
    """Run `python -m zoo.export`: the backend of a process cannot be changed. It ends with this process."""
    paths = str(model_folder.absolute()), str(folder.absolute())
    command = [sys.executable, "-m", "zoo.export", END_WITH_INPUT, *paths, *modules]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if modules:
        environment["PYTHONPATH"] = os.pathsep.join(path or os.getcwd() for path in sys.path)
    read_end, write_end = os.pipe()  # open in this process alone: its end, kill -9 too, closes it
    try:
        process = subprocess.run(command, env=environment, stdin=read_end, capture_output=True, text=True)
    finally:
        os.close(read_end)
        os.close(write_end)
    if process.returncode == USER_ERROR:
        raise UserError(process.stderr.strip().splitlines()[-1])
    if process.returncode:
        raise RuntimeError(f"The export in a TensorFlow process failed:\n{process.stderr}")


def trace(pipeline: Pipeline, folder: Path, options: ExportOptions) -> None:
    """Write the SavedModel of a pipeline, in a process whose backend is TensorFlow."""
    tf = _tensorflow()
    server = tf.Module()
    server.tokenizer = pipeline.tokenizer.to_graph()  # an attribute, so that its tables are tracked
    weights = store_weights(server, pipeline.model, options.precision)
    objective = pipeline.objective
    names = ("text",) if isinstance(objective, Generates) else objective.fields.inputs
    signature = [tf.TensorSpec([None], tf.string, name) for name in names]
    answers = _answers(pipeline, server)

    def serve(*texts):
        with weights():
            return answers(*texts)

    server.serve = tf.function(serve, input_signature=signature, jit_compile=False)
    with atomic_folder(folder) as partial:
        try:
            tf.saved_model.save(server, str(partial), signatures={"serving_default": server.serve})
        except tf.errors.OpError as error:  # TensorFlow raises it in place of OSError
            reason = error.message.split(";")[-1].partition(" [Op")[0].strip()
            raise UserError(f"TensorFlow cannot write {folder}: {reason}.") from error
        if options.requests:
            write_warmup(partial, model_name(folder), options.requests)
        check_new(folder, "export to")  # another process may have exported meanwhile


def _answers(pipeline: Pipeline, server):
    """The serving function: string tensors to a dict of tensors."""
    objective = pipeline.objective
    if isinstance(objective, Generates):
        from zoo.export.generator import text_generator

        return text_generator(pipeline, objective.prompt_template(pipeline.tokenizer), server.tokenizer)
    from zoo.export.graph_answers import ANSWERS

    if objective.graph_input == "words":
        from zoo.export.tokenizer.graph_words import GraphWordTokenizer

        server.words = GraphWordTokenizer(server.tokenizer)
    answers = ANSWERS[objective.graph_input]
    return lambda *texts: answers(pipeline, server, *texts)


def _tensorflow():
    try:
        import tensorflow
    except ImportError as error:
        raise UserError(f"Expected TensorFlow to be installed for an export. Received: {error}.") from error
    return tensorflow
