"""Batch inference: the rows of a dataset of any size with their answers as a file, resumed after an interruption.

Chunks of rows are predicted in order, in this process or in several, and saved as they are finished: see
`zoo.pipeline.prediction_file`. Memory holds a few chunks.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.data.tokenization import in_chunks
from zoo.objectives._objective import Generates
from zoo.pipeline.pipeline import Pipeline
from zoo.pipeline.prediction_chunk import Row
from zoo.pipeline.prediction_file import PredictionFile, check_absent
from zoo.pipeline.prediction_formats import FORMATS
from zoo.pipeline.prediction_processes import encode
from zoo.runtime.files import follow_link
from zoo.text.truncated import TruncationCount

GENERATED, LARGE, SMALL = 64, 256, 1024  # rows of a chunk: seconds to a minute of work on a CPU
LARGE_WEIGHTS = 5_000_000
MODEL_FILES = ("model.keras", "saved_model.pb")


@dataclass
class PredictionOptions:
    """Options of `predict_file`.

    Attributes:
        run: identifies the run, beside the model and the rows: a run of the same name is resumed. None: a run whose
            rows cannot be read again, which leaves nothing behind where it is interrupted.
        overwrite: whether an output that exists, or the beginning of another run, is replaced.
        processes: that predict; None: one, and as many as there are cores where that is quicker.
        modules: register custom classes, in each process.
        should_stop: is called after each chunk; True ends the run.
    """

    run: Mapping[str, Any] | None = field(default_factory=dict)
    overwrite: bool = False
    processes: int | None = None
    modules: tuple[str, ...] = ()
    should_stop: Callable[[], bool] = lambda: False


def predict_file(
    pipeline: Pipeline, rows: Iterable[Row], output: str | Path, options: PredictionOptions
) -> TruncationCount:
    """Resumable batch inference: write rows with their answers, in order, in the format of the file's ending.

    Args:
        rows: (row, record) pairs as of `Pipeline.rows_of`; the row's columns are written before the answer's.
        output: see `check_output`.

    Returns how many texts were cut, those of the interrupted run included.

    Raises UserError for a row that the format cannot hold, and for the beginning of another run; KeyboardInterrupt
    where `options.should_stop` ended the run.
    """
    suffix, output = Path(output).suffix, follow_link(output)
    description = json.dumps([str(options.run), _model_of(pipeline), suffix], default=str)
    chunks = in_chunks(rows, chunk_rows(pipeline))
    with PredictionFile(output, FORMATS[suffix](pipeline.objective), description, options.overwrite) as file:
        check_absent(output, options.overwrite)  # the process that had locked the journal may have finished
        remaining = file.skip(chunks)
        with file.report_on_error(options.run is not None):
            _predict(pipeline, file, remaining, suffix, options)
            file.publish()
        return file.truncated


def _predict(pipeline, file, chunks, suffix, options):
    for encoded in encode(pipeline, chunks, suffix, options.processes, options.modules, options.should_stop):
        file.add(encoded)
    if options.should_stop():
        raise KeyboardInterrupt


def chunk_rows(pipeline: Pipeline) -> int:
    """The number of rows that are predicted, and saved, at a time."""
    if isinstance(pipeline.objective, Generates):
        return GENERATED
    return LARGE if pipeline.model.count_params() > LARGE_WEIGHTS else SMALL


def _model_of(pipeline):
    """The folder of a pipeline, and when its model was written."""
    folder = pipeline.folder
    if folder is None:
        return None
    return str(folder.resolve()), [path.stat().st_mtime_ns for name in MODEL_FILES if (path := folder / name).is_file()]
