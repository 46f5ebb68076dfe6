"""Deployment files of an exported SavedModel: server configuration, containers, clients and warm-up requests.

deployment.py         `write_deployment`: the folder `serving` beside the versions of a model
example_requests.py   example requests: real records of the model's own data
warmup.py             warm-up requests inside a version folder
server_files.py       configuration of TensorFlow Serving
container_files.py    Dockerfile, Compose file and KServe InferenceService
client_files.py       clients in Python (REST, gRPC) and curl
"""
