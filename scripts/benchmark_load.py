"""Benchmark the data pipeline alone: python scripts/benchmark_load.py.

Tokens per second of the batches that `fit` reads, of short texts: gathered, padded and collated in one thread, and as
`backend.fit_input` hands them on. Ids are those of texts, without padding.
"""

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np

from zoo import backend
from zoo.architectures.bert import BERT
from zoo.architectures.gpt2 import GPT2
from zoo.data.batches import Batches
from zoo.data.collate import Collator
from zoo.data.examples import Examples, key_types, save
from zoo.data.packing import PackedExamples
from zoo.objectives import build_model
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.masked_token import MaskedToken
from zoo.objectives.next_token import NextToken
from zoo.transforms.packed import pack_model

VOCABULARY, EXAMPLES, LENGTHS, PACKED_LENGTH = 10_000, 50_000, (16, 60), 512
SMALL = {"vocabulary": VOCABULARY, "width": 16, "depth": 1, "heads": 2}


def classification(ids):
    return {"tokens": ids, "labels": np.array([1, 0], "int8")}


def next_token(ids):
    return {"tokens": ids, "labels": ids}


def masked(ids):
    words = np.arange(len(ids), dtype="int32")
    return {"tokens": ids, "word_ids": words, "mask_token_and_size": np.array([4, VOCABULARY], "int32")}


CASES = {  # name: architecture, objective, example of some ids, whether rows are packed
    "classification": (BERT(**SMALL), ClassifyText(labels=("a", "b")), classification, False),
    "next token": (GPT2(**SMALL), NextToken(), next_token, False),
    "next token, packed": (GPT2(**SMALL), NextToken(), next_token, True),
    "masked token": (BERT(**SMALL), MaskedToken(), masked, False),
    "masked token, packed": (BERT(**SMALL), MaskedToken(), masked, True),
}


class Padding:
    """What a `Collator` needs of a tokenizer."""

    padding = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=32, help="rows of a batch")
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement")
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    options = parser.parse_args()
    for name in options.cases:
        batches, names = pipeline(*CASES[name], options.rows)
        ids = batches.examples.lengths.sum() / len(batches) / len(batches.examples.collator.inputs)  # of a batch

        def stream(batches=batches, names=names):
            for inputs, *targets in batches.stream(0):
                yield {key: inputs[key] for key in names}, *targets

        signature = next(stream())
        iterators = stream(), iter(backend.fit_input(stream, signature))
        speeds = [speed(iterator, options.seconds) * ids for iterator in iterators]
        print(f"{name:22} {speeds[0] / 1e6:7.2f} million tokens/s collated, {speeds[1] / 1e6:7.2f} as `fit` reads them")


def pipeline(architecture, objective, example, packed, rows):
    """(batches, names of the inputs of the model) of random short texts."""
    random, folder = np.random.default_rng(0), Path(tempfile.mkdtemp()) / "examples"
    sizes = random.integers(*LENGTHS, EXAMPLES)
    save(folder, (example(random.integers(5, VOCABULARY, size).astype("int32")) for size in sizes))
    model = build_model(objective, architecture)
    examples = Examples(folder, Collator.for_model(model, objective, Padding(), key_types(folder)))
    if packed:
        model = pack_model(model)
        examples = PackedExamples(examples, model, PACKED_LENGTH)
    return Batches(examples, objective, rows), list(model.input)


def speed(iterator, seconds):
    """Batches per second."""
    list(itertools.islice(iterator, 10))
    start, count = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - start) < seconds:
        next(iterator)
        count += 1
    return count / elapsed


if __name__ == "__main__":
    main()
