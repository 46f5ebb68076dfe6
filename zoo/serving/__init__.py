"""Serving: one ASGI application over SavedModels, with the REST and gRPC APIs of TensorFlow Serving, OIP and OpenAI.

service.py           predictions: `Service`, the core that every API calls
serving_error.py     `ServingError` and the canonical status codes, which each API maps to its own
server_settings.py   limits and options
request_limits.py    limits on rows and characters
request_record.py    what the log and the metrics say of a request
server_metrics.py    metrics for Prometheus
batch_metrics.py     the sizes of batches among them
versions/            models and their versions: found, loaded, warmed up, switched to, dropped
http/                the application, its middleware, and the server around it
tensorflow_serving/  TensorFlow Serving's REST API
grpc/                its gRPC API, and the Open Inference Protocol over gRPC
open_inference/      the Open Inference Protocol over HTTP
openai/              the OpenAI-compatible API
page/                the page at `/`
ray/                 replicas on Ray Serve, and batch inference on Ray Data
"""
