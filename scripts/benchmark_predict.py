"""Benchmark `Pipeline.predict` beside another checkout: python scripts/benchmark_predict.py train.tsv --beside FOLDER.

The file has the columns text and label. Each checkout trains a preset for one epoch on some of its rows, in a process
of its own. Then the two take turns to predict the same texts. Times are processor time of a pass.
"""

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", help="a .tsv file")
    parser.add_argument("--beside", default=str(ROOT), help="another checkout")
    parser.add_argument("--preset", default="text_cnn_sst2")
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--rows", type=int, default=3000, help="to train on")
    parser.add_argument("--rounds", type=int, default=5, help="passes of each")
    parser.add_argument("--worker", action="store_true", help="predict once for each line of standard input")
    options = parser.parse_args()
    if options.worker:
        return work(options)
    workers = {"here": worker(ROOT), "beside": worker(options.beside)}
    times = {name: [] for name in workers}
    for _ in range(options.rounds + 1):
        for name, process in workers.items():
            print(file=process.stdin, flush=True)
            times[name].append(float(process.stdout.readline()))
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}  # the first one warms up
    for name, seconds in medians.items():
        print(f"{name:8} {seconds:6.2f} s of processor time  {seconds / medians['beside']:.2f}")


def worker(checkout):
    """A process that predicts with the package of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    command = [sys.executable, __file__, *sys.argv[1:], "--worker"]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def work(options):
    """Train, then print the processor time of a pass for each line of standard input."""
    import zoo

    with open(options.data, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    texts = [row["text"] for row in rows] * (options.texts // len(rows) + 1)
    texts = texts[: options.texts]
    with tempfile.TemporaryDirectory() as folder:
        for split in ("train", "valid"):
            lines = ["text\tlabel", *(f"{row['text']}\t{row['label']}" for row in rows[: options.rows])]
            (Path(folder) / f"{split}.tsv").write_text("\n".join(lines), encoding="utf-8")
        overrides = ["training.epochs=1", "training.seed=1"]
        pipeline = zoo.train(options.preset, data=folder, to=f"{folder}/model", overrides=overrides)
        for _ in sys.stdin:
            begin = time.process_time()
            pipeline.predict(texts)
            print(time.process_time() - begin, flush=True)


if __name__ == "__main__":
    main()
