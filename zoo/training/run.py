"""`zoo.train`: train a preset, from records to a model folder; an unfinished run is in `<folder>.running`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from zoo.pipeline.model_folder import load
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
from zoo.readers.memory import DataInMemory
from zoo.runtime.console import console
from zoo.training.compiling import CompileOptions, check_callbacks
from zoo.training.distribution import check_distribution, distribution_scope, join_processes, of_first_process
from zoo.training.own_data import BUDGET
from zoo.training.run_lock import RunLock
from zoo.training.starting import start_of_run
from zoo.training.training_run import TrainingRun


def train(
    preset: str | Preset,
    *,
    to: str | Path | None = None,
    data: str | Path | DataInMemory | None = None,
    columns: Mapping[str, str] | None = None,
    resume: bool = False,
    restart: bool = False,
    force: bool = False,
    overrides: Iterable[str] = (),
    init: str = "",
    budget: float = BUDGET,
    callbacks: Sequence[Any] = (),
    optimizer: Callable[..., Any] | None = None,
    loss: Any = None,
    metrics: Sequence[Any] = (),
) -> Pipeline:
    """Train a preset and save a model folder, which `zoo.load` reads.

    Args:
        preset: a name of `zoo list presets`, or a `Preset`. For your own data: `classify_text`, `tag_tokens` and the
            other recipes of `zoo list recipes`, which choose the settings from the data.
        to: the model folder; default `saved_models/<preset>`, or with -2, -3 and so on where it is used.
        data: a dataset spec, or data in memory such as a data frame (see `zoo.readers.memory`), in place of the
            preset's own.
        columns: {standard field: the data's name for it}, in place of the preset's own.
        resume: continue an unfinished run from its last checkpoint, or with more `training.epochs`, `max_steps` or
            `patience` a finished one.
        restart: discard an unfinished run.
        force: replace the model in the folder `to`, and its exports.
        overrides: strings such as `training.epochs=3`.
        init: warm start: a folder of the zoo, transformers or KerasHub, or `hf:OWNER/NAME` or `keras:PRESET`, whose
            network, weights and tokenizer take the place of the preset's own. With a recipe, "scratch" for none.
        budget: seconds that training may take, by which a recipe chooses.
        callbacks: of Keras, called after the run's own: `logs` has the scores of the validation as `val_NAME`. An epoch
            of theirs is the interval between two validations. Their state is not in the checkpoint.
        optimizer: in place of AdamW: a Keras optimizer's class, or a function that takes its `learning_rate`,
            `weight_decay`, `global_clipnorm` and `gradient_accumulation_steps` and returns one.
        loss: in place of the objective's: what `keras.Model.compile` takes, for the targets in docs/objectives.md.
        metrics: of Keras, computed in training, columns of history.csv. A validation score of your own is a subclass of
            the objective: see docs/training.md.

    A run with an optimizer, a loss or metrics is resumed with the same ones.

    >>> stop = keras.callbacks.EarlyStopping("val_accuracy", patience=2, mode="max")
    >>> pipeline = zoo.train("mlp_helpdesk", to="m", overrides=["training.epochs=2"], callbacks=[stop])
    >>> pipeline.predict("where is my parcel?")["label"] in pipeline.objective.labels
    True

    Returns the trained `Pipeline`. Raises UserError for a mistake in the arguments or the data.
    """
    check_callbacks(callbacks)
    compiling = CompileOptions(optimizer=optimizer, loss=loss, metrics=metrics)
    settings = preset, to, data, columns, list(overrides), init, budget
    join_processes(preset, settings[4])
    with RunLock() as lock:
        start = partial(start_of_run, *settings, resume=resume, restart=restart, force=force, lock=lock)
        folder, preset, record = of_first_process(start)
        compiling.check(preset)
        check_distribution(preset)
        if record.state != "finished":
            with distribution_scope(preset):
                return TrainingRun(folder, preset, resume, record, callbacks, compiling).run()
    console.print(f"{folder} is finished: nothing to resume. To go on longer: --resume training.epochs=N.")
    return load(folder)
