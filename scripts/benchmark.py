"""Benchmark training steps, text generation and serving: python scripts/benchmark.py train|generate|serve.

Models take turns within one process, a few steps at a time, since other work on the machine slows all of them; the
ratio tells more than the milliseconds. Every backend (`--backend all`) runs in a process of its own.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time

from zoo.objectives import build_model, compile_model

BACKENDS = ("jax", "torch", "tensorflow")
MODELS = ("text_cnn", "bilstm", "bigru", "transformer_encoder")
WORKS = ("minilm", "lstm", "gpt2", "transformer")
SERVERS = ("zoo", "unbatched", "transformers", "keras_hub")
VOCABULARY, WIDTH, CLASSES, BATCH, STEPS = 10_000, 128, 6, 32, 5
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}
BACKBONES = {  # name: architecture and its fields
    "text_cnn": ("text_cnn", {"width": WIDTH}),
    "bilstm": ("lstm", {"width": WIDTH, "bidirectional": True}),
    "bigru": ("gru", {"width": WIDTH, "bidirectional": True}),
    "transformer_encoder": ("transformer_encoder", {"width": WIDTH, "positions": "learned"}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sections = parser.add_subparsers(required=True)
    train = sections.add_parser("train", help="a training step, end to end through `fit`")
    train.set_defaults(run=train_steps)
    train.add_argument("--models", nargs="+", choices=MODELS, default=MODELS)
    train.add_argument("--length", type=int, default=200, help="tokens of the longest text; the shortest has a third")
    train.add_argument("--rounds", type=int, default=9, help=f"turns of each model, of {STEPS} steps")
    tokens = sections.add_parser("generate", help="text generation, token by token")
    tokens.set_defaults(run=generate)
    tokens.add_argument("--network", choices=("gpt2", "lstm", "transformer"), default="gpt2")
    tokens.add_argument("--rows", type=int, nargs="+", default=[1, 8, 32], help="batch sizes")
    tokens.add_argument("--prompt", type=int, default=32, help="tokens of a prompt, or of a transformer's source")
    tokens.add_argument("--max-new-tokens", type=int, default=128)
    tokens.add_argument("--beams", type=int, default=5, help="of the transformer")
    libraries = ["zoo", "keras_hub", "transformers", "torch"]
    tokens.add_argument(
        "--contenders", nargs="+", choices=libraries, default=libraries, help="one alone, to measure its memory"
    )
    tokens.add_argument("--rounds", type=int, default=3, help="turns of each, after the first call")
    server = sections.add_parser("serve", help="a server under load")
    server.set_defaults(run=serve)
    server.add_argument("--works", nargs="+", choices=WORKS, default=WORKS)
    server.add_argument("--contenders", nargs="+", choices=SERVERS, default=SERVERS)
    server.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    server.add_argument("--seconds", type=float, default=10, help="of load for each number of clients")
    server.add_argument("--max-new-tokens", type=int, default=64)
    for section in (train, tokens, server):
        section.add_argument("--backend", choices=(*BACKENDS, "all"), default=os.environ.get("KERAS_BACKEND", "jax"))
        section.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)), help="cores of the processor")
        section.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: processor time")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-options.cores :])  # the number of threads follows from it
    if os.environ.get("ZOO_BENCHMARK") == options.backend:
        return options.run(options)
    for backend in BACKENDS if options.backend == "all" else (options.backend,):
        environment = os.environ | {"KERAS_BACKEND": backend, "ZOO_BENCHMARK": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
        command = [sys.executable, __file__, *sys.argv[1:], "--backend", backend]
        if subprocess.run(command, env=environment).returncode:
            sys.exit(f"The {backend} backend failed: see its output above.")


def generate(options):
    """Print the tokens per second of each contender: see `benchmark_generation`."""
    from benchmark_generation import generate

    generate(options, CLOCKS[options.clock])


def serve(options):
    """Print throughput, latency and processor time of servers under load: see `benchmark_serve`."""
    from benchmark_serve import serve

    serve(options)


def train_steps(options):
    """Print the milliseconds of a training step of each model: zoo, layers of Keras, PyTorch by hand."""
    import keras

    framework = sys.modules[keras.config.backend()]
    print(f"\n{framework.__name__} {framework.__version__}, keras {keras.__version__}, cores used: {options.cores}")
    print(
        f"AdamW, {BATCH} texts of {options.length // 3} to {options.length} tokens, {options.clock} milliseconds a step"
    )
    print(f"{'':20} {'zoo':>9} {'keras':>9} {'ratio':>6} {'torch by hand':>14} {'ratio':>6}")
    batches = random_batches(options.length)
    for name in options.models:
        times = take_turns(contenders(name, batches), options.rounds, CLOCKS[options.clock])
        zoo, keras_layers = times.pop("zoo"), times.pop("keras")
        by_hand = " ".join(f"{value:14.1f} {zoo / value:6.2f}  {variant}" for variant, value in times.items())
        print(f"{name:20} {zoo:9.1f} {keras_layers:9.1f} {zoo / keras_layers:6.2f} {by_hand}", flush=True)


def take_turns(runs, rounds, clock):
    """{name: median milliseconds per step} of {name: function that runs `STEPS` steps}; the first two turns warm up."""
    times = {name: [] for name in runs}
    for _ in range(rounds + 2):
        for name, run in runs.items():
            begin = clock()
            run()
            times[name].append((clock() - begin) * 1000 / STEPS)
    return {name: statistics.median(values[2:]) for name, values in times.items()}


def random_batches(length, count=8):
    """Batches of right-padded ids, (BATCH, length), with one-hot labels; the longest row has `length` ids."""
    import numpy as np

    random, batches = np.random.default_rng(0), []
    for _ in range(count):
        lengths = random.integers(length // 3, length + 1, BATCH)
        lengths[0] = length
        ids = random.integers(1, VOCABULARY, (BATCH, length)) * (np.arange(length) < lengths[:, None])
        labels = np.eye(CLASSES, dtype="float32")[random.integers(0, CLASSES, BATCH)]
        batches.append(({"tokens": ids.astype("int32")}, labels, np.ones(BATCH, "float32")))
    return batches


def contenders(name, batches):
    """{library: function that runs `STEPS` training steps} of a model."""
    import keras
    from benchmark_peers import keras_model, torch_model

    runs = {
        "zoo": fit_steps(zoo_model(name), batches),
        "keras": fit_steps(keras_model(name, VOCABULARY, WIDTH, CLASSES), batches),
    }
    if keras.config.backend() == "torch":
        packings = {"packed": True, "padding read": False} if name.startswith("bi") else {"": False}
        runs |= {
            variant: loop_steps(torch_model(name, VOCABULARY, WIDTH, CLASSES, packed), batches)
            for variant, packed in packings.items()
        }
    return runs


def fit_steps(model, batches):
    """A function that runs `STEPS` steps of `fit`, with the input that the zoo's training gives it."""
    from zoo import backend

    stream = itertools.cycle(batches)

    def next_batches():
        yield from itertools.islice(stream, STEPS)

    return lambda: model.fit(
        backend.fit_input(next_batches, batches[0]), steps_per_epoch=STEPS, shuffle=False, verbose=0
    )


def zoo_model(name):
    """The compiled classifier of the zoo with the sizes of `BACKBONES`."""
    from zoo import backend, catalog
    from zoo.objectives.classify_text import ClassifyText

    architecture, fields = BACKBONES[name]
    architecture = catalog.load("architectures", architecture)(vocabulary=VOCABULARY, **fields)
    objective = ClassifyText(labels=tuple("abcdef"))
    return compile_model(objective, build_model(objective, architecture), backend.AdamW())


def loop_steps(model, batches):
    """A function that runs `STEPS` steps of a plain PyTorch loop, with the loss and accuracy that `fit` reports."""
    import torch

    optimizer, stream = torch.optim.AdamW(model.parameters()), itertools.cycle(batches)

    def run():
        loss_sum = correct = 0
        for inputs, labels, _ in itertools.islice(stream, STEPS):
            tokens, labels = torch.from_numpy(inputs["tokens"]).long(), torch.from_numpy(labels)
            optimizer.zero_grad()
            logits = model(tokens)
            loss = torch.nn.functional.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
            correct += (logits.argmax(1) == labels.argmax(1)).sum().item()

    return run


if __name__ == "__main__":
    main()
