"""Training on fake devices, in a process of its own: XLA counts its devices once, when JAX starts.

XLA_FLAGS=--xla_force_host_platform_device_count=8 python tests/distributed_runs.py FUNCTION ARGUMENTS prints what a
function of this file returns, as JSON.
"""

import json
import os
import random
import signal
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
from tiny import shrink

import zoo
from zoo import catalog
from zoo.data.collate import Collator
from zoo.generation.generate import generate, prompts_of
from zoo.generation.generation_config import GenerationConfig
from zoo.objectives import build_model, compile_model
from zoo.pipeline import predictor
from zoo.presets import Data, LoRA, Preset, Training, Tuning
from zoo.tokenizers.words import Words
from zoo.training.distribution import distribution_scope
from zoo.transforms.sharding import build_sharded

TEXTS = ["a great film", "a boring film", "the story was fine", "the story was dull"] * 4
RECORDS = [
    {"text": text, "label": ("good", "bad")[i % 2], "source": text, "target": text} for i, text in enumerate(TEXTS)
]
FAMILIES = {  # architecture: objective
    "mlp": "classify_text",
    "text_cnn": "classify_text",
    "lstm": "classify_text",
    "bert": "classify_text",
    "llama": "next_token",
    "transformer": "translate",
}
SIZES = {"width": 16, "heads": 4, "kv_heads": 2, "units": 16, "hidden": 32}
MODES = {"none": 0, "data": 0, "fsdp": 0, "model": 4}  # training.distribute: training.model_devices


def family(name, mode):
    """The losses of three steps of a small network, its outputs, its texts, and the specs of its split weights."""
    random.seed(0)
    objective = catalog.load("objectives", FAMILIES[name])()
    words = Words().train(text for record in RECORDS for text in objective.tokenizer_texts(record))
    architecture = shrink(name, **SIZES | {"vocabulary": words.vocabulary_size})
    preparation = objective.preparation(architecture)
    for i, record in enumerate(RECORDS):
        preparation.add("train", str(i), record)
    objective = preparation.finish(str)
    training = Training(batch_size=16, distribute=mode, model_devices=MODES[mode])
    with distribution_scope(
        Preset(architecture=architecture, objective=objective, tokenizer=Words(), training=training)
    ):
        model = build_sharded(partial(build_model, objective, architecture))
        losses = _train(model, objective, words)
        outputs = predictor.BatchPredictor(model, objective, words)(list(_examples(objective, words))[:5])
        texts = _generate(model, objective, words) if hasattr(objective, "prompt_ids") else []
    specs = {w.path: str(getattr(w.value.sharding, "spec", "")) for w in model.weights}
    return {"losses": losses, "outputs": keras.tree.map_structure(np.ndarray.tolist, outputs), "texts": texts} | {
        "split": {path: spec for path, spec in specs.items() if "batch" in spec or "model" in spec}
    }


def _examples(objective, words):
    return objective.examples(RECORDS, words)


def _train(model, objective, words):
    compile_model(objective, model, keras.optimizers.AdamW(0.02, global_clipnorm=1.0))
    rows = (list(_examples(objective, words)) * 16)[:16]
    collator = Collator.for_model(model, objective, words, rows[0])
    batch = collator.pad(rows, np.array([collator.sizes(row) for row in rows]).max(axis=0))
    inputs, *targets = objective.collate(batch, np.random.default_rng(0))
    losses = []
    keep = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: losses.append(float(logs["loss"])))
    stream = (({name: inputs[name] for name in model.input}, *targets) for _ in range(3))
    model.fit(stream, steps_per_epoch=3, shuffle=False, verbose=0, callbacks=[keep])
    return losses


def _generate(model, objective, words):
    prompts = prompts_of([objective.prompt_ids(record, words) for record in RECORDS[:3]], words)
    config = GenerationConfig(max_new_tokens=5)
    return [list(map(int, completion.ids)) for (completion,) in generate(model, *prompts, config)]


def families(*names):
    """{architecture: {mode: what `family` returns}}."""
    return {name: {mode: family(name, mode) for mode in MODES} for name in names}


