"""Benchmark text generation in tokens per second, with random weights: zoo, KerasHub, transformers, PyTorch.

`scripts/benchmark.py generate` runs it: GPT-2 with greedy decoding, beside KerasHub on the same backend and
transformers; an LSTM language model with greedy decoding, beside PyTorch by hand; a Transformer as large as Marian's
with beam search, beside transformers' Marian. Libraries that are not installed, or need another backend, are left out.
"""

import importlib.util
import resource
import statistics
import sys

GPT2 = {"vocabulary": 50_257, "length": 1024, "width": 768, "heads": 12, "hidden": 3072, "depth": 12}
LSTM = {"vocabulary": 33_278, "width": 650, "units": 650, "depth": 2, "tied": True}  # Zaremba 2014's medium one
MARIAN = {"vocabulary": 58_101, "width": 512, "heads": 8, "hidden": 2048, "depth": 6}
SIZES = {"gpt2": GPT2, "lstm": LSTM, "transformer": MARIAN}


def generate(options, clock):
    """Print tokens per second and the seconds of the first call of each contender, for each batch size, in turns."""
    import keras
    import numpy as np

    framework, size = sys.modules[keras.config.backend()], SIZES[options.network]
    print(f"\n{framework.__name__} {framework.__version__}, keras {keras.__version__}, cores used: {options.cores}")
    print(
        f"{options.network} {size}, float32, prompt {options.prompt}, {options.max_new_tokens} new, {options.clock} s"
    )
    runs = contenders(options)
    first = next(iter(runs))
    for rows in options.rows:
        prompts = np.random.default_rng(0).integers(1, size["vocabulary"] - 1, (rows, options.prompt)).astype("int32")
        times = {name: [] for name in runs}
        for _ in range(options.rounds + 1):
            for name, run in runs.items():
                begin = clock()
                run(prompts)
                times[name].append(clock() - begin)
        medians = {name: statistics.median(values[1:]) for name, values in times.items()}
        for name, seconds in medians.items():
            speed, ratio = rows * options.max_new_tokens / seconds, seconds / medians[first]
            line = f"batch {rows:3} {name:14} {speed:8.1f} tokens/s  {first} is {ratio:5.2f} x"
            print(f"{line}  first call {times[name][0]:6.1f} s")
        sys.stdout.flush()
    print(f"Peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def contenders(options):
    """{name: function that continues (rows, time) ids, or encodes them as the source of an encoder-decoder}."""
    import keras

    torch = keras.config.backend() == "torch"
    runs = {}
    for name, make in MAKERS[options.network].items():
        supported = torch or name in ("zoo", "keras_hub")
        if supported and name in options.contenders and importlib.util.find_spec(name):
            runs[name] = make(options)
    return runs


def zoo_model(name):
    import keras

    from zoo import catalog

    architecture = catalog.load("architectures", name)(**SIZES[name])
    backbone = architecture.backbone()
    return keras.Model(backbone.input, architecture.logits(backbone))


def by_zoo(network, max_new_tokens):
    """(model, function that continues prompts by greedy decoding)."""
    from zoo.generation.generate import generate
    from zoo.generation.generation_config import GenerationConfig

    model, config = zoo_model(network), GenerationConfig(max_new_tokens=max_new_tokens)
    return model, lambda prompts: generate(model, prompts.tolist(), config=config)


def beams_by_zoo(options):
    from zoo.generation.generate import generate
    from zoo.generation.generation_config import GenerationConfig

    config = GenerationConfig(max_new_tokens=options.max_new_tokens, beams=options.beams)
    model = zoo_model(options.network)
    return lambda sources: generate(model, [[0]] * len(sources), sources.tolist(), config)


def lstm_by_hand(options):
    import torch

    size = (LSTM["width"], LSTM["units"], LSTM["depth"])
    embedding, lstm = torch.nn.Embedding(LSTM["vocabulary"], size[0]), torch.nn.LSTM(*size, batch_first=True)

    @torch.inference_mode()
    def run(prompts):
        ids, state, output = torch.from_numpy(prompts).long(), None, []
        for _ in range(options.max_new_tokens):
            features, state = lstm(embedding(ids), state)
            ids = (features[:, -1:] @ embedding.weight.t()).argmax(-1)
            output.append(ids)
        return torch.cat(output, 1).tolist()

    return run


def by_marian(options):
    import torch
    from transformers import MarianConfig, MarianMTModel

    sizes = {"d_model": MARIAN["width"], "vocab_size": MARIAN["vocabulary"], "pad_token_id": 0}
    for side in ("encoder", "decoder"):
        layers, heads, hidden = f"{side}_layers", f"{side}_attention_heads", f"{side}_ffn_dim"
        sizes |= {layers: MARIAN["depth"], heads: MARIAN["heads"], hidden: MARIAN["hidden"]}
    ends = {"decoder_start_token_id": 0, "eos_token_id": None, "forced_eos_token_id": None}
    model = MarianMTModel(MarianConfig(**sizes, **ends)).eval()
    limits = {"max_new_tokens": options.max_new_tokens, "min_new_tokens": options.max_new_tokens}

    def run(sources):
        ids = torch.from_numpy(sources).long()
        mask = torch.ones_like(ids)
        model.generate(ids, attention_mask=mask, num_beams=options.beams, do_sample=False, **limits)

    return run


def by_keras_hub(options):
    import keras_hub
    import numpy as np

    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=GPT2["vocabulary"],
        num_layers=GPT2["depth"],
        num_heads=GPT2["heads"],
        hidden_dim=GPT2["width"],
        intermediate_dim=GPT2["hidden"],
        max_sequence_length=GPT2["length"],
    )
    model = keras_hub.models.GPT2CausalLM(backbone, preprocessor=None)

    def run(prompts):
        ids = np.pad(prompts, ((0, 0), (0, options.max_new_tokens)))
        mask = np.arange(ids.shape[1])[None] < prompts.shape[1]
        model.generate({"token_ids": ids, "padding_mask": np.broadcast_to(mask, ids.shape)}, stop_token_ids=None)

    model.compile(sampler="greedy")
    return run


def by_transformers(max_new_tokens):
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = SIZES["gpt2"]
    config = {"n_embd": size["width"], "n_layer": size["depth"], "n_head": size["heads"], "n_inner": size["hidden"]}
    config |= {"vocab_size": size["vocabulary"], "n_positions": size["length"], "eos_token_id": None}
    model = GPT2LMHeadModel(GPT2Config(**config)).eval().to(device)
    limits = {"max_new_tokens": max_new_tokens, "min_new_tokens": max_new_tokens}

    def run(prompts):
        ids = torch.from_numpy(prompts).long().to(device)
        model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, pad_token_id=0, **limits).tolist()

    return run


MAKERS = {
    "gpt2": {
        "zoo": lambda options: by_zoo("gpt2", options.max_new_tokens)[1],
        "keras_hub": by_keras_hub,
        "transformers": lambda options: by_transformers(options.max_new_tokens),
    },
    "lstm": {"zoo": lambda options: by_zoo("lstm", options.max_new_tokens)[1], "torch": lstm_by_hand},
    "transformer": {"zoo": beams_by_zoo, "transformers": by_marian},
}
