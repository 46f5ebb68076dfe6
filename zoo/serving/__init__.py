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
app.py             the ASGI application
"""
