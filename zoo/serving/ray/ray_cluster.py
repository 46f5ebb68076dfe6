"""A Ray cluster: one that is running, or one on this machine for as long as it is used."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

from zoo.runtime.console import silence
from zoo.runtime.cores import THREADS
from zoo.runtime.errors import UserError, single_line
from zoo.runtime.optional import import_optional

OBJECT_STORE = 100 * 2**20  # bytes


@contextmanager
def ray_cluster(purpose: str, address: str = "") -> Iterator[None]:
    """Connect to a cluster within the block.

    Args:
        purpose: what needs Ray, for messages.
        address: of a running cluster, such as "ray://HOST:10001" or "auto"; "" starts one, without a dashboard, which
            ends with the block.

    Raises UserError where Ray is missing, or the cluster does not answer.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray: Any = import_optional("ray", "serve-ray", purpose)
    local: dict[str, Any] = {"include_dashboard": False, "object_store_memory": OBJECT_STORE}
    try:
        ray.init(address=address or "local", logging_level="ERROR", **({} if address else local))
    except (ConnectionError, ValueError) as error:
        if not address:
            raise
        reason = single_line(str(error))[:200]
        raise UserError(f"Expected the address of a Ray cluster. Received: --address {address} ({reason}).") from error
    try:
        yield
    finally:
        with quiet():
            ray.shutdown()


@contextmanager
def quiet() -> Iterator[None]:
    """Discard what Ray prints within the block: its settings as it starts, and its own end as an error."""
    for name in ("ray", "ray.serve", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with silence(), open(os.devnull, "w") as null, redirect_stdout(null):
        yield


def worker_variables(cores: float, address: str = "") -> dict[str, str]:
    """The environment of a worker process that uses some cores; on this machine it finds the same modules.

    Args:
        address: of the cluster, as of `ray_cluster`.
    """
    variables = {"TF_CPP_MIN_LOG_LEVEL": "3"} | dict.fromkeys(THREADS, str(max(1, int(cores))))
    path = os.pathsep.join(path or os.getcwd() for path in sys.path)
    return variables if address else variables | {"PYTHONPATH": path}
