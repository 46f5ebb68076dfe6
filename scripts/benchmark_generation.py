"""Tokens a second of greedy writing by GPT-2 with random weights: the zoo, KerasHub on the same backend, transformers.

What `scripts/benchmark.py generate` runs. KerasHub and transformers are timed where they are installed.
"""

import importlib.util
import statistics
import sys

SIZES = {"vocabulary": 50_257, "length": 1024, "width": 768, "heads": 12, "hidden": 3072}


def generate(options, clock):
    """Print, for each batch size, the tokens a second and the first call's seconds of each contender, in turns."""
    import keras
    import numpy as np

    framework = sys.modules[keras.config.backend()]
    print(f"\n{framework.__name__} {framework.__version__}, keras {keras.__version__}, cores used: {options.cores}")
    print(
        f"GPT-2, {options.depth} blocks, float32, prompt {options.prompt}, {options.new_tokens} new, {options.clock} s"
    )
    runs = contenders(options)
    for rows in options.rows:
        prompts = np.random.default_rng(0).integers(1, SIZES["vocabulary"], (rows, options.prompt)).astype("int32")
        times = {name: [] for name in runs}
        for _ in range(options.rounds + 1):
            for name, run in runs.items():
                begin = clock()
                run(prompts)
                times[name].append(clock() - begin)
        medians = {name: statistics.median(values[1:]) for name, values in times.items()}
        for name, seconds in medians.items():
            speed, ratio = rows * options.new_tokens / seconds, seconds / medians["zoo"]
            print(
                f"batch {rows:3} {name:14} {speed:8.1f} tokens/s  zoo is {ratio:5.2f} x  first {times[name][0]:6.1f} s"
            )
        sys.stdout.flush()


def contenders(options):
    """{name: function that writes on from (rows, time) ids}."""
    import keras

    makers = {"zoo": by_zoo}
    if "keras_hub" in options.peers and importlib.util.find_spec("keras_hub"):
        makers["keras_hub"] = by_keras_hub
    torch = keras.config.backend() == "torch"
    if torch and "transformers" in options.peers and importlib.util.find_spec("transformers"):
        makers["transformers"] = by_transformers
    return {name: make(options) for name, make in makers.items()}


def by_zoo(options):
    import keras

    from zoo.architectures.gpt2 import GPT2
    from zoo.generation import generate

    architecture = GPT2(**SIZES, depth=options.depth)
    trunk = architecture.trunk()
    model = keras.Model(trunk.input, architecture.logits(trunk))
    return lambda prompts: generate(model, prompts.tolist(), new_tokens=options.new_tokens)


def by_keras_hub(options):
    import keras_hub
    import numpy as np

    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=SIZES["vocabulary"],
        num_layers=options.depth,
        num_heads=SIZES["heads"],
        hidden_dim=SIZES["width"],
        intermediate_dim=SIZES["hidden"],
        max_sequence_length=SIZES["length"],
    )
    model = keras_hub.models.GPT2CausalLM(backbone, preprocessor=None)

    def run(prompts):
        ids = np.pad(prompts, ((0, 0), (0, options.new_tokens)))
        mask = np.arange(ids.shape[1])[None] < prompts.shape[1]
        model.generate({"token_ids": ids, "padding_mask": np.broadcast_to(mask, ids.shape)}, stop_token_ids=None)

    model.compile(sampler="greedy")
    return run


def by_transformers(options):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    model = GPT2LMHeadModel(GPT2Config(n_layer=options.depth)).eval()
    count = {"max_new_tokens": options.new_tokens, "min_new_tokens": options.new_tokens}

    def run(prompts):
        ids = torch.from_numpy(prompts).long()
        model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, pad_token_id=0, **count)

    return run
