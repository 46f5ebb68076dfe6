"""Serving: one ASGI application over SavedModels, with the REST and gRPC APIs of TensorFlow Serving, OIP and OpenAI.

serving_error.py   `ServingError` and the canonical status codes, which each API maps to its own
signatures.py      the signatures of a SavedModel
loaded_model.py    one version of a model in memory
model_source.py    the folders that a server serves
version_files.py   whether a version folder is complete
version_policy.py  which versions are served, and their labels
registry.py        the models and versions of a server, their states
warm_up.py         the first requests of a version
version_watcher.py new versions are loaded and switched to, old ones are dropped
freed_memory.py    memory of dropped models
server_settings.py limits and options
request_limits.py  limits on rows and characters
request_record.py  what the log and the metrics say of a request
server_metrics.py  metrics for Prometheus
service.py         predictions: `Service`, the core that every API calls
tf_rest.py         TensorFlow Serving's REST: predict; its JSON is in tf_json/
tf_paths.py        its paths
tf_status.py       its status and metadata of a model
tf_classify.py     its classify and regress
model_loading.py   a `Service` from folders
app.py             the ASGI application
page/              the page at `/`
ray_serve.py       `zoo serve --ray`: the cluster from start to end; ray_environment.py its variables, ray_options.py
ray_application.py its deployment, of replicas: ray_replica.py, with joined_writes.py and ray_grpc.py
ray_predict.py     `zoo predict --ray`; file_parts.py, part_predictor.py and row_answers.py run in its actors
ray_cluster.py     a cluster that is running, or one on this machine
"""
