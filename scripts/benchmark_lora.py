"""Benchmark a LoRA training step beside a step of all weights: python scripts/benchmark_lora.py FOLDER [--rank 8].

FOLDER is a checkpoint of Hugging Face transformers or of the zoo. Both take turns, on 32 rows of random ids.
"""

import argparse
import time
from functools import partial

import keras
import numpy as np

from zoo.adapters.training import LoRATraining
from zoo.checkpoints.warm_start import load_backbone, warm_start
from zoo.objectives import build_model, compile_model
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import LoRA, Training
from zoo.training.optimizer import build_optimizer

TARGETS = {"attention": "attention/", "all": "attention/|feed_forward/"}


def classifier(folder, lora=None):
    """A compiled classifier on the network of a folder: all weights trainable, or LoRA updates and the head."""
    objective = ClassifyText(labels=("a", "b"), pooling="mean")
    architecture, tokenizer, _ = load_backbone(folder)
    model, new = warm_start(partial(build_model, objective), objective, architecture, folder, tokenizer.vocabulary_size)
    if lora:
        model = LoRATraining(model, architecture, lora, new).model
    return compile_model(objective, model, build_optimizer(Training(), model, 1000))


def seconds(model, batch, steps):
    """Processor seconds per step."""
    start = time.process_time()
    for _ in range(steps):
        model.train_on_batch(*batch)
    return (time.process_time() - start) / steps


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    options = parser.parse_args()
    make = partial(classifier, options.folder)
    models = {"all weights": make()}
    models |= {f"LoRA, {name}": make(LoRA(rank=options.rank, targets=targets)) for name, targets in TARGETS.items()}
    random = np.random.default_rng(0)
    ids = random.integers(1000, 20_000, (32, options.tokens)).astype("int32")
    labels = np.eye(2, dtype="float32")[random.integers(0, 2, 32)]
    times = {name: [] for name in models}
    for i in range(options.rounds + 1):
        for name, model in models.items():
            batch = {key: np.zeros_like(ids) if key == "segments" else ids for key in model.input}, labels
            step_seconds = seconds(model, batch, options.steps)
            times[name] += [step_seconds] if i else []  # the first turn warms up
    full = np.median(times["all weights"])
    print(f"{keras.config.backend()}, 32 x {options.tokens} tokens, rank {options.rank}")
    for name, values in times.items():
        trainable = sum(int(np.prod(weight.shape)) for weight in models[name].trainable_weights)
        milliseconds, ratio = 1000 * np.median(values), np.median(values) / full
        print(f"{name:16} {milliseconds:7.0f} ms  {ratio:.2f}  {trainable:,} trainable weights")


if __name__ == "__main__":
    main()
