"""Formats of other runtimes for the network of a model: ids in, numbers out, beside the tokenizer.

network_export.py     `export_network`, which `Pipeline.export` calls: trace, convert, compare, publish
graph_network.py      the network as a TensorFlow function
output_comparison.py  the outputs of a written file beside those of the model
onnx_file.py          ONNX, by tf2onnx
onnx_precision.py     weights of an ONNX file in float16 and int8
openvino_file.py      OpenVINO
litert_file.py        LiteRT (TensorFlow Lite)
"""
