"""The application of Ray Serve: a deployment of replicas, for `zoo serve --ray` and for Ray's own config files.

A config file, as `serve run` and KubeRay's RayService read it, names `zoo.serving.ray.ray_application:application`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from importlib import import_module
from typing import Any

from zoo.runtime.errors import UserError, did_you_mean
from zoo.serving.ray.ray_cluster import worker_variables
from zoo.serving.ray.ray_options import RayOptions
from zoo.serving.server_settings import ServerSettings
from zoo.serving.versions.version_policy import VersionPolicy, parse_policy
from zoo.serving.versions.version_watcher import POLL_SECONDS

NAME = "zoo"  # of the application and its deployment
Arguments = tuple[list[str], ServerSettings, VersionPolicy, float]  # of `zoo.serving.ray.ray_replica.Replica`
CONFIG = ("folders", "versions", "labels", "replicas", "cpus")


def application(config: Mapping[str, Any]) -> Any:
    """The application of the `args` of a config file.

    Args:
        config: `folders`, a list of them; `versions`, `labels`, `replicas`, `cpus` as of `zoo serve`; and the fields of
            `zoo.serving.server_settings.ServerSettings`, such as `max_rows`, but for `root_path`.

    Raises UserError for an unknown key.
    """
    known = (*CONFIG, *(field.name for field in fields(ServerSettings) if field.name != "root_path"))  # Ray has its own
    for name in config:
        if name not in known:
            raise UserError(f"Unknown argument. Received: {name!r}.{did_you_mean(name, known)}")
    if not config.get("folders"):
        raise UserError("Expected args with folders, a list of exported models. Received: none.")
    settings = ServerSettings(**{name: value for name, value in config.items() if name not in CONFIG})
    policy = parse_policy(str(config.get("versions", "latest")), config.get("labels", ()))
    options = RayOptions(replicas=str(config.get("replicas", "1")), cpus=float(config.get("cpus", 1)), cluster="auto")
    return bind((list(config["folders"]), settings, policy, POLL_SECONDS), options)


def bind(arguments: Arguments, options: RayOptions) -> Any:
    """The deployment of replicas with these arguments."""
    from zoo.serving.ray.ray_replica import Replica

    serve: Any = import_module("ray.serve")
    return serve.deployment(serve.ingress()(Replica), **_deployment_options(arguments[1], options)).bind(*arguments)


def _deployment_options(settings, options):
    concurrent = settings.max_concurrent_requests
    values: dict[str, Any] = {
        "name": NAME,
        "max_ongoing_requests": concurrent + settings.max_queued_requests,
        "graceful_shutdown_timeout_s": settings.drain_seconds,
        "health_check_period_s": 5,
        "max_constructor_retry_count": 1,
        "ray_actor_options": {
            "num_cpus": options.cpus,
            "runtime_env": {"env_vars": worker_variables(options.cpus, options.cluster)},
        },
    }
    if options.least == options.most:
        return values | {"num_replicas": options.least}
    scaling = {"min_replicas": options.least, "max_replicas": options.most, "target_ongoing_requests": concurrent / 4}
    return values | {"autoscaling_config": scaling}
