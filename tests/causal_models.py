"""Small causal networks, and generation without caches as their reference."""

import keras
import numpy as np
import pytest
from keras import ops
from tiny import all_or_few, one_of_each_family, shrink

from zoo import catalog
from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.text_generator import TextGenerator

CAUSAL = [name for name in catalog.names("architectures") if shrink(name, causal=True, bidirectional=False).causal]
VARIANTS = {  # fields of the architecture, a test case each; of other architectures only the defaults
    "rnn_seq2seq": [
        {"bidirectional": True, "depth": 2},
        {"cell": "lstm", "input_feeding": "output", "attention": "general"},
        {"input_feeding": "none", "attention": "general"},
    ],
    "conv": [{"causal": True, "depth": 2}],
    "lstm": [{"bidirectional": False, "depth": 2}],
    "transformer": [{"norm": "pre"}],
}
CASES = all_or_few(
    [(name, i) for name in CAUSAL for i in range(len(VARIANTS.get(name, [{}])))],
    [(name, 0) for name in one_of_each_family(CAUSAL)],
)

PADDING = ((0,),)  # bad words: a generated padding id would be masked by the reference


def network(name, **settings):
    """A small network from ids to logits, with doubled initial weights, so that no two logits are close."""
    keras.utils.set_random_seed(2)
    architecture = shrink(name, **{"causal": True, "bidirectional": False, "vocabulary": 24, "length": 32} | settings)
    backbone = architecture.backbone()
    model = keras.Model(backbone.input, architecture.logits(backbone))
    for weight in model.trainable_weights:
        weight.assign(2 * ops.convert_to_numpy(weight))
    return model


def generate_ids(model, prompts, sources=None, draft=None, **config):
    """The ids of the best completion of each prompt; with `return_sequences` a list of the ids of each completion."""
    completions = generate(model, prompts, sources, GenerationConfig(**config), draft)
    multiple = "return_sequences" in config
    return [[completion.ids for completion in row] if multiple else row[0].ids for row in completions]


def text_generator(model, objective, tokenizer, **options):
    """A `TextGenerator` with options of texts and fields of a `GenerationConfig`."""
    names = ("stop", "bad_words", "choices", "regex", "json_schema", "draft")
    text_options = {name: options.pop(name) for name in names if name in options}
    config = GenerationConfig(**{"max_new_tokens": objective.max_new_tokens} | options)
    return TextGenerator(model, objective, tokenizer, config, **text_options)


def texts(lengths, seed=0):
    """Lists of ids, none of them padding."""
    random = np.random.default_rng(seed)
    return [random.integers(2, 24, length).tolist() for length in lengths]


def sources(model, count):
    """`count` sources for an encoder-decoder, None for another model."""
    return texts([5, 3, 7][:count], seed=9) if len(model.inputs) > 1 else None


def logits(model, ids, source=None):
    """(vocabulary,) logits of the token after `ids`, without caches; padded, so that few shapes are compiled."""
    rows = [padded(row) for row in [source, ids][-len(model.inputs) :]]
    inputs = {tensor.name: np.array([row], "int32") for tensor, row in zip(model.inputs, rows, strict=True)}
    return ops.convert_to_numpy(model(inputs, training=False))[0, len(ids) - 1]


def padded(ids, length=16):
    """`ids` and padding up to a multiple of `length`."""
    return [*ids, *[0] * (-len(ids) % length)]


def greedy_decode(model, ids, count, source=None):
    """Greedy decoding without caches: `count` ids after `ids`, none of them padding."""
    ids = list(ids)
    for _ in range(count):
        ids.append(int(logits(model, ids, source)[1:].argmax()) + 1)
    return ids[-count:]


@pytest.fixture(scope="session", params=CASES)
def causal_model(request):
    """A network of each causal architecture of the catalog, in its variants: see `all_or_few`."""
    name, i = request.param
    return network(name, **VARIANTS.get(name, [{}])[i])


@pytest.fixture(scope="session")
def gpt2():
    return network("gpt2")
