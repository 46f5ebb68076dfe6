"""The catalog: each file registers one class or preset, with the field names of the whole zoo."""

import dataclasses
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

from zoo import catalog
from zoo.architectures import Architecture
from zoo.transforms.lazy import shapes

WORDS = ["vocabulary", "length", "width", "units", "depth", "heads", "kv_heads", "hidden", "filters", "dropout"]
PEERS = {"n_embd", "hidden_size", "hidden_dim", "embed_dim", "num_layers", "num_heads", "d_model", "vocab_size"}


@pytest.mark.parametrize("kind", catalog.CONTRACTS)
def test_every_file_is_one_thing(kind):
    for name in catalog.names(kind):
        thing = catalog.load(kind, name)
        assert catalog.name_of(kind, thing) == name or kind == "presets"
        assert len(catalog.describe(kind, name)) > 20
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name)


@pytest.mark.parametrize("kind", ["architectures", "objectives", "tokenizers"])
def test_fields_are_called_as_everywhere_in_the_zoo(kind):
    for name in catalog.names(kind):
        fields = {field.name for field in dataclasses.fields(catalog.load(kind, name)) if field.init}
        assert not fields & PEERS, name
        assert fields & set(WORDS) or name in ("bytes", "pretrained"), name


def test_classes_are_frozen_and_their_fields_are_keywords():
    for name in catalog.names("architectures"):
        cls = catalog.load("architectures", name)
        with pytest.raises(TypeError):
            cls(5)
        with pytest.raises(dataclasses.FrozenInstanceError):
            cls().vocabulary = 7


def test_unknown_names_get_the_nearest():
    with pytest.raises(ValueError, match="Unknown kind. Received: 'presetz'. Did you mean 'presets'"):
        catalog.names("presetz")
    with pytest.raises(ValueError, match="Unknown architecture. Received: 'lstn'. Did you mean 'lstm'"):
        catalog.load("architectures", "lstn")


def test_a_new_file_is_all_it_takes(tmp_path):
    """A file put into the folder is listed, loaded and built with a head; nothing else is edited."""
    import zoo
    import zoo.architectures

    (tmp_path / "mirror.py").write_text(
        '"""Word vectors as they are, to show that a file is all it takes."""\n'
        "from dataclasses import dataclass\n"
        "from zoo.architectures._architecture import Architecture\n"
        "from zoo.layers.embedding import TokenEmbedding\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Mirror(Architecture):\n"
        "    width: int = 8\n"
        "    def __call__(self, tokens):\n"
        "        return TokenEmbedding(self.vocabulary, self.width, name='embedding')(tokens)\n"
    )
    zoo.architectures.__path__.append(str(tmp_path))
    try:
        assert "mirror" in zoo.names("architectures")
        assert issubclass(catalog.load("architectures", "mirror"), Architecture)
        assert catalog.describe("architectures", "mirror").startswith("Word vectors as they are")
        assert zoo.build("mirror", "classify_text", vocabulary=9, labels=["a", "b"]).output.shape == (None, 2)
    finally:
        zoo.architectures.__path__.remove(str(tmp_path))


def test_the_first_named_size_is_the_smallest():
    for name in catalog.names("architectures"):
        sizes = list(catalog.sizes("architectures", name).values())
        assert all(sizes[0].width * sizes[0].depth <= size.width * size.depth for size in sizes), name


@pytest.mark.parametrize("name", catalog.names("architectures"))
def test_another_architecture_is_small_enough_to_try(name):
    """`zoo train PRESET architecture=NAME` takes the smallest named size, not the size of the paper."""
    architecture = dataclasses.replace(catalog.create("architectures", name), vocabulary=4000)
    weights = sum(math.prod(shape) for shape in shapes(architecture.backbone).values())
    assert weights < 5e6, f"{weights:,}"


def test_named_sizes():
    from zoo.architectures import bert

    assert catalog.create("architectures", "bert:small") == bert.SMALL
    assert catalog.create("architectures", "bert") == bert.TINY
    assert catalog.create("architectures", "lstm") == catalog.load("architectures", "lstm")()
    with pytest.raises(ValueError, match="Unknown size of bert. Received: 'tinny'. Did you mean 'tiny'"):
        catalog.create("architectures", "bert:tinny")


def test_names_and_descriptions_need_no_framework():
    code = "import sys; from zoo import catalog\nfor kind in catalog.CONTRACTS:\n"
    code += "    for name in catalog.names(kind): assert catalog.describe(kind, name)\n"
    code += "assert not {'keras', 'numpy', 'torch', 'jax', 'tensorflow'} & set(sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


SEARCHES = {  # words of the field, and the architecture that a search of `zoo list` for them finds
    "LSTM": "lstm",
    "GRU": "gru",
    "Elman": "rnn",
    "TF-IDF bag of words": "mlp",
    "dilated convolutions": "conv",
    "max pooling over time": "text_cnn",
    "character CNN": "lstm_cnn",
    "encoder-decoder with attention": "rnn_seq2seq",
    "decoder-only Transformer with causal self-attention": "gpt2",
    "rotary positions": "llama",
    "masked language modelling": "bert",
    "relative position biases": "t5",
    "denoising": "bart",
}


@pytest.mark.parametrize("words", SEARCHES)
def test_the_list_answers_a_search_for_words_of_the_field(words):
    lines = {name: catalog.describe("architectures", name) for name in catalog.names("architectures")}
    assert words in lines[SEARCHES[words]]


def test_files_stay_small():
    long = [path for path in Path(catalog.__file__).parent.rglob("*.py") if len(path.read_text().splitlines()) > 260]
    assert long == []
