"""Benchmark training steps and text generation on a GPU beside PyTorch by hand: python scripts/benchmark_gpu.py

Measures the table of docs/speed.md on PyTorch and JAX, each in a process of its own, and prints it with the MFU: the
share of the device's peak FLOP/s that the operations of the network take (Chowdhery et al. 2022, arXiv:2204.02311,
appendix B). With --small the networks are tiny, so that it runs on a CPU too. Contenders take turns in one process.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

BACKENDS = ("torch", "jax")
BY_HAND = "by hand"
GPT2 = {"vocabulary": 50_257, "length": 1024, "width": 768, "heads": 12, "hidden": 3072, "depth": 12}
BERT = {"vocabulary": 30_522, "length": 512, "width": 768, "heads": 12, "hidden": 3072, "depth": 12}
FULL = {
    "gpt2": GPT2 | {"rows": 16, "time": 1024},
    "bert": BERT | {"rows": 32, "time": 128},
    "bilstm": {"vocabulary": 30_000, "width": 512, "units": 512, "depth": 2, "rows": 64, "time": 256},
    "generate": GPT2 | {"rows": (1, 8, 32, 128), "prompt": 32, "new": 128},
    "turns": 3,
    "steps": 20,
}
TINY = {"vocabulary": 1001, "length": 64, "width": 64, "heads": 4, "hidden": 128, "depth": 2}
SMALL = {
    "gpt2": TINY | {"rows": 4, "time": 64},
    "bert": TINY | {"rows": 4, "time": 32},
    "bilstm": {"vocabulary": 1000, "width": 32, "units": 32, "depth": 2, "rows": 4, "time": 32},
    "generate": TINY | {"rows": (1, 8), "prompt": 8, "new": 16},
    "turns": 3,
    "steps": 4,
}
PEAKS = {  # dense bfloat16 FLOP/s of a device, by a part of its name: from the makers' data sheets
    **dict.fromkeys(("H100", "H200", "GH200"), 989e12),
    **{"B200": 2250e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "A10G": 70e12, "RTX 4090": 165e12},
}
WORKS = {  # title of a row of the table: (module's function, its arguments)
    "GPT-2 step": ("language_model", {"dropout": 0.0}),
    "GPT-2 step, dropout 0.1": ("language_model", {"dropout": 0.1}),
    "BERT step, dropout 0.1": ("classifier", {}),
    "two BiLSTM layers": ("recurrent", {}),
    "GPT-2 greedy": ("generation", {"weights": "float32"}),
    "GPT-2 greedy, bfloat16 weights": ("generation", {"weights": "bfloat16"}),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", action="store_true", help="tiny networks, for a CPU")
    parser.add_argument("--backends", nargs="+", choices=BACKENDS, default=BACKENDS)
    parser.add_argument("--works", nargs="+", choices=WORKS, default=list(WORKS), metavar="WORK", help=", ".join(WORKS))
    options = parser.parse_args()
    if os.environ.get("ZOO_BENCHMARK"):
        return measure(options)
    rows, started = {}, time.monotonic()
    for backend in options.backends:
        for record in child_records(backend):
            row = rows.setdefault(record["work"], {"unit": record["unit"], "flops": record["flops"]})
            row[BY_HAND if record["by hand"] else backend] = record["value"]
            rows["peak"] = record["peak"]
    print_table(rows, options.backends)
    print(f"Took {time.monotonic() - started:.0f} s.")


def child_records(backend):
    """Yield the measurements of a backend's process, as they come."""
    environment = os.environ | {"KERAS_BACKEND": backend, "ZOO_BENCHMARK": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment |= {"XLA_PYTHON_CLIENT_PREALLOCATE": "false", "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, __file__, *sys.argv[1:]]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if line.startswith("{"):
                yield json.loads(line)
            else:
                print(line, end="", flush=True)
    if process.returncode:
        print(f"The {backend} backend failed: see its output above.", flush=True)


def measure(options):
    """Measure all works on the backend of this process; print a line of JSON for each figure, and one to read."""
    import benchmark_gpu_works as works
    import keras

    size = SMALL if options.small else FULL
    name, peak = works.device(PEAKS)
    framework = sys.modules[keras.config.backend()]
    print(f"{framework.__name__} {framework.__version__}, keras {keras.__version__}")
    print(f"{name}, peak {peak / 1e12:.1f} TFLOP/s")
    for title in options.works:
        function, arguments = WORKS[title]
        for case in getattr(works, function)(size, **arguments):
            work = title + case["suffix"]
            for contender, value in take_turns(case, size["turns"]).items():
                record = {"work": work, "unit": case["unit"], "flops": case["flops"], "value": value, "peak": peak}
                print(json.dumps(record | {"by hand": contender != "zoo"}), flush=True)
                print(f"{framework.__name__:6} {work:40} {contender:24} {value:12.1f} {case['unit']}", flush=True)


def take_turns(case, turns):
    """{contender: milliseconds per step, or tokens per second}: medians; the first turn compiles and is left out."""
    times = {name: [] for name in case["runs"]}
    for number in range(turns + 1):
        for name, run in case["runs"].items():
            begin = time.perf_counter()
            run()
            seconds = time.perf_counter() - begin
            if number == 0:
                print(f"  first turn of {name}: {seconds:.1f} s", flush=True)
            times[name].append(seconds)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    if case["unit"] == "ms":
        return {name: 1000 * seconds / case["count"] for name, seconds in medians.items()}
    return {name: case["count"] / seconds for name, seconds in medians.items()}


def print_table(rows, backends):
    """Print the works: by hand, and each backend with its ratio to that; MFU where the operations are counted."""
    peak = rows.pop("peak", 0)
    print(f"\n{'work':42} {BY_HAND:>12}" + "".join(f" {backend:>12} {'ratio':>6} {'MFU':>6}" for backend in backends))
    for title, row in rows.items():
        reference = row.get(BY_HAND)
        line = f"{title + ', ' + row['unit']:42} {figure(reference):>12}"
        for backend in backends:
            value = row.get(backend)
            ratio = f"{value / reference:.2f}" if value and reference else "-"
            mfu = f"{row['flops'] / (value / 1000) / peak:.1%}" if value and row["flops"] else "-"
            line += f" {figure(value):>12} {ratio:>6} {mfu:>6}"
        print(line)
    print("ms: of a step, less is better. tokens/s: more is better. Ratio: to the figure by hand. -: not measured.")


def figure(value):
    return "-" if value is None else f"{value:.1f}"


if __name__ == "__main__":
    main()
