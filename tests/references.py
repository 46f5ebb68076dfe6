"""Golden files of scripts/golden.py: reference models, written as model folders of Hugging Face transformers."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing

FOLDER = Path(__file__).parent / "golden"
NAMES = sorted(path.stem for path in FOLDER.glob("*.npz"))


class Golden:
    """A golden file of tests/golden: config, weights, inputs and outputs of a reference model."""

    def __init__(self, name):
        with np.load(FOLDER / f"{name}.npz") as arrays:
            self.arrays = dict(arrays)
        self.config = json.loads(str(self.arrays["config"]))

    def __getitem__(self, name):
        return self.arrays[name]

    def part(self, kind):
        """The arrays of a kind, `tensor` (a weight) or `input`, by name."""
        return {key.partition("/")[2]: value for key, value in self.arrays.items() if key.startswith(f"{kind}/")}

    def write(self, folder, tensors=None, **config):
        """Write a model folder, with `tensors` in place of the weights and changes to the config; return `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(self.config | config))
        save_file(self.part("tensor") if tensors is None else tensors, folder / "model.safetensors")
        return folder


def write_tokenizer(folder, size=40, padding=0, ending=""):
    """Write a tokenizer.json of `size` ids: words w5, w6 ..., BERT's special tokens, [PAD] with the id `padding`.

    `ending` is a token that follows each text.
    """
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokens = [*names[1:], *(f"w{i}" for i in range(5, size))]
    words = {word: i for i, word in enumerate([*tokens[:padding], names[0], *tokens[padding:]])}
    backend = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.add_special_tokens(names)
    if ending:
        special = {"single": f"$A {ending}", "pair": f"$A {ending} $B {ending}"}
        backend.post_processor = TemplateProcessing(**special, special_tokens=[(ending, words[ending])])
    backend.save(str(folder / "tokenizer.json"))
