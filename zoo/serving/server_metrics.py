"""Metrics of a server for Prometheus: requests, latency, batch sizes, queue, loaded versions, generated tokens."""

from __future__ import annotations

import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

from zoo.runtime.optional import import_optional
from zoo.serving.batch_metrics import BatchCollector
from zoo.serving.request_record import RequestRecord

if TYPE_CHECKING:
    from zoo.generation.continuous_batch import ContinuousBatch
    from zoo.serving.versions.loaded_model import LoadedModel

LATENCIES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)  # seconds
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)  # rows


class ServerMetrics:
    """The metrics of one server, in a registry of their own.

    Label values are names of loaded models, their versions and signatures, APIs and codes: a client cannot make new
    ones.
    """

    def __init__(self):
        prometheus = import_optional("prometheus_client", "serve", "zoo serve")
        self.registry: Any = prometheus.CollectorRegistry()
        prometheus.ProcessCollector(registry=self.registry)
        counter, histogram, gauge = prometheus.Counter, prometheus.Histogram, prometheus.Gauge
        request = ("api", "model", "version", "signature", "code")
        self._requests = self._add(counter, "requests", "Requests that were answered", request)
        signature = ("model", "signature")
        self._latency = self._add(
            histogram, "request_seconds", "Seconds from a request to its answer", signature, buckets=LATENCIES
        )
        self._rows = self._add(histogram, "request_rows", "Rows of a request", signature, buckets=BATCHES)
        self._batches = self._add(
            histogram, "generation_batch_rows", "Texts in a decoding step", ("model",), buckets=BATCHES
        )
        self._open_requests = 0
        self._removed: set[tuple[str, int]] = set()  # (model, version)
        in_flight = self._add(gauge, "requests_in_flight", "Requests that are not answered yet")
        in_flight.set_function(lambda: self._open_requests)
        self._unfinished = self._add(gauge, "predictions_unfinished", "Predictions that run or wait for a thread")
        self._queued = self._add(gauge, "predictions_queued", "Predictions that wait for a thread")
        self._loaded = self._add(gauge, "loaded_versions", "Versions that are loaded", ("model", "version"))
        self._load = self._add(gauge, "load_seconds", "Seconds to load and warm up a version", ("model", "version"))
        self._generation_queued = self._add(
            gauge, "generation_queued", "Texts that wait for a row of the running batch", ("model",)
        )
        self._tokens = self._add(counter, "generated_tokens", "Tokens that were generated", ("model",))

    def _add(self, kind, name, documentation, labels=(), **options):
        return kind(f"zoo_{name}", documentation, labels, registry=self.registry, **options)

    def watch(self, service: Any) -> None:
        """Show the queue of a `Service` in gauges, and the batches of its models."""
        threads = service.settings.max_concurrent_requests
        self._unfinished.set_function(lambda: service.unfinished)
        self._queued.set_function(lambda: max(0, service.unfinished - threads))
        self.registry.register(BatchCollector(service.registry, BATCHES))

    @property
    def requests_in_flight(self) -> int:
        """The number of requests that are not answered yet."""
        return self._open_requests

    def begin_request(self) -> None:
        """Count a request in flight."""
        self._open_requests += 1

    def end_request(self, record: RequestRecord, code: str, seconds: float) -> None:
        """Count an answered request; `code` is its HTTP status, or the name of its gRPC code."""
        self._open_requests -= 1
        is_removed = (record.model, record.version) in self._removed  # whose series must not come back
        version = "" if is_removed else str(record.version or "")
        self._requests.labels(record.api, record.model, version, record.signature, code).inc()
        if record.model:
            self._latency.labels(record.model, record.signature).observe(seconds)

    def observe_rows(self, model: str, signature: str, rows: int) -> None:
        """Count the rows of a request."""
        self._rows.labels(model, signature).observe(rows)

    def watch_generation(self, model: str, batch: ContinuousBatch) -> None:
        """Count the decoding steps of a model's running batch, and show its queue in a gauge."""
        reference = weakref.ref(batch)  # a dropped version is freed
        queue = self._generation_queued.labels(model)
        queue.set_function(lambda: current.waiting if (current := reference()) else 0)
        batch.on_step = partial(self._observe_step, model)

    def _observe_step(self, model, rows):
        """Count a decoding step: a token for each of its rows."""
        self._batches.labels(model).observe(rows)
        self._tokens.labels(model).inc(rows)

    def add_version(self, model: LoadedModel, seconds: float) -> None:
        """Count a loaded version, which was loaded in so many seconds."""
        labels = model.name, str(model.version)
        self._removed.discard((model.name, model.version))
        self._loaded.labels(*labels).set(1)
        self._load.labels(*labels).set(seconds)

    def remove_version(self, model: LoadedModel) -> None:
        """Drop the series of an unloaded version, so that their number stays small over many versions."""
        labels = {"model": model.name, "version": str(model.version)}
        self._removed.add((model.name, model.version))
        for metric in (self._loaded, self._load, self._requests):
            metric.remove_by_labels(labels)

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics as text, and its content type: OpenMetrics where `accept`, a header, asks for it."""
        exposition = import_optional("prometheus_client.exposition", "serve", "zoo serve")
        encode, content_type = exposition.choose_encoder(accept)
        return encode(self.registry), content_type
