"""Time a training step with LoRA beside one of all weights: python scripts/benchmark_lora.py FOLDER [--rank 8].

FOLDER is of Hugging Face transformers or of the zoo. Steps of both are taken in turns, on 32 rows of random ids.
"""

import argparse
import time
from functools import partial

import keras
import numpy as np

from zoo.adapters.training import LoRATraining
from zoo.checkpoints.warm_start import load_backbone, warm_start
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import LoRA, Training
from zoo.training.optimizer import optimizer

PATTERNS = {"attention": "attention/", "all": "attention/|feed_forward/"}


def compiled(folder, lora=None):
    """A compiled classifier upon a folder's network, all of which learns, or only updates and the head."""
    objective = ClassifyText(labels=("a", "b"), pooling="mean")
    architecture, tokenizer, _ = load_backbone(folder)
    model, fresh = warm_start(objective.model, objective, architecture, folder, tokenizer.vocabulary_size)
    if lora:
        model = LoRATraining(model, architecture, lora, fresh).model
    return objective.compile(model, optimizer(Training(), model, 1000))


def seconds(model, batch, steps):
    """Processor seconds of a step."""
    begun = time.process_time()
    for _ in range(steps):
        model.train_on_batch(*batch)
    return (time.process_time() - begun) / steps


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    given = parser.parse_args()
    make = partial(compiled, given.folder)
    models = {"all weights": make()}
    models |= {f"LoRA, {name}": make(LoRA(rank=given.rank, targets=one)) for name, one in PATTERNS.items()}
    draw = np.random.default_rng(0)
    ids = draw.integers(1000, 20_000, (32, given.tokens)).astype("int32")
    labels = np.eye(2, dtype="float32")[draw.integers(0, 2, 32)]
    times = {name: [] for name in models}
    for turn in range(given.rounds + 1):
        for name, model in models.items():
            batch = {key: np.zeros_like(ids) if key == "segments" else ids for key in model.input}, labels
            found = seconds(model, batch, given.steps)
            times[name] += [found] if turn else []  # the first warms up
    full = np.median(times["all weights"])
    print(f"{keras.config.backend()}, 32 x {given.tokens} tokens, rank {given.rank}")
    for name, found in times.items():
        learned = sum(int(np.prod(weight.shape)) for weight in models[name].trainable_weights)
        print(f"{name:16} {1000 * np.median(found):7.0f} ms  {np.median(found) / full:.2f}  {learned:,} weights learn")


if __name__ == "__main__":
    main()
