"""Export to a TensorFlow SavedModel that takes raw strings, for a server without the zoo.

Traced on TensorFlow whichever backend trained the weights, without XLA, from core operations only: a stock TensorFlow
Serving switches XLA off, and a model that JAX traced is one XLA operation.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import keras

from zoo.export.deployment.deployment import check_version, model_name, write_deployment
from zoo.export.deployment.example_requests import Request, example_requests, save_requests
from zoo.export.deployment.warmup import write_warmup
from zoo.export.export_options import FLOAT32, LEFT_OUT, ExportOptions
from zoo.export.graph_weights import store_weights
from zoo.export.precision import FLOAT_BYTES, check_precision
from zoo.export.precision_report import print_precision
from zoo.objectives._objective import Generates
from zoo.pipeline.digests import save_digests
from zoo.pipeline.exported_network import SETTINGS, save_network
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.console import console
from zoo.runtime.errors import USER_ERROR, UserError, shorten
from zoo.runtime.exit_status import describe_exit
from zoo.runtime.files import atomic_folder, check_new, temporary_folder
from zoo.runtime.leftovers import remove_leftovers

END_WITH_INPUT = "--end-with-input"  # of `python -m zoo.export`


def export(pipeline: Pipeline, folder: str | Path, options: ExportOptions | None = None) -> Path:
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

    Further signatures:

        generate    of a model that generates: `text` with a number, or a number for each text, of
                    max_new_tokens (int32), most new tokens. A prompt that leaves no room for them in the context of the
                        model loses its beginning, down to half the context, where the text ends at its end. 0: the
                        model's own, or as many as the context has room for. Without a limited context at most 1024, or
                        the objective's `length` or `max_new_tokens` where that is more;
                    temperature (float32), 0: the most probable tokens, by beam search where the export has beams;
                    top_k (int32), 0: off, top_p (float32), 1: off, and seed (int64), for sampling. The same seed gives
                        the same text, in any batch, as in `Pipeline.generate`.
                    The model's other generation defaults apply, such as a repetition penalty.
        encode      the tokenizer: `text` to ids, starts, ends (characters, -1 is padding), (rows, tokens) each, and
                    length, (rows,), as of `Tokenizer.encode`
        logits      the network: int32 ids by the names of its inputs, to float32 logits, or outputs by name. It is not
                    batched.

    With `options.batching` each signature of strings runs concurrent requests as one batch, and a full queue fails with
    UnavailableError: see `zoo.export.export_options`. `assets.extra/zoo` holds what `zoo.load` needs of it beside the
    weights.

    Raises `UserError` where the folder exists or cannot be written, TensorFlow is missing, the tokenizer has no
    exact equal in TensorFlow, or beams are asked of a model that does not generate.
    """
    folder, options = Path(folder), options or ExportOptions()
    check_new(folder, "export to")
    check_precision(pipeline.model, options.precision)
    if options.deploy:
        check_version(folder)
    _check_beams(pipeline.objective, options)
    _print_unused_defaults(pipeline.objective)
    requests = example_requests(pipeline) if options.deploy else []
    run_on_tensorflow(trace, pipeline, folder, options, requests)
    if options.deploy:
        write_deployment(folder, requests, FLOAT_BYTES * pipeline.model.count_params())
    if options.precision != FLOAT32:
        print_precision(pipeline, options.precision)
    return folder


def run_on_tensorflow(
    write: Callable[..., None], pipeline: Pipeline, folder: Path, options: ExportOptions, requests: Sequence[Request]
) -> None:
    """Call `write(pipeline, folder, options, requests)`, by `python -m zoo.export` where the backend is another one."""
    if keras.config.backend() == "tensorflow":
        return write(pipeline, folder, options, requests)
    modules = _custom_modules(pipeline)
    remove_leftovers(folder.parent, folder.name)
    with temporary_folder(folder) as model_folder:
        pipeline.save(model_folder)
        save_requests(requests, model_folder)
        _trace_in_subprocess(model_folder, folder, options, modules)


def _check_beams(objective, options):
    if options.beams is not None and not isinstance(objective, Generates):
        name = type(objective).__module__.rpartition(".")[2]
        raise UserError(f"Expected beams for a model that generates text. Received: beams={options.beams}, {name}.")


def _print_unused_defaults(objective):
    """Print the generation defaults of a model that decoding in the graph does not have."""
    defaults = getattr(objective, "generation", {}).items()
    unused = ", ".join(f"{name}={shorten(value, 40)}" for name, value in defaults if name in LEFT_OUT)
    if unused:
        console.print(f"The SavedModel decodes without these generation defaults of the model: {unused}.", markup=False)


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


def _trace_in_subprocess(model_folder: Path, folder: Path, options: ExportOptions, modules: list[str]) -> None:
    """Run `python -m zoo.export`: the backend of a process cannot be changed. It ends with this process."""
    paths = str(model_folder.absolute()), str(folder.absolute())
    command = [sys.executable, "-m", "zoo.export", END_WITH_INPUT, *options.arguments(), *paths, *modules]
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
        end = describe_exit(process.returncode)
        raise RuntimeError(f"The export in a TensorFlow process failed: {end}.\n{process.stderr}")


def trace(pipeline: Pipeline, folder: Path, options: ExportOptions, requests: Sequence[Request] = ()) -> None:
    """Write the SavedModel of a pipeline, with warm-up requests, in a process whose backend is TensorFlow."""
    tf = _tensorflow()
    from zoo.export.signatures import signatures

    server = tf.Module()
    server.tokenizer = pipeline.tokenizer.to_graph()  # an attribute, so that its tables are tracked
    weights = store_weights(server, pipeline.model, options.precision)
    functions = signatures(pipeline, server, options, weights)
    with atomic_folder(folder) as partial:
        try:
            tf.saved_model.save(server, str(partial), signatures=functions)
        except tf.errors.OpError as error:  # TensorFlow raises it in place of OSError
            reason = error.message.split(";")[-1].partition(" [Op")[0].strip()
            raise UserError(f"TensorFlow cannot write {folder}: {reason}.") from error
        _save_settings(pipeline, partial / SETTINGS)
        if requests:
            write_warmup(partial, model_name(folder), requests)
        check_new(folder, "export to")  # another process may have exported meanwhile


def _save_settings(pipeline, folder):
    """Write what `zoo.load` needs of a pipeline beside its weights into a new folder."""
    folder.mkdir(parents=True)
    save_network(pipeline.model, folder)
    pipeline.save_settings(folder)
    save_digests(folder)


def _tensorflow():
    try:
        import tensorflow
    except ImportError as error:
        raise UserError(f"Expected TensorFlow to be installed for an export. Received: {error}.") from error
    return tensorflow
