"""The works that scripts/benchmark_gpu.py measures, of the zoo and, with PyTorch, by hand.

A function of a work yields cases: {"runs": {contender: function}, "unit", "count": steps or tokens of a run, "flops":
operations of a step, forward and backward, "suffix": of the title}.
"""

import importlib.util
import time

import keras
import numpy as np
from benchmark_language import fit_steps

from zoo import backend, catalog
from zoo.objectives import build_model, compile_model

MANY = 10_000  # batches of a long run, in which compiling pays


def device(peaks):
    """(name of the device, its peak FLOP/s): from `peaks`, or measured by a product of matrices."""
    if keras.config.backend() == "torch":
        import torch

        name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    else:
        import jax

        name = jax.devices()[0].device_kind
    known = [peak for part, peak in peaks.items() if part in name]
    return name, known[0] if known else matmul_speed()


def matmul_speed(size=1024):
    """Measured FLOP/s of float32 products, for a device whose peak is not known."""
    x, seconds = keras.ops.ones((size, size)), []
    for _ in range(5):
        begin = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.matmul(x, x))
        seconds.append(time.perf_counter() - begin)
    return 2 * size**3 / min(seconds)


def step_flops(parameters, depth, width, rows, length):
    """Operations of a step: 6 for each weight and token, 12 * depth * width * length for a token's attention.

    Chowdhery et al. 2022, appendix B. Embedding vectors that are only looked up do not count.
    """
    return rows * length * (6 * parameters + 12 * depth * width * length)


def language_model(sizes, dropout):
    """A training step of GPT-2, beside the same network in PyTorch by hand, compiled."""
    from zoo.objectives.next_token import NextToken

    size, steps = dict(sizes["gpt2"]), sizes["steps"]
    rows, length = size.pop("rows"), size.pop("time")
    ids = np.random.default_rng(0).integers(1, size["vocabulary"], (rows, length + 1)).astype("int32")
    batch = ({"tokens": ids[:, :-1]}, ids[:, 1:], np.ones((rows, length), "float32"))
    model = zoo_model(NextToken(length=length), "gpt2", size | {"dropout": dropout})
    looked_up = size["length"] * size["width"]  # positions; the word vectors are also the last layer
    flops = step_flops(model.count_params() - looked_up, size["depth"], size["width"], rows, length)
    runs = {"zoo": fit_steps(model, [batch], steps)}
    if keras.config.backend() == "torch":
        from benchmark_gpu_peers import gpt2_steps

        runs["compiled by hand"] = gpt2_steps(size, dropout, batch, steps)
    yield {"runs": runs, "unit": "ms", "count": steps, "flops": flops, "suffix": ""}


def classifier(sizes):
    """A fine-tuning step of BERT, beside transformers without compilation."""
    from zoo.objectives.classify_text import ClassifyText

    size, steps = dict(sizes["bert"]), sizes["steps"]
    rows, length = size.pop("rows"), size.pop("time")
    random = np.random.default_rng(0)
    lengths = random.integers(length // 2, length + 1, rows)
    ids = random.integers(1, size["vocabulary"], (rows, length)) * (np.arange(length) < lengths[:, None])
    labels = np.eye(2, dtype="float32")[random.integers(0, 2, rows)]
    inputs = {"tokens": ids.astype("int32"), "segments": np.zeros((rows, length), "int32")}
    batch = (inputs, labels, np.ones(rows, "float32"))
    model = zoo_model(ClassifyText(labels=("a", "b")), "bert", size | {"dropout": 0.1})
    looked_up = (size["vocabulary"] + size["length"] + 2) * size["width"]
    flops = step_flops(model.count_params() - looked_up, size["depth"], size["width"], rows, length)
    runs = {"zoo": fit_steps(model, [batch], steps)}
    if keras.config.backend() == "torch" and importlib.util.find_spec("transformers"):
        from benchmark_gpu_peers import bert_steps

        runs["transformers"] = bert_steps(size, batch, steps)
    yield {"runs": runs, "unit": "ms", "count": steps, "flops": flops, "suffix": ""}


def recurrent(sizes):
    """A training step of a classifier of bidirectional LSTM layers, beside `torch.nn.LSTM`."""
    from zoo.objectives.classify_text import ClassifyText

    size, steps = dict(sizes["bilstm"]), sizes["steps"]
    rows, length = size.pop("rows"), size.pop("time")
    random = np.random.default_rng(0)
    ids = random.integers(1, size["vocabulary"], (rows, length)).astype("int32")
    labels = np.eye(2, dtype="float32")[random.integers(0, 2, rows)]
    batch = ({"tokens": ids}, labels, np.ones(rows, "float32"))
    dropouts = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}
    known = catalog.load("architectures", "lstm").__dataclass_fields__
    fields = size | {name: rate for name, rate in dropouts.items() if name in known}
    model = zoo_model(ClassifyText(labels=("a", "b"), dropout=0.0), "lstm", fields | {"bidirectional": True})
    runs = {"zoo": fit_steps(model, [batch], steps)}
    if keras.config.backend() == "torch":
        from benchmark_gpu_peers import lstm_steps

        runs["torch.nn"] = lstm_steps(size, batch, steps)
    yield {"runs": runs, "unit": "ms", "count": steps, "flops": 0, "suffix": ""}


def generation(sizes, weights):
    """Greedy decoding by GPT-2, beside transformers in float32."""
    from benchmark_generation import SIZES, by_transformers, by_zoo

    from zoo.layers.quantization import quantize_weights

    size = dict(sizes["generate"])
    all_rows, prompt, new = size.pop("rows"), size.pop("prompt"), size.pop("new")
    SIZES["gpt2"] = size
    model, generate = by_zoo("gpt2", new)
    if weights != "float32":
        quantize_weights(model, weights)
    runs = {"zoo": generate}
    if weights == "float32" and keras.config.backend() == "torch" and importlib.util.find_spec("transformers"):
        runs["transformers"] = by_transformers(new)
    for rows in all_rows:
        prompts = np.random.default_rng(0).integers(1, size["vocabulary"] - 1, (rows, prompt)).astype("int32")
        calls = {name: lambda run=run, prompts=prompts: run(prompts) for name, run in runs.items()}
        yield {"runs": calls, "unit": "tokens/s", "count": rows * new, "flops": 0, "suffix": f", {rows} rows"}


def zoo_model(objective, name, fields):
    """The compiled network with the zoo's AdamW, in bfloat16 on a GPU."""
    from zoo.presets import Training
    from zoo.training.environment import dtype_policy
    from zoo.training.optimizer import build_optimizer

    with dtype_policy("mixed_bfloat16" if backend.has_accelerator() else "float32"):
        model = build_model(objective, catalog.load("architectures", name)(**fields))
    compile_model(objective, model, build_optimizer(Training(learning_rate=1e-4), model, MANY))
    backend.set_train_function(model, MANY)
    return model
