"""Export: a TensorFlow SavedModel that takes raw strings and returns answers.

saved_model.py      `export`, which `Pipeline.export` calls
__main__.py         `python -m zoo.export`: the same in a subprocess, where the backend is not TensorFlow
export_options.py   batching and beams
signatures.py       the functions of the graph by name
graph_answers.py    from strings to answers, by the objective's `graph_input`
generator.py        text generation with the zoo's own loop
graph/              batching, random numbers, and the signatures of a model that generates
tokenizer/          the tokenizer in the graph
deployment/         warm-up requests, and the files that run a server beside the SavedModel
formats/            the network alone for ONNX, OpenVINO and LiteRT
precision.py        weights in float16 and int8
"""
