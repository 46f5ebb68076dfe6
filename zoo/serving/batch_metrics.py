"""The histogram of batch sizes for Prometheus: rows of the batches that ran in the graphs of the loaded models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from zoo.runtime.optional import import_optional
from zoo.serving.serving_error import ServingError
from zoo.serving.versions.registry import Registry


class BatchCollector:
    """A collector of Prometheus, which asks each loaded version for its counters when metrics are asked for.

    Args:
        registry: of the models.
        sizes: upper bounds of the buckets, in rows.
    """

    def __init__(self, registry: Registry, sizes: Sequence[int]):
        self._registry, self._sizes = registry, sizes

    def collect(self) -> Iterator[Any]:
        """Yield the histogram `zoo_batch_rows`."""
        core = import_optional("prometheus_client.core", "serve", "zoo serve")
        labels = ("model", "version", "signature")
        family = core.HistogramMetricFamily("zoo_batch_rows", "Rows of a batch in a graph, with padding", labels=labels)
        for name, versions in self._registry.models.items():
            for version in versions:
                for signature, batches in self._batches(name, version).items():
                    rows = float(batches @ np.arange(len(batches)))
                    family.add_metric((name, str(version), signature), self._buckets(batches), rows)
        yield family

    def _batches(self, name, version):
        try:
            with self._registry.lease(name, version) as model:
                return model.batches_by_rows()
        except ServingError:  # unloaded meanwhile
            return {}

    def _buckets(self, batches):
        below = [(f"{size}.0", int(batches[: size + 1].sum())) for size in self._sizes]
        return [*below, ("+Inf", int(batches.sum()))]
