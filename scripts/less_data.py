"""Learning curves with few labels: the intents of snips from 10 to 1000 labelled examples, by four ways of training.

    python scripts/less_data.py ../shared/data/snips FOLDER --picture less_data.png

FOLDER holds a published encoder, such as MiniLM. Every way of training takes the same number of steps for any number
of examples, and the last weights are scored on the test split: no other label is used. Every finished run is a line of
`saved_models/less_data.jsonl`, so an interrupted script continues.
"""

import argparse
import itertools
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WAYS = {  # name: preset and its settings
    "from scratch": ("mlp_snips", "training.max_steps=200", "training.batch_size=20"),
    "frozen": ("bert_snips", "training.max_steps=400", "training.learning_rate=1e-2", "tuning.freeze=backbone"),
    "LoRA": ("bert_snips", "training.max_steps=120", "training.learning_rate=2e-3", "lora.rank=8"),
    "full": ("bert_snips", "training.max_steps=120", "training.learning_rate=2e-4"),
}
RESULTS = Path("saved_models/less_data.jsonl")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with train.jsonl and test.jsonl")
    parser.add_argument("weights", help="folder with a published encoder")
    parser.add_argument("--sizes", nargs="+", type=int, default=[10, 30, 100, 300, 1000])
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--picture", type=Path, help="PNG file of the curves")
    options = parser.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    known = {(row["seed"], row["size"], row["way"]) for row in rows}
    for key in itertools.product(options.seeds, options.sizes, options.ways):
        if key not in known:
            rows.append(run(options, *key))
            with RESULTS.open("a") as file:
                file.write(json.dumps(rows[-1]) + "\n")
    rows = [row for row in rows if row["way"] in options.ways and row["size"] in options.sizes]
    table(rows, options)
    if options.picture:
        plot(rows, options)


def run(options, seed, size, way):
    """Train on `size` examples in a process of its own; returns a dict with accuracy and seconds."""
    preset, *settings = WAYS[way]
    start = [] if way == "from scratch" else ["--from", options.weights]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write_subset(options.data, size, seed, folder / "data")
        settings += [f"training.validate_every={10**6}", f"training.seed={seed}"]
        command = ["train", preset, *start, "--data", folder / "data", "--to", folder / "model", *settings]
        subprocess.run([sys.executable, "-m", "zoo", *command], check=True, stdout=subprocess.DEVNULL)
        accuracy = json.loads((folder / "model" / "scores.json").read_text())["test"]["accuracy"]
        last = (folder / "model" / "history.csv").read_text().splitlines()
        seconds = float(dict(zip(last[0].split(","), last[-1].split(","), strict=True))["seconds"])
    return {"way": way, "size": size, "seed": seed, "accuracy": accuracy, "seconds": seconds}


def write_subset(data, size, seed, folder):
    """Write `folder` with `size` training examples, balanced over the intents, and the full test split."""
    folder.mkdir()
    lines = (data / "train.jsonl").read_text().splitlines()
    random.Random(seed).shuffle(lines)
    by_intent = {}  # intent -> its lines
    for line in lines:
        by_intent.setdefault(json.loads(line)["intent"], []).append(line)
    balanced = (line for lines in itertools.zip_longest(*by_intent.values()) for line in lines if line)
    text = "\n".join(itertools.islice(balanced, size)) + "\n"
    for split in ("train", "valid"):  # a run needs a validation split: the training examples again
        (folder / f"{split}.jsonl").write_text(text)
    shutil.copy(data / "test.jsonl", folder)


def table(rows, options):
    """Markdown: test accuracy in percent, and the median seconds of training."""
    print(f"| examples | {' | '.join(options.ways)} |\n| --- |{' --- |' * len(options.ways)}")
    for size in options.sizes:
        print(f"| {size} | {' | '.join(cell(rows, size, way) for way in options.ways)} |")


def cell(rows, size, way):
    """Mean accuracy in percent and median seconds of the runs of one size and way."""
    selected = [row for row in rows if (row["size"], row["way"]) == (size, way)]
    accuracy = 100 * statistics.mean(row["accuracy"] for row in selected)
    return f"{accuracy:.1f} ({statistics.median(row['seconds'] for row in selected):.0f} s)"


def plot(rows, options):
    """Write the curves as a PNG, with the number of examples on a logarithmic axis."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for way in options.ways:
        accuracies = [
            statistics.mean(100 * row["accuracy"] for row in rows if (row["size"], row["way"]) == (size, way))
            for size in options.sizes
        ]
        axes.plot(options.sizes, accuracies, marker="o", label=way)
    axes.set(xscale="log", xlabel="labelled examples", ylabel="test accuracy, percent", title="snips, intents")
    axes.set_xticks(options.sizes, options.sizes)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(options.picture, dpi=120)


if __name__ == "__main__":
    main()
