"""Clients of an exported model: Python over REST and over gRPC, and curl, for the model's own inputs."""

REST_CLIENT = '''\
"""Ask the model $name over REST, by the standard library of Python alone.

python client_rest.py                      the example
python client_rest.py $usage
URL=http://HOST:8501 python client_rest.py ...
"""

import json
import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("URL", "http://127.0.0.1:8501")
INPUTS = $inputs
EXAMPLE = $example


def predict(rows, timeout=30):
    """The answers to rows, a dict of INPUTS each: a list of one answer for each row."""
    body = json.dumps({"signature_name": "serving_default", "instances": rows}).encode()
    headers = {"Content-Type": "application/json"}
    if token := os.environ.get("TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(f"{URL}/v1/models/$name:predict", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            return json.load(response)["predictions"]
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{error.code}: {error.read().decode(errors='replace')}") from None
    except urllib.error.URLError as error:
        raise SystemExit(f"No answer from {URL}: {error.reason}") from None


if __name__ == "__main__":
    texts = sys.argv[1:]
    if len(texts) % len(INPUTS):
        raise SystemExit(f"Expected {' and '.join(INPUTS)} for each row. Received: {len(texts)} texts.")
    rows = [dict(zip(INPUTS, texts[i:])) for i in range(0, len(texts), len(INPUTS))] or [EXAMPLE]
    for answer in predict(rows):
        print(json.dumps(answer, ensure_ascii=False))
'''
GRPC_CLIENT = '''\
"""Ask the model $name over gRPC: pip install tensorflow-serving-api

python client_grpc.py                      the example
python client_grpc.py $usage
TARGET=HOST:8500 python client_grpc.py ...
"""

import os
import sys

import grpc
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

TARGET = os.environ.get("TARGET", "127.0.0.1:8500")
INPUTS = $inputs
EXAMPLE = $example


def predict(rows, timeout=30):
    """The answers to rows, a dict of INPUTS each: {output: array, whose first axis is the row}."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = "$name", "serving_default"
    for name in INPUTS:
        request.inputs[name].CopyFrom(tf.make_tensor_proto([row[name].encode() for row in rows]))
    with grpc.insecure_channel(TARGET) as channel:
        response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout)
    return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


if __name__ == "__main__":
    texts = sys.argv[1:]
    if len(texts) % len(INPUTS):
        raise SystemExit(f"Expected {' and '.join(INPUTS)} for each row. Received: {len(texts)} texts.")
    rows = [dict(zip(INPUTS, texts[i:])) for i in range(0, len(texts), len(INPUTS))] or [EXAMPLE]
    try:
        outputs = predict(rows)
    except grpc.RpcError as error:
        raise SystemExit(f"{error.code().name}: {error.details()}") from None
    for name, array in outputs.items():
        print(f"{name}: {array.tolist()}")
'''
CURL_CLIENT = """\
#!/bin/sh
# Ask the model $name over REST by curl: sh client.sh, or URL=http://HOST:8501 sh client.sh
curl --silent --show-error --fail-with-body --header "Content-Type: application/json" --data-binary @- \\
  "${URL:-http://127.0.0.1:8501}/v1/models/$name:predict" <<'JSON'
$body
JSON
echo
"""
CLIENT_FILES = {"client_rest.py": REST_CLIENT, "client_grpc.py": GRPC_CLIENT, "client.sh": CURL_CLIENT}
