"""Configuration files of TensorFlow Serving: models, batching and monitoring."""

MODELS = """\
# The model of TensorFlow Serving: --model_config_file (a ModelServerConfig). The server reads it again after
# --model_config_file_poll_wait_seconds, and looks for new version folders by itself.
model_config_list {
  config {
    name: "$name"
    base_path: "/models/$name"
    model_platform: "tensorflow"
    # Without a policy the newest version is served: it is loaded before the old one is dropped.
    # Two versions side by side, each at /v1/models/$name/versions/N, or by a label at .../labels/stable:
    # model_version_policy { specific { versions: 1 versions: 2 } }
    # version_labels { key: "stable" value: 1 }
    # version_labels { key: "canary" value: 2 }
    # A label of a version that is not loaded yet needs --allow_version_labels_for_unavailable_models.
    # All versions: model_version_policy { all {} }
  }
}
"""
BATCHING = """\
# Batching of TensorFlow Serving: --batching_parameters_file (BatchingParameters), read with --enable_batching alone.
# Off here: the SavedModel batches concurrent requests inside its graph (zoo export --batching), and a second queue
# before it adds nothing but waiting. With an export whose own batching is off, add to the server's arguments:
#   --enable_batching --batching_parameters_file=/config/batching_parameters.txt
max_batch_size { value: 64 }
batch_timeout_micros { value: 0 }
max_enqueued_batches { value: 64 }
num_batch_threads { value: 2 }
"""
MONITORING = """\
# Metrics of TensorFlow Serving for Prometheus: --monitoring_config_file (a MonitoringConfig), on the REST port.
prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""
SERVER_FILES = {"models.config": MODELS, "batching_parameters.txt": BATCHING, "monitoring.config": MONITORING}
