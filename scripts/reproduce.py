"""Train presets on public data sets with several seeds and print the table of docs/results.md.

    python scripts/reproduce.py ../shared/data --backends jax torch tensorflow --seeds 0 1 2

The folder holds sst2 (train.tsv, dev.tsv, test.tsv), snips (train.jsonl, valid.jsonl, test.jsonl) and clinc150
(data_full.json). Every finished run is a line of `saved_models/reproduce.jsonl`, so an interrupted script continues.
"""

import argparse
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

DATA = {"sst2": "sst2", "snips": "snips", "clinc150": "clinc150/data_full.json"}
RESULTS = Path("saved_models/reproduce.jsonl")
PRESETS = Path(__file__).parent.parent / "zoo" / "presets"


def is_classifier(path):
    """Whether the preset in a file classifies the texts of one of `DATA` and trains from scratch."""
    text = path.read_text()
    return path.stem.rpartition("_")[2] in DATA and "ClassifyText(" in text and "--from" not in text


def run(preset, folder, backend, seed):
    """Train one preset in a process of its own; returns a dict with accuracy and seconds."""
    to, start = Path("saved_models") / f"reproduce_{backend}_{preset}", time.monotonic()
    data = folder / DATA[preset.rpartition("_")[2]]
    command = ["train", preset, "--data", data, "--to", to, "--restart", "--force", f"training.seed={seed}"]
    subprocess.run(
        [sys.executable, "-m", "zoo", *command],
        check=True,
        env=os.environ | {"KERAS_BACKEND": backend},
        stdout=subprocess.DEVNULL,
    )
    accuracy = json.loads((to / "scores.json").read_text())["test"]["accuracy"]
    shutil.rmtree(to)
    seconds = round(time.monotonic() - start)
    return {"preset": preset, "backend": backend, "seed": seed, "accuracy": accuracy, "seconds": seconds}


def table(rows, backends):
    """Print Markdown: a line per preset, with the mean, lowest and highest test accuracy in percent on each backend."""
    print(f"| preset | {' | '.join(backends)} | seconds a run |\n| --- |{' --- |' * (len(backends) + 1)}")
    for preset in dict.fromkeys(row["preset"] for row in rows):
        runs = [row for row in rows if row["preset"] == preset]
        cells = [spread([row["accuracy"] for row in runs if row["backend"] == backend]) for backend in backends]
        print(f"| {preset} | {' | '.join(cells)} | {statistics.median(row['seconds'] for row in runs):.0f} |")


def spread(values):
    """Mean, minimum and maximum in percent, and the number of values; "-" without values."""
    if not values:
        return "-"
    percents = [100 * value for value in values]
    return f"{statistics.mean(percents):.1f} ({min(percents):.1f}-{max(percents):.1f}, {len(percents)})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--backends", nargs="+", default=["jax", "torch", "tensorflow"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    known = [path.stem for path in sorted(PRESETS.glob("*_*.py")) if is_classifier(path)]
    parser.add_argument("--presets", nargs="+", choices=known, default=known)
    options = parser.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    known = {(row["preset"], row["backend"], row["seed"]) for row in rows}
    for seed, preset, backend in itertools.product(options.seeds, options.presets, options.backends):
        if (preset, backend, seed) not in known:
            rows.append(run(preset, options.folder, backend, seed))
            with RESULTS.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    table([row for row in rows if row["preset"] in options.presets], options.backends)


if __name__ == "__main__":
    main()