class Kill(keras.callbacks.Callback):
    """kill -9 of this process after the checkpoint of an epoch."""

    def on_epoch_end(self, epoch, logs=None):
        os.kill(os.getpid(), signal.SIGKILL)


def preset(reviews, mode, **options):
    """A network with dropout on the reviews of `tests/conftest.py`."""
    training = {"epochs": 3, "batch_size": 8, "learning_rate": 1e-2, "patience": 0}
    parts = {"data": Data(spec=reviews), "tokenizer": Words()} | options.pop("parts", {})
    return Preset(
        architecture=shrink("transformer_encoder", **SIZES, dropout=0.2),
        objective=catalog.load("objectives", "classify_text")(length=16),
        training=Training(**training | {"distribute": mode, "model_devices": MODES[mode]} | options),
        **parts,
    )


def run(reviews, folder, mode, *flags):
    """The history of a run. With the flag `resume` it goes on, with `kill` it is killed after its next epoch."""
    callbacks = [Kill()] if "kill" in flags else []
    pipeline = zoo.train(preset(reviews, mode), to=folder, resume="resume" in flags, callbacks=callbacks)
    return history(folder) | {
        "answers": answers(pipeline),
        "files": sorted(path.name for path in Path(folder).iterdir()),
    }


def history(folder):
    """The columns of history.csv that depend on the weights alone."""
    lines = [line.split(",") for line in (Path(folder) / "history.csv").read_text().splitlines()]
    columns = dict(zip(lines[0], zip(*lines[1:], strict=True), strict=True))
    return {name: list(map(float, columns[name])) for name in ("loss", "val_loss", "val_accuracy")}


def answers(pipeline):
    """The probabilities of a few texts."""
    return [list(answer["probabilities"].values()) for answer in pipeline.predict(["a great film", "dull", "so so"])]


VARIANTS = {  # what a run can do beside training all weights on one example a row
    "packed rows": {"packed_length": 24, "accumulation": 2, "ema": 0.9, "max_steps": 4},
    "frozen blocks": {"epochs": 2, "parts": {"tuning": Tuning(freeze="1")}},
    "quantised LoRA": {"epochs": 1, "parts": {"lora": LoRA(rank=4), "tuning": Tuning(quantize="bfloat16")}},
}


def variants(reviews, folder):
    """{variant: {mode: the history of the run}}; LoRA starts from the weights of the first run."""
    results, base = {}, Path(folder) / "packed rows none"
    for name, options in VARIANTS.items():
        init = str(base) if "LoRA" in name else ""
        for mode in ("none", "fsdp"):
            to = Path(folder) / f"{name} {mode}"
            pipeline = zoo.train(preset(reviews, mode, **options, init=init), to=to, init=init)
            results.setdefault(name, {})[mode] = history(to) | {"answers": answers(pipeline)}
    return results


def two_hosts(folder, mode):
    """A run of a translator, whose validation generates, in each of two processes; the files that this one wrote."""
    translator = Preset(
        architecture=shrink("transformer", **SIZES),
        objective=catalog.load("objectives", "translate")(length=16, target_length=12),
        tokenizer=Words(),
        data=Data(spec=f"{folder}/pairs.jsonl"),
        training=Training(epochs=2, batch_size=8, learning_rate=1e-2, patience=0, distribute=mode),
    )
    process = os.environ.get("KERAS_DISTRIBUTION_PROCESS_ID", "")
    writes = []
    sys.addaudithook(lambda event, args: writes.append(args) if event == "open" and _writes(folder, args) else None)
    pipeline = zoo.train(translator, to=Path(folder) / f"model-{mode}")
    texts = [pipeline.predict({"source": text}) for text in TEXTS[:2]]
    columns = (Path(folder) / f"model-{mode}" / "history.csv").read_text().splitlines()
    return {"process": process, "texts": texts, "history": columns, "writes": sorted({str(args[0]) for args in writes})}


def _writes(folder, args):
    path, mode, *_ = args
    return isinstance(mode, str) and set(mode) & set("wxa+") and str(path).startswith(folder)


if __name__ == "__main__":
    result = globals()[sys.argv[1]](*sys.argv[2:])
    print("RESULT", json.dumps(result, default=str))
