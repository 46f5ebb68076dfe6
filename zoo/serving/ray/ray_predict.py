"""`zoo predict --ray`: batch inference on a cluster, by Ray Data (https://docs.ray.io/en/latest/data).

Ray Data hands parts of the file to actors, each of which has loaded the SavedModel, and returns them in order. The file
in the making is that of `zoo.pipeline.prediction_file`, so an interrupted run is resumed.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from zoo.pipeline.prediction_chunk import EncodedChunk
from zoo.pipeline.prediction_file import PredictionFile, check_output
from zoo.pipeline.prediction_formats import FORMATS
from zoo.runtime.errors import UserError
from zoo.runtime.files import follow_link
from zoo.serving.ray.file_parts import FilePart, file_parts
from zoo.serving.ray.ray_cluster import quiet, ray_cluster, worker_variables
from zoo.serving.ray.row_answers import RowAnswers
from zoo.serving.versions.model_source import latest_version

PURPOSE = "zoo predict --ray"


@dataclass(frozen=True, kw_only=True)
class RayPredictOptions:
    """Options of `predict_on_ray`.

    Attributes:
        columns: {input of the signature: column of the file}.
        overwrite: whether an output that exists, or the beginning of another run, is replaced.
        processes: number of actors; None: one for each core of the cluster.
        cluster: address of a running cluster; "" starts one on this machine.
        should_stop: is called after each part; True ends the run.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    overwrite: bool = False
    processes: int | None = None
    cluster: str = ""
    should_stop: Callable[[], bool] = lambda: False


def predict_on_ray(model: str | Path, file: str | Path, output: str | Path, options: RayPredictOptions) -> None:
    """Write the rows of a .jsonl or .parquet file with the answers of an exported model, in order.

    Args:
        model: a SavedModel, or a folder with numbered versions of one, of which the latest is used. Each node of the
            cluster needs it, and the file, under the same path.
        output: see `zoo.pipeline.prediction_file.check_output`.

    Raises UserError for what is wrong with the files, and KeyboardInterrupt where `should_stop` ended the run.
    """
    folder = latest_version(model)
    check_output(output, RowAnswers(), options.overwrite)
    suffix, output, parts = Path(output).suffix, follow_link(output), file_parts(Path(file).absolute())
    stamps = [Path(path).stat().st_mtime_ns for path in (folder / "saved_model.pb", file)]
    run = [str(folder), str(file), os.path.getsize(file), stamps, sorted(options.columns.items()), suffix]
    description = json.dumps(["ray", *run])
    file_format = FORMATS[suffix](RowAnswers())
    with (
        PredictionFile(output, file_format, description, options.overwrite) as prediction,
        prediction.report_on_error(resumable=True),
    ):
        _predict(folder, parts[prediction.chunks :], prediction, suffix, options)
        prediction.publish()


def _predict(folder, parts, prediction, suffix, options):
    if not parts:
        return
    with ray_cluster(PURPOSE, options.cluster):
        for chunk in _encoded(folder, parts, suffix, options):
            prediction.add(chunk)
            if options.should_stop():
                raise KeyboardInterrupt


def _encoded(folder: Path, parts: list[FilePart], suffix: str, options: RayPredictOptions) -> Iterator[EncodedChunk]:
    """Yield the parts with their answers, in order, as Ray Data's actors finish them."""
    import ray
    import ray.data

    from zoo.serving.ray.part_predictor import PartPredictor

    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    processes = options.processes or max(1, int(ray.cluster_resources().get("CPU", 1)))
    items = [{"part": pickle.dumps(part)} for part in parts]
    dataset = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
        PartPredictor,
        fn_constructor_args=(str(folder), suffix, dict(options.columns)),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(processes, len(parts))),
        num_cpus=1,
        runtime_env={"env_vars": worker_variables(1, options.cluster)},
    )
    rows = iter(dataset.iter_rows())
    with quiet():
        first = next(rows)
    for row in chain([first], rows):
        result = pickle.loads(row["result"])
        if isinstance(result, str):
            raise UserError(result)
        yield result
