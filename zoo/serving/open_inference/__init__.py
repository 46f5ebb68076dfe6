"""Open Inference Protocol, version 2, of KServe, Triton and MLServer.

datatypes.py       the names of data types
json_tensors.py    tensors in JSON
binary_tensors.py  tensors as bytes
inference.py       an inference of either transport: `infer`
inference_json.py  the JSON of an inference, with the binary tensor data extension
model_metadata.py  metadata of the server and of models
open_inference_routes.py  the routes of the REST API
"""
