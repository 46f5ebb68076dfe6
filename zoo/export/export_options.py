"""Options of an export: batching, beams, precision and deployment, from Python or from text of the command line."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from zoo.runtime.errors import UserError, one_of, unknown

FLOAT32, FLOAT16, INT8 = PRECISIONS = ("float32", "float16", "int8")
SAVED_MODEL = "saved_model"
OFF = "off"
LEFT_OUT = ("contrastive_alpha", "return_sequences", "truncation_side")  # generation defaults that no graph has
LEAST = {"max_batch_size": 1, "timeout_micros": 0, "max_enqueued": 1, "threads": 1}


@dataclass(frozen=True, kw_only=True)
class Batching:
    """Dynamic batching: requests that come while others are answered are answered together.

    A batch is run as soon as a thread is free, so `timeout_micros` of 0 costs a lone caller nothing.
    """

    max_batch_size: int = 64  # most texts of a batch; a larger request is a batch of its own
    timeout_micros: int = 0  # longest wait for further requests while a thread is free, in microseconds
    max_enqueued: int = 128  # batches that wait; beyond, a request fails with UnavailableError
    threads: int = 1  # batches that run at the same time; a batch itself runs on all cores

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value < 2**31:
                raise UserError(
                    f"Expected {name} in batching, a whole number of at least {least}. Received: {value!r}."
                )


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """Options of a SavedModel.

    Args:
        batching: None for a SavedModel without batching.
        beams: of beam search, for a model that generates; None: the model's own default.
        format: "saved_model", or one of `zoo.export.formats.network_export.FORMATS`.
        precision: of the weights: "float32"; "float16" or "int8" for smaller ones: see `zoo.export.precision`. The size
            and the difference of the score are printed.
        deploy: also write warm-up requests into the folder, whose name must be a number, and deployment files into
            the folder `serving` beside it: see `zoo.export.deployment`.
    """

    batching: Batching | None = Batching()
    beams: int | None = None
    format: str = SAVED_MODEL
    precision: str = FLOAT32
    deploy: bool = False

    def __post_init__(self) -> None:
        one_of("precision", self.precision, PRECISIONS)
        if self.beams is not None and (type(self.beams) is not int or self.beams < 1):
            raise UserError(f"Expected beams of at least 1, a whole number. Received: beams={self.beams!r}.")

    def arguments(self) -> list[str]:
        """The options as arguments of `python -m zoo.export`."""
        settings = [f"{name}={value}" for name, value in asdict(self.batching).items()] if self.batching else [OFF]
        beams = [] if self.beams is None else [f"--beams={self.beams}"]
        return [f"--batching={','.join(settings)}", *beams, f"--format={self.format}", f"--precision={self.precision}"]


def parse_batching(value: Mapping[str, Any] | str | bool | None) -> Batching | None:
    """The `Batching` of a dict of its fields, or of text such as "max_batch_size=32,timeout_micros=500".

    True, "" and "on" are the defaults; False, None and "off" are no batching.
    Raises UserError for an unknown field and for a number out of its range.
    """
    if value in (False, None, OFF, "none", "false"):
        return None
    if value in (True, "", "on", "true"):
        return Batching()
    settings = _parse_text(value) if isinstance(value, str) else dict(value) if isinstance(value, Mapping) else None
    if settings is None:
        raise UserError(f"Expected batching as a dict of settings, True or False. Received: batching={value!r}.")
    known = [field.name for field in fields(Batching)]
    for name in settings:
        if name not in known:
            raise UserError(unknown("setting of batching", name, known))
    return Batching(**settings)


def _parse_text(text):
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    if not all(sign and number.strip() for _, sign, number in pairs):
        raise UserError(f"Expected batching as NAME=NUMBER,NAME=NUMBER, or off. Received: {text}.")
    return {name.strip(): _number(number.strip()) for name, _, number in pairs}


def _number(text):
    return int(text) if text.removeprefix("-").isdecimal() else text
