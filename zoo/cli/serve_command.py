"""zoo serve: a server of exported models, with the REST API of TensorFlow Serving and others, and metrics."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from zoo.cli.options import print_message
from zoo.runtime.cores import available_cores, limit_threads, wait_passively
from zoo.runtime.errors import UserError

Folders = Annotated[
    list[str], typer.Argument(metavar="FOLDER...", help="An export, its base folder (FOLDER/1 ...), or NAME=FOLDER.")
]
Labels = Annotated[list[str] | None, typer.Option(help="A label of a version: canary=2, or MODEL:canary=2.")]
Origins = Annotated[list[str] | None, typer.Option(help="An origin whose pages may call the server (CORS).")]
Limit = typer.Option(help="Most of these in a request.")


def serve(
    folder: Folders,
    host: Annotated[str, typer.Option(help="The address to listen at; 0.0.0.0 is every one.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Of HTTP; 0 is any that is free.")] = 8501,
    grpc_port: Annotated[int | None, typer.Option(help="Of gRPC, for example 8500; default none.")] = None,
    versions: Annotated[str, typer.Option(help="latest, latest:N, all, or numbers such as 3,5.")] = "latest",
    label: Labels = None,
    token: Annotated[
        str, typer.Option(envvar="ZOO_SERVE_TOKEN", show_envvar=True, help="Bearer token that clients must send.")
    ] = "",
    open_metrics: Annotated[bool, typer.Option("--open-metrics", help="Metrics need no token.")] = False,
    certificate: Annotated[str, typer.Option(help="A PEM file, for TLS of HTTP and gRPC.")] = "",
    key: Annotated[str, typer.Option(help="The PEM file of the certificate's key.")] = "",
    root_path: Annotated[str, typer.Option(help="The path of the server behind a proxy.")] = "",
    allow_origin: Origins = None,
    max_body_bytes: Annotated[int, Limit] = 4 * 2**20,
    max_text_characters: Annotated[int, typer.Option(help="Of each text.")] = 100_000,
    max_rows: Annotated[int, Limit] = 1024,
    max_concurrent_requests: Annotated[int, typer.Option(help="Predictions at a time.")] = 64,
    max_queued_requests: Annotated[int, typer.Option(help="Predictions that wait; then status 429.")] = 256,
    request_timeout: Annotated[float, typer.Option(help="Seconds for an answer; then status 504.")] = 60.0,
    drain_seconds: Annotated[float, typer.Option(help="For requests in flight, after SIGTERM or Ctrl-C.")] = 30.0,
    poll_seconds: Annotated[float, typer.Option(help="Between two looks for new versions.")] = 1.0,
    log: Annotated[str, typer.Option(help="Of requests, on standard error: json, text or off.")] = "json",
    ray: Annotated[bool, typer.Option("--ray", help="Serve on replicas of a Ray cluster.")] = False,
    replicas: Annotated[str, typer.Option(help="With --ray: their number, or 1:4 for a range by load.")] = "1",
    cpus: Annotated[float, typer.Option(help="With --ray: cores of each replica.")] = 1.0,
    address: Annotated[str, typer.Option(help="With --ray: a running cluster, such as auto; default a new one.")] = "",
) -> None:
    """Serve exported models: strings in, answers out, over HTTP and gRPC.

    New versions in a folder are loaded, and old ones dropped, while the server runs. Ctrl-C or SIGTERM ends it when the
    requests in flight are answered.
    """
    from zoo.serving.http.server_address import ServerAddress
    from zoo.serving.server_settings import ServerSettings
    from zoo.serving.versions.version_policy import parse_policy

    where = ServerAddress(host=host, port=port, grpc_port=grpc_port, certificate=certificate, key=key)
    settings = ServerSettings(
        max_body_bytes=max_body_bytes,
        max_text_characters=max_text_characters,
        max_rows=max_rows,
        max_concurrent_requests=max_concurrent_requests,
        max_queued_requests=max_queued_requests,
        request_timeout=request_timeout,
        drain_seconds=drain_seconds,
        token=token,
        open_metrics=open_metrics,
        allow_origins=tuple(allow_origin or ()),
        root_path=root_path,
        log=log,
    )
    policy = parse_policy(versions, label or ())
    if ray:
        from zoo.serving.ray.ray_options import RayOptions
        from zoo.serving.ray.ray_serve import serve_on_ray

        folders, options = list(map(_expand, folder)), RayOptions(replicas=replicas, cpus=cpus, cluster=address)
        return serve_on_ray(folders, where, settings, policy, poll_seconds, options, print_message)
    if (replicas, cpus, address) != ("1", 1.0, ""):
        raise UserError("Expected --ray beside --replicas, --cpus and --address. Received: no --ray.")
    _run(folder, where, settings, policy, poll_seconds)


def _run(folders, address, settings, policy, poll_seconds):
    """Serve until a signal, print what a client needs, and end the process with its exit status."""
    from zoo.serving.http.http_server import HttpServer
    from zoo.serving.http.server import cannot_load
    from zoo.serving.http.start_up_lines import exposure_lines, start_up_lines
    from zoo.serving.versions.model_loading import open_service

    _log_to_standard_error()
    _limit_threads()
    service = open_service([_expand(folder) for folder in folders], settings, policy, poll_seconds)

    def announce():
        for line in start_up_lines(service, server.url):
            print_message(line)

    server = HttpServer(service, address, announce)
    for line in exposure_lines(server.address, settings):
        print_message(line)
    server.run()
    if server.failure:
        raise cannot_load(server.failure)
    _end_process(service)


def _expand(folder):
    """A folder with ~ expanded, which a shell does not do after NAME=."""
    name, equals, path = folder.rpartition("=")
    return f"{name}{equals}{Path(path).expanduser()}" if equals else folder


def _limit_threads():
    """As many threads as the process has cores, which wait without using a core."""
    limit_threads(os.environ, available_cores(), os.cpu_count() or 1)
    wait_passively(os.environ)


def _log_to_standard_error():
    """Log on a copy of standard error, which works while the messages of TensorFlow's import are discarded."""
    try:
        stream = os.fdopen(os.dup(2), "w", buffering=1, errors="backslashreplace")
    except OSError:  # a process without standard error
        return
    logging.basicConfig(stream=stream, format="%(message)s", level=logging.WARNING, force=True)
    for name in ("zoo.serve", "zoo.access"):
        logging.getLogger(name).setLevel(logging.INFO)


def _end_process(service):
    """Leave with status 0. Threads that TensorFlow holds beyond the drain would block Python's own exit."""
    if service.close():
        return
    if service.unfinished:
        print_message(f"Ended with {service.unfinished} predictions unfinished.")
    sys.stdout.flush()
    os._exit(0)
