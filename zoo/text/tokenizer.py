"""A tokenizer that encodes and decodes: a thin, safe cover over one `tokenizers.Tokenizer`."""

from functools import cached_property
from itertools import chain
from pathlib import Path

import numpy as np
from tokenizers import decoders

from zoo.runtime.files import write_text
from zoo.text import tokenizer_files
from zoo.text.template import SpecialTokenTemplate, read_layout
from zoo.text.token_bytes import spellings
from zoo.text.unicode import as_text, as_texts

# What tokenizers in use call the same thing, in order: BERT's names (and ours), RoBERTa's, GPT-2's.
_NAMES = {
    "pad": ("[PAD]", "<pad>"),
    "unknown": ("[UNK]", "<unk>"),
    "first": ("[CLS]", "<s>"),
    "separator": ("[SEP]", "</s>", "<|endoftext|>"),
    "mask": ("[MASK]", "<mask>"),
}


class Tokenizer:
    """Text to ids and back.

    What a person writes never becomes a special token: the text "[SEP]" is a bracket, a word and a bracket. Nothing
    here changes after construction, so threads may share one tokenizer. `pad`, `unknown`, `first`, `separator` and
    `mask` are ids, or None where a foreign tokenizer has no such token. `padding` is the id that fills up batches.
    """

    def __init__(self, rust):
        rust.no_padding()
        rust.no_truncation()
        rust.encode_special_tokens = True
        self.rust = rust
        self.size = 1 + max(rust.get_vocab().values(), default=-1)  # ids, those that no token has included
        for field, names in _NAMES.items():
            setattr(self, field, next((i for i in map(rust.token_to_id, names) if i is not None), None))
        fillers = (self.pad, self.separator, 0)  # GPT-2 has no padding: its end of text fills up
        self.padding = next(i for i in fillers if i is not None)

    @cached_property
    def lossless(self):
        """Whether `decode(encode(text))` is `text`: for all text, or for text of known characters (`Characters`)."""
        pre = self.rust.pre_tokenizer
        prefixed = getattr(pre, "add_prefix_space", False)
        whole = isinstance(self.rust.decoder, decoders.ByteLevel | decoders.Fuse)
        return whole and self.rust.normalizer is None and not prefixed

    @cached_property
    def layout(self):
        """Where this tokenizer's special tokens stand."""
        return read_layout(self.rust)

    @cached_property
    def spellings(self):
        """`(first, later)`: the bytes that each id adds to a text, see `zoo.text.token_bytes`."""
        return spellings(self.rust)

    def encode(self, text, pair=None, length=None, special=True):
        """Return the `Encoding` of a text or a pair of texts (`str`, or `bytes` of UTF-8).

        At most `length` ids, special tokens included, are kept (the rule is in `zoo.text.template`). Raises
        `ValueError` if `length` is less than the number of special tokens.
        """
        return self.encode_batch([text], None if pair is None else [pair], length, special)[0]

    def encode_batch(self, texts, pairs=None, length=None, special=True):
        """Return a list of `Encoding`, made on all cores; otherwise as `encode`, `pairs` as many as `texts`."""
        columns = [self._pieces(column) for column in (texts, pairs) if column is not None]
        if len({len(column) for column in columns}) > 1:
            raise ValueError(f"texts and pairs must be equally many. Received: {len(columns[0])} and {len(columns[1])}")
        layout = self.layout if special else SpecialTokenTemplate()
        layout.around(len(columns), length)
        return [layout.arrange(parts, length) for parts in zip(*columns, strict=True)]

    def _pieces(self, texts):
        """Return a list of (ids, offsets), without special tokens."""
        encodings = self.rust.encode_batch(list(as_texts(texts)), add_special_tokens=False)
        return [(np.array(encoding.ids, np.int32), _offsets(encoding)) for encoding in encodings]

    def decode(self, ids, skip_special=True):
        """Return the text of a sequence of ids; padding and other special tokens are left out if `skip_special`."""
        return self.rust.decode(np.asarray(ids, np.int64).tolist(), skip_special_tokens=skip_special)

    def token(self, id):
        """Return the token of an id, as the vocabulary spells it, or None."""
        return self.rust.id_to_token(int(id))

    def id(self, token):
        """Return the id of a token, as the vocabulary spells it, or None."""
        return self.rust.token_to_id(as_text(token))

    def save(self, path):
        """Write tokenizer.json at `path` (in it, if it is a folder), whole or not at all."""
        path = Path(path)
        path = path / "tokenizer.json" if path.is_dir() else path
        write_text(path, self.rust.to_str(pretty=True))

    @classmethod
    def load(cls, path):
        """Return the tokenizer in a file or folder, ours or anyone's.

        Accepted: tokenizer.json, BERT's vocab.txt, and a folder that holds one of them or GPT-2's vocab.json and
        merges.txt. Raises `ValueError`, naming the file, where it is missing, broken or of another kind.
        """
        return cls(tokenizer_files.read(Path(path)))

    def graph(self):
        """Return this tokenizer's twin, a `tf.Module` that gives the same ids inside a TensorFlow graph.

        Raises `ValueError`, with the reason, where a foreign tokenizer has no exact twin.
        """
        from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer

        return GraphTokenizer(self)


def _offsets(encoding):
    """Return an (n, 2) array; reading the flat numbers one by one takes a third of the time of `np.array`."""
    flat = np.fromiter(chain.from_iterable(encoding.offsets), np.int32, count=2 * len(encoding))
    return flat.reshape(-1, 2)
