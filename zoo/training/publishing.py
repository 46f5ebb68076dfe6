"""The end of a run: its model folder, written atomically in place of the unfinished run."""

import shutil
from pathlib import Path

from zoo.adapters.training import LoRATraining
from zoo.pipeline.digests import save_digests
from zoo.runtime.console import console
from zoo.runtime.files import atomic_folder
from zoo.training.advice import print_advice
from zoo.training.loss_log import FILE as LOSSES
from zoo.training.model_card import write_card
from zoo.training.run_folders import exports
from zoo.training.run_result import RunResult
from zoo.training.sharded_checkpoint import copy_checkpoint


def publish(result: RunResult, running: Path, lora: LoRATraining | None) -> None:
    """Write the model folder of a run, then remove the folder of the unfinished run, unless Ctrl-C ended the run.

    Args:
        running: the folder of the unfinished run.
        lora: of a run that trained an adapter, which is saved too.
    """
    interrupted = result.record.state == "stopped"
    removed = exports(result.folder)
    with atomic_folder(result.folder) as folder:
        result.pipeline.save(folder)
        if lora:
            lora.save(folder, result.pipeline.preset)
        _write_card(folder, result)
        result.record.save(folder)
        for name in ("history.csv", LOSSES):
            if (running / name).is_file():
                shutil.copy(running / name, folder)
        shutil.copytree(running / "logs", folder / "logs")
        if result.pipeline.preset.training.keep_checkpoint and not interrupted:
            copy_checkpoint(running, folder)
        save_digests(folder)
    if removed:
        console.print(f"Removed with the model that was replaced: {', '.join(removed)}.")
    if interrupted:
        console.print(f"Stopped by Ctrl-C and saved in {result.folder}. To continue: the same command with --resume.")
    else:
        shutil.rmtree(running)
        print_advice(result)


def _write_card(folder, result):
    """Write the model card. A fault of the zoo in it does not cost the model: it is printed."""
    try:
        write_card(folder, result)
    except OSError:  # a full disk: nothing else can be written either
        raise
    except Exception as error:
        message = f"{result.folder} is saved without all of its model card: {type(error).__name__}: {error}."
        console.print(f"{message} This is a fault of the zoo: please report it.", markup=False)
