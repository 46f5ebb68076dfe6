"""Benchmark language models: a training step beside PyTorch by hand, sequence packing beside padding.

python scripts/benchmark_language.py step [--setting small] on the backend in KERAS_BACKEND; PyTorch by hand with torch.
python scripts/benchmark_language.py packing --data FOLDER.{de,en}: target tokens per second of a translation model.
"""

import argparse
import itertools
import os
import statistics
import time
from dataclasses import replace

from zoo.objectives import build_model, compile_model

SETTINGS = {  # nanoGPT's, https://github.com/karpathy/nanoGPT: for a CPU, and for a GPU
    "small": {"depth": 4, "heads": 4, "width": 128, "length": 64, "rows": 12},
    "large": {"depth": 6, "heads": 6, "width": 384, "length": 256, "rows": 16},
}
VOCABULARY = 65
CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("step", "packing"))
    parser.add_argument("--setting", choices=SETTINGS, default="small")
    parser.add_argument("--data", help="parallel text, for packing")
    parser.add_argument("--steps", type=int, default=20, help="in each turn")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each")
    parser.add_argument(
        "--cores", type=int, default=len(os.sched_getaffinity(0)), help="cores of the processor; default: all"
    )
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="cpu: processor time")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    runs = language_runs(options) if options.what == "step" else packing_runs(options)
    clock, times = CLOCKS[options.clock], {name: [] for name in runs}
    for _ in range(options.rounds + 1):
        for name, (run, tokens) in runs.items():
            begin = clock()
            run()
            times[name].append((clock() - begin) / options.steps / tokens)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    baseline = list(medians)[-1]
    for name, seconds in medians.items():
        print(f"{name:16} {1 / seconds:10.0f} tokens/s  {seconds / medians[baseline]:5.2f} times {baseline}")


def language_runs(options):
    """{library: (function that runs the steps, tokens per step)}."""
    import keras

    sizes = SETTINGS[options.setting]
    batches = random_batches(sizes["rows"], sizes["length"])
    tokens = sizes["rows"] * sizes["length"]
    runs = {"zoo": (fit_steps(zoo_model(**sizes), batches, options.steps), tokens)}
    if keras.config.backend() == "torch":
        runs["torch by hand"] = (loop_steps(torch_model(**sizes), batches, options.steps), tokens)
    return runs


def random_batches(rows, length, count=8):
    """Batches of random ids, (rows, length), with the next id as label."""
    import numpy as np

    random = np.random.default_rng(0)
    ids = random.integers(0, VOCABULARY, (count, rows, length + 1)).astype("int32")
    return [({"tokens": x[:, :-1]}, x[:, 1:], np.ones((rows, length), "float32")) for x in ids]


def zoo_model(depth, heads, width, length, rows):
    from zoo import backend
    from zoo.architectures.gpt2 import GPT2
    from zoo.objectives.next_token import NextToken

    sizes = {"depth": depth, "heads": heads, "width": width, "hidden": 4 * width, "length": length}
    objective = NextToken(length=length)
    model = build_model(objective, GPT2(vocabulary=VOCABULARY, dropout=0.0, **sizes))
    return compile_model(objective, model, backend.AdamW(1e-3, weight_decay=0.1, beta_2=0.99, global_clipnorm=1.0))


def fit_steps(model, batches, steps):
    """A function that runs `steps` steps of `fit`, with the input that the zoo's training gives it."""
    from zoo import backend

    stream = itertools.cycle(batches)

    def next_batches():
        yield from itertools.islice(stream, steps)

    return lambda: model.fit(
        backend.fit_input(next_batches, batches[0]), steps_per_epoch=steps, shuffle=False, verbose=0
    )


def torch_model(depth, heads, width, length, rows):
    """The same network in plain PyTorch, with fused attention."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
            self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

        def forward(self, x):
            q, k, v = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in self.qkv(self.norm1(x)).chunk(3, -1))
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).flatten(2))
            return x + self.down(nn.functional.gelu(self.up(self.norm2(x)), approximate="tanh"))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.positions = nn.Embedding(VOCABULARY, width), nn.Embedding(length, width)
            self.blocks, self.norm = nn.Sequential(*(Block() for _ in range(depth))), nn.LayerNorm(width)

        def forward(self, tokens):
            x = self.words(tokens) + self.positions(torch.arange(tokens.shape[1]))
            return self.norm(self.blocks(x)) @ self.words.weight.T

    return GPT()


def loop_steps(model, batches, steps):
    """A function that runs `steps` steps of a plain PyTorch loop with AdamW."""
    import torch

    optimizer = torch.optim.AdamW(model.parameters(), 1e-3, betas=(0.9, 0.99), weight_decay=0.1)
    stream = itertools.cycle(batches)

    def run():
        for inputs, targets, _ in itertools.islice(stream, steps):
            logits = model(torch.from_numpy(inputs["tokens"]).long())
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).long().flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            loss.item()

    return run


def packing_runs(options):
    """{"packed" and "padded": (function that runs the steps, target tokens per step)} of a small Transformer."""
    import tempfile
    from pathlib import Path

    from zoo import backend, catalog
    from zoo.data.batches import Batches
    from zoo.data.collate import Collator
    from zoo.data.examples import Examples, key_types
    from zoo.data.opening import open_dataset
    from zoo.data.packing import PackedExamples
    from zoo.data.tokenization import tokenize
    from zoo.transforms.packed import pack_model

    preset = catalog.load("presets", "transformer_multi30k")
    dataset = open_dataset(options.data, required=preset.objective.fields.required)
    tokenizer = preset.tokenizer.train(
        text for r in dataset.records("train") for text in preset.objective.tokenizer_texts(r)
    )
    model = build_model(preset.objective, replace(preset.architecture, vocabulary=tokenizer.vocabulary_size))
    folder = tokenize(dataset, preset.objective, tokenizer, Path(tempfile.mkdtemp())).train
    examples = Examples(folder, Collator.for_model(model, preset.objective, tokenizer, key_types(folder)))
    packed_model, runs, row_length = pack_model(model), {}, 128
    packed_examples = PackedExamples(examples, packed_model, row_length)
    rows = max(1, round(128 * len(packed_examples) / len(examples)))
    contenders = (("packed", packed_model, packed_examples, rows), ("padded", model, examples, 128))
    for name, contender, source, count in contenders:
        compile_model(preset.objective, contender, backend.AdamW())
        batches = Batches(source, preset.objective, count)
        stream = batches.stream(0)
        step_batches = [next(stream) for _ in range(options.steps)]
        tokens = sum(float((weights > 0).sum()) for *_, weights in step_batches) / options.steps
        runs[name] = (fit_steps(contender, step_batches, options.steps), tokens)
    return runs


if __name__ == "__main__":
    main()
