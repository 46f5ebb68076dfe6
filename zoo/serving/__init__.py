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
model_loading.py   a `Service` from folders
request_observer.py, error_boundary.py, bearer_token.py, request_body.py   middleware of the application
error_answers.py   errors as JSON
operations.py      routes for health, metrics and the OpenAPI description, which openapi.py writes
app.py             the ASGI application
http_server.py     uvicorn around it: signals, drain, gRPC beside it
server_address.py  host, ports, TLS
server.py          `zoo.serve`, and a server in a thread
start_up_lines.py  what a server prints when it is ready
tensorflow_import.py   TensorFlow without Keras and JAX
tf_rest.py         TensorFlow Serving's REST: predict; its JSON is in tf_json/
tf_paths.py        its paths
tf_status.py       its status and metadata of a model
tf_classify.py     its classify and regress
open_inference/    the Open Inference Protocol over HTTP
grpc/              TensorFlow Serving's gRPC API and the Open Inference Protocol
openai/            the OpenAI-compatible API
page/              the page at `/`
ray_serve.py       `zoo serve --ray`: the cluster from start to end; ray_environment.py its variables, ray_options.py
ray_application.py its deployment, of replicas: ray_replica.py, with joined_writes.py and ray_grpc.py
ray_predict.py     `zoo predict --ray`; file_parts.py, part_predictor.py and row_answers.py run in its actors
ray_cluster.py     a cluster that is running, or one on this machine
"""
