"""Export: a TensorFlow SavedModel that takes raw strings and returns answers.

saved_model.py      `export`, which `Pipeline.export` calls
__main__.py         `python -m zoo.export`: the same in a subprocess, where the backend is not TensorFlow
graph_answers.py    from strings to answers, by the objective's `graph_input`
generator.py        greedy text generation
tokenizer/          the tokenizer in the graph
deployment/         warm-up requests, and the files that run a server beside the SavedModel
"""
