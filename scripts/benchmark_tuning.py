"""Benchmark a fine-tuning step beside transformers with PyTorch by hand: python scripts/benchmark_tuning.py FOLDER.

FOLDER is a BERT of Hugging Face transformers. All weights are trainable, with AdamW, clipping and dropout, on the same
rows of random ids, half of them padded, in turns within one process. KERAS_BACKEND=torch.
"""

import argparse
import statistics
import time
from functools import partial

import keras
import numpy as np
import torch
import transformers

from zoo.checkpoints.warm_start import load_backbone, warm_start
from zoo.objectives import build_model, compile_model
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Training
from zoo.training.optimizer import build_optimizer

SETTINGS = Training(learning_rate=1e-4, schedule="constant", warmup=0.0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--steps", type=int, default=4, help="in each turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    ids = random.integers(1000, 20_000, (options.rows, options.tokens)).astype("int32")
    ids[::2, -(options.tokens // 4) :] = 0  # every second row is shorter
    labels = random.integers(0, 2, options.rows)
    steps = {"zoo": zoo_step(options.folder, ids, labels), "by hand": torch_step(options.folder, ids, labels)}
    times = {name: [] for name in steps}
    for _ in range(options.rounds + 1):
        for name, step in steps.items():
            start = time.process_time()
            for _ in range(options.steps):
                step()
            times[name].append((time.process_time() - start) / options.steps)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}  # the first one warms up
    for name, seconds in medians.items():
        print(f"{name:8} {1000 * seconds:6.0f} ms of processor time  {seconds / medians['by hand']:.2f}")


def zoo_step(folder, ids, labels):
    """A step of the zoo's model, as its training compiles it."""
    objective = ClassifyText(labels=("a", "b"), pooling="mean")
    architecture, tokenizer, _ = load_backbone(folder)
    model, _ = warm_start(partial(build_model, objective), objective, architecture, folder, tokenizer.vocabulary_size)
    compile_model(objective, model, build_optimizer(SETTINGS, model, 1000))
    inputs = {name: ids if name == "tokens" else np.zeros_like(ids) for name in model.input}
    return lambda: model.train_on_batch(inputs, np.eye(2, dtype="float32")[labels])


def torch_step(folder, ids, labels):
    """A step in plain PyTorch with transformers: mean of the last features, dropout, a linear layer."""
    backbone = transformers.AutoModel.from_pretrained(folder, add_pooling_layer=False).train()
    head = torch.nn.Sequential(torch.nn.Dropout(0.1), torch.nn.Linear(backbone.config.hidden_size, 2))
    weights = [*backbone.parameters(), *head.parameters()]
    adamw = torch.optim.AdamW(weights, SETTINGS.learning_rate, weight_decay=SETTINGS.weight_decay, fused=True)
    tokens, target = torch.from_numpy(ids).long(), torch.from_numpy(labels)
    padding_mask = (tokens != 0).long()

    def step():
        x = backbone(input_ids=tokens, attention_mask=padding_mask).last_hidden_state * padding_mask[..., None]
        loss = torch.nn.functional.cross_entropy(head(x.sum(1) / padding_mask.sum(1, keepdim=True)), target)
        adamw.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, SETTINGS.clip_norm)
        adamw.step()
        return loss.item()

    return step


if __name__ == "__main__":
    assert keras.config.backend() == "torch", "PyTorch by hand is timed beside the torch backend: KERAS_BACKEND=torch"
    main()
