"""Benchmark gradient checkpointing: python scripts/benchmark_remat.py.

Peak memory of training steps of a GPT-2, beyond that of the built model, and the time of a step, with `training.remat`
and without, each in a process of its own. XLA orders a CPU's program for parallel work, whatever memory that takes; for
JAX set XLA_FLAGS=--xla_cpu_enable_concurrency_optimized_scheduler=false.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time

import keras
import numpy as np

from zoo.architectures.gpt2 import GPT2
from zoo.objectives import build_model, compile_model
from zoo.objectives.next_token import NextToken
from zoo.transforms.remat import remat_blocks

VOCABULARY = 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depth", type=int, default=12)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--rows", type=int, default=16)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--remat", type=int, choices=(0, 1), help="one of the two alone, in this process")
    options = parser.parse_args()
    if options.remat is not None:
        measure(options)
        return
    for remat in "01":
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--remat", remat], check=True)


def measure(options):
    sizes = {"width": options.width, "hidden": 4 * options.width, "heads": options.width // 64}
    architecture = GPT2(vocabulary=VOCABULARY, depth=options.depth, length=options.length, **sizes)
    objective = NextToken(length=options.length)
    model = build_model(objective, architecture)
    model = remat_blocks(model, architecture.blocks) if options.remat else model
    compile_model(objective, model, "adamw")
    tokens = np.random.default_rng(0).integers(1, VOCABULARY, (options.rows, options.length), "int32")
    before, times = peak(), []
    for _ in range(options.steps):
        start = time.perf_counter()
        model.train_on_batch({"tokens": tokens}, tokens)
        times.append(time.perf_counter() - start)
    label = "with remat" if options.remat else "without"
    print(
        f"{keras.config.backend()} {label:10}: {(peak() - before) / 2**20:.2f} GB beyond the model, "
        f"{statistics.median(times[1:]):.2f} s a step",
        flush=True,
    )


def peak():
    """The largest memory of this process so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
