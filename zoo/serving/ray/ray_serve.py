"""`zoo serve --ray`: replicas of the server on a cluster, by Ray Serve (https://docs.ray.io/en/latest/serve)."""

from __future__ import annotations

import os
import re
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from zoo.runtime.errors import UserError, single_line
from zoo.runtime.optional import import_optional
from zoo.serving.http.server_address import ServerAddress, listen
from zoo.serving.ray.ray_application import NAME, Arguments, bind
from zoo.serving.ray.ray_cluster import quiet, ray_cluster
from zoo.serving.ray.ray_environment import set_variables
from zoo.serving.ray.ray_grpc import ADD_SERVICES
from zoo.serving.ray.ray_options import RayOptions
from zoo.serving.server_settings import ServerSettings
from zoo.serving.versions.model_source import model_sources
from zoo.serving.versions.version_policy import VersionPolicy

LOGGING = {"log_level": "WARNING"}  # of Ray itself
LOGS = "/tmp/ray/session_latest/logs"
PURPOSE = "zoo serve --ray"
ERROR = re.compile(r"UserError: (.+)")


def serve_on_ray(
    folders: Sequence[str],
    address: ServerAddress,
    settings: ServerSettings,
    policy: VersionPolicy,
    poll_seconds: float,
    options: RayOptions,
    announce: Callable[[str], None],
) -> None:
    """Serve on replicas until SIGTERM or Ctrl-C. Requests in flight then have `settings.drain_seconds`.

    Args:
        folders: as of `zoo serve`; each node of the cluster needs them under the same path.
        announce: is called with each line for the user.

    Raises UserError where Ray is missing, the port is in use, or a model cannot be loaded.
    """
    _check(address, settings)
    absolute = [_absolute(folder) for folder in folders]
    model_sources(absolute)
    address = _with_free_ports(address)
    with tempfile.TemporaryDirectory(prefix="zoo-ray-") as folder:
        set_variables(os.environ, folder)
        with quiet():
            import_optional("ray.serve", "serve-ray", PURPOSE)
        for line in exposure_lines(address):
            announce(line)
        signals = Signals()
        with _replicas((absolute, settings, policy, poll_seconds), address, options, signals):
            announce(
                f"Serving {', '.join(source.name for source in model_sources(absolute))} on {options.replicas} "
                f"replicas: {address.url}/v1/models/"
            )
            if address.grpc_port is not None:
                announce(f"gRPC: {address.host}:{address.grpc_port}")
            signals.ready = True
            signals.ended.wait()
            announce(f"Ending: requests in flight have {settings.drain_seconds:g} seconds. Ctrl-C again ends at once.")


def exposure_lines(address: ServerAddress) -> Iterator[str]:
    """Yield lines that say who can reach a server on Ray."""
    yield (
        f"Ray listens on all interfaces of this machine, whatever --host is: limit ports 1024 to 65535 other than "
        f"{address.port} to the cluster by a firewall (docs/serving.md has the rule)."
    )


def _check(address, settings):
    if address.certificate:
        raise UserError("Expected plain HTTP with --ray, with TLS at a proxy before it. Received: --certificate.")
    if settings.root_path:
        raise UserError(f"Expected no --root-path beside --ray. Received: --root-path {settings.root_path}.")


def _with_free_ports(address):
    """The address with numbers in place of ports 0. Raises UserError for a port in use, which HAProxy would share."""
    with listen(address, 1) as http, listen(replace(address, port=address.grpc_port or 0), 1, "--grpc-port") as grpc:
        port, grpc_port = (server.getsockname()[1] for server in (http, grpc))
    return replace(address, port=port, grpc_port=None if address.grpc_port is None else grpc_port)


def _absolute(argument):
    """A FOLDER or NAME=FOLDER argument whose path is absolute: replicas run in another folder."""
    if Path(argument).exists():
        return str(Path(argument).absolute())
    name, equals, path = argument.rpartition("=")
    return f"{name}{equals}{Path(path).absolute()}"


class Signals:
    """SIGINT and SIGTERM: until `ready` they interrupt the start; then the first sets `ended`, the second kills."""

    def __init__(self) -> None:
        self.ready, self.ended = False, threading.Event()

    def install(self) -> None:
        """Handle the signals from now on. Ray sets handlers of its own when it connects."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._handle)

    def _handle(self, number, frame):
        if not self.ready:
            raise KeyboardInterrupt
        if self.ended.is_set():
            os._exit(128 + number)
        self.ended.set()


@contextmanager
def _replicas(arguments: Arguments, address: ServerAddress, options: RayOptions, signals: Signals) -> Iterator[None]:
    """Replicas on a cluster, which are ready when the block begins, and end with it."""
    with ExitStack() as stack:
        with quiet():
            serve: Any = import_module("ray.serve")
            signals.install()
            stack.enter_context(ray_cluster(PURPOSE, options.cluster))
            signals.install()
            stack.callback(_end, serve, options)
            _deploy(serve, arguments, address, options)
        yield


def _deploy(serve, arguments, address, options):
    """Start the replicas, and wait until they are ready. Raises UserError where they do not start."""
    from ray.exceptions import RayError

    servicers = [] if address.grpc_port is None else [ADD_SERVICES]
    try:
        serve.start(
            http_options={"host": address.host, "port": address.port},
            grpc_options={"port": address.grpc_port or 0, "grpc_servicer_functions": servicers},
            logging_config=LOGGING,
        )
        serve.run(bind(arguments, options), name=NAME, route_prefix="/", logging_config=LOGGING)
    except (RayError, RuntimeError) as error:
        raise _start_error(serve, error) from error


def _start_error(serve, error):
    """The error of a replica where there is one, such as a model that cannot be loaded, else that of Ray."""
    application = serve.status().applications.get(NAME)
    messages = [deployment.message for deployment in application.deployments.values()] if application else []
    if errors := ERROR.findall("\n".join(messages)):
        return UserError(single_line(errors[-1]))
    reason = single_line("; ".join([str(error), *messages]))[:500]
    return UserError(f"Expected Ray Serve to start the replicas. Received: {reason} Its logs are in {LOGS}.")


def _end(serve, options):
    with quiet():
        serve.delete(NAME) if options.cluster else serve.shutdown()
