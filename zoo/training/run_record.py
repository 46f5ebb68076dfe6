"""The record of a run, run.json: its command, settings, backends, state and times; `zoo runs` reads it."""

import json
import os
import re
import shlex
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from zoo.runtime.errors import UserError
from zoo.runtime.files import write_text
from zoo.runtime.json_text import read_object
from zoo.runtime.parsing import describe_type, has_type

if TYPE_CHECKING:  # `zoo runs` imports no framework
    from zoo.presets import Preset

FILE = "run.json"
REMOTE = ("tfds:", "hf:", "keras:", "sample:")  # specs that are no path of this machine
TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class RunRecord:
    """What is known of a run beyond its model; paths of this machine are only in `settings`."""

    preset: str  # its name; "model" for a `Preset` from Python
    command: str = ""  # that repeats the run; empty for a `Preset` from Python
    settings: dict[str, Any] = field(default_factory=dict)  # the preset as it was started, as in preset.json
    backends: tuple[str, ...] = ()  # in the order in which the run used them
    monitor: str = ""  # the score that selects the best weights
    state: str = "unfinished"  # or "finished"; "stopped": scored and saved after Ctrl-C
    started: str = ""  # local time
    ended: str = ""
    epochs: float = 0.0  # completed
    seconds: float = 0.0  # of training, validation included
    fingerprints: dict[str, str] = field(default_factory=dict)  # {split: hash of its data at the start}

    def save(self, folder: Path) -> None:
        """Write run.json into a folder."""
        write_text(folder / FILE, json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n")

    def resumed(self, preset: "Preset", changed: Iterable[str]) -> "RunRecord":
        """The record of the same run when it is resumed, perhaps on another backend or with `changed` settings."""
        settings = settings_of(preset)
        words = [f"{path}={_leaf(settings, path)}" for path in changed]
        command = " ".join([self.command, *words]) if self.command else ""
        backends = tuple(dict.fromkeys([*self.backends, _backend()]))
        return replace(self, command=command, settings=settings, backends=backends, state="unfinished", ended="")

    def completed(self, rows: Iterable[Mapping[str, Any]], interrupted: bool) -> "RunRecord":
        """The record at the end of the run, whose history is `rows`."""
        last = list(rows)[-1]
        state = "stopped" if interrupted else "finished"
        return replace(self, state=state, ended=time.strftime(TIME), epochs=last["epoch"], seconds=last["seconds"])


def new_record(name: str, command: str, preset: "Preset") -> RunRecord:
    """The record of a run that starts now."""
    backends, started = (_backend(),), time.strftime(TIME)
    return RunRecord(name, command, settings_of(preset), backends, preset.objective.monitor, started=started)


def load_record(folder: Path) -> RunRecord | None:
    """The record of a model folder or an unfinished run; None where there is none, as in an imported model.

    Raises UserError where it cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    values = read_object(path)
    types = get_type_hints(RunRecord)
    for name in values.keys() & types.keys():
        if not has_type(values[name], types[name]):
            raise UserError(f"{path} cannot be read: Expected {describe_type(types[name])} for {name}.")
    values["backends"] = tuple(values.get("backends", ()))
    return RunRecord(**{field.name: values[field.name] for field in fields(RunRecord) if field.name in values})


def settings_of(preset: "Preset") -> dict[str, Any]:
    """The JSON of a preset, as a dict."""
    from zoo import config

    return json.loads(config.to_json(preset))


def _backend():
    import keras

    return keras.config.backend()


def train_command(
    name: str,
    data: str | Path | None,
    columns: Mapping[str, str] | None,
    overrides: Iterable[str],
    init: str | Path,
    full: bool = False,
) -> str:
    """The `zoo train` command of a run. Local paths are shortened to their last part: a model card is published.

    Args:
        full: write local paths as they are.
    """
    name_of = str if full else public_name
    options = {"--data": name_of(data or ""), "--from": name_of(init)}
    options["--columns"] = ",".join(f"{field}={column}" for field, column in (columns or {}).items())
    words = ["zoo", "train", name, *(overrides if full else map(_public_override, overrides))]
    return shlex.join([*words, *(word for option, value in options.items() if value for word in (option, value))])


def public_name(spec: str | Path) -> str:
    """A data spec or the name of weights without the folders of this machine: a local path's last part."""
    text = str(spec)
    return text if text.startswith(REMOTE) else Path(text).name


def public_description(description: str, spec: str) -> str:
    """The description of a source, as of `Dataset.describe`, without the folder in which the data spec lies."""
    folder = Path(spec).parent
    if spec.startswith(REMOTE) or folder == Path():
        return description
    return re.sub(rf"(?<!\S){re.escape(f'{folder}{os.sep}')}", "", description)


def _leaf(settings, path):
    section, name = path.split(".")
    return settings[section][name]


def _public_override(override):
    path, _, value = override.partition("=")
    return f"{path}={public_name(value)}" if "/" in value else override
