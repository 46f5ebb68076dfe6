"""The application of Ray's config files, and the manifest of docs/serving.md, which names it."""

import importlib.util
import re
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from zoo.runtime.errors import UserError
from zoo.serving.ray.ray_application import application

PAGE = Path(__file__).parent.parent.parent / "docs" / "serving.md"
needs_ray = pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="Ray is not installed: serve-ray")


@needs_ray
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Ray's use of Pydantic
def test_the_manifest_of_the_docs_builds_an_application():
    (text,) = [block for block in re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.S) if "RayService" in block]
    manifest = yaml.safe_load(text)
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", "RayService")
    groups = [manifest["spec"]["rayClusterConfig"]["headGroupSpec"]]
    groups += manifest["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        assert {"RAY_SERVE_ENABLE_HA_PROXY", "RAY_SERVE_THROUGHPUT_OPTIMIZED"} <= {v["name"] for v in container["env"]}
    (config,) = yaml.safe_load(manifest["spec"]["serveConfigV2"])["applications"]
    module, name = config["import_path"].split(":")
    deployment = getattr(import_module(module), name)(config["args"])._bound_deployment
    folders, settings, *_ = deployment.init_args
    assert (folders, settings.max_rows) == (["/models/ask"], 256)
    assert deployment._deployment_config.autoscaling_config.max_replicas == 4


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"folders": ["m"], "max_row": 1}, "Unknown argument. Received: 'max_row'. Did you mean 'max_rows'?"),
        ({}, "Expected args with folders, a list of exported models. Received: none."),
        ({"folders": ["m"], "replicas": "x"}, "Expected --replicas such as 2"),
    ],
)
def test_mistakes(config, message):
    with pytest.raises(UserError, match=re.escape(message)):
        application(config)
