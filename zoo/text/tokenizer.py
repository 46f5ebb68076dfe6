"""The tokenizer, which encodes text to ids and decodes ids to text: a wrapper of a `tokenizers.Tokenizer`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tokenizers
from tokenizers import decoders

from zoo.runtime.errors import UserError
from zoo.runtime.files import write_text
from zoo.text import tokenizer_files
from zoo.text.added_tokens import add_tokens
from zoo.text.template import Encoding, SpecialTokenTemplate, template_of
from zoo.text.token_bytes import bytes_of_tokens, separators_of
from zoo.text.unicode import as_text, as_texts

if TYPE_CHECKING:  # TensorFlow is needed for an export only
    from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer

Text = str | bytes  # bytes are decoded as UTF-8


class Tokenizer:
    """Encodes text to ids and decodes ids to text.

    Text never becomes a special token: the text "[SEP]" is a bracket, a word and a bracket.
    Nothing changes after construction, so threads may share a tokenizer.

    Attributes:
        backend: the `tokenizers.Tokenizer`.
        vocabulary_size: number of ids, ids without a token included.
        pad, unknown, start, end, mask: ids of special tokens, None where a loaded tokenizer has no such token.
        padding: the id that pads shorter rows of a batch.
    """

    def __init__(self, backend: tokenizers.Tokenizer):
        backend.no_padding()
        backend.no_truncation()
        backend.encode_special_tokens = True
        self.backend = backend
        self.vocabulary_size: int = 1 + max(backend.get_vocab().values(), default=-1)
        # Special tokens in order of preference: of BERT and of tokenizers trained here, of RoBERTa, of GPT-2.
        self.pad = self._first_of("[PAD]", "<pad>")
        self.unknown = self._first_of("[UNK]", "<unk>")
        self.start = self._first_of("[CLS]", "<s>")
        self.end = self._first_of("[SEP]", "</s>", "<|endoftext|>")
        self.mask = self._first_of("[MASK]", "<mask>")
        ids = (self.pad, self.end, 0)  # GPT-2 has no padding token and pads with its end token
        self.padding: int = next(i for i in ids if i is not None)

    def _first_of(self, *tokens: str) -> int | None:
        """The id of the first of `tokens` that the vocabulary has."""
        return next((i for i in map(self.backend.token_to_id, tokens) if i is not None), None)

    @cached_property
    def lossless(self) -> bool:
        """Whether `decode(encode(text))` is `text`: for all text, or for text of known characters (`Characters`)."""
        pre_tokenizer = self.backend.pre_tokenizer
        reversible = isinstance(self.backend.decoder, decoders.ByteLevel | decoders.Fuse)
        return reversible and self.backend.normalizer is None and not getattr(pre_tokenizer, "add_prefix_space", False)

    @cached_property
    def template(self) -> SpecialTokenTemplate:
        """The special ids around a text and around a pair of texts."""
        return template_of(self.backend)

    @cached_property
    def token_bytes(self) -> tuple[list[bytes], list[bytes]]:
        """`(first, later)`: the bytes that each id adds to a decoded text, see `zoo.text.token_bytes`."""
        return bytes_of_tokens(self.backend)

    @cached_property
    def separators(self) -> tuple[int, ...] | None:
        """The ids of characters between words, such as the space; None where tokens are longer than a character."""
        return separators_of(self.token_bytes[0])

    def encode(self, text: Text, pair: Text | None = None, length: int | None = None, special: bool = True) -> Encoding:
        """The ids, segments and character offsets of a text or of a pair of texts.

        Args:
            text: a `str`, or `bytes` of UTF-8.
            pair: the second text of a pair.
            length: maximum number of ids, special ids included; longer texts are truncated as in `zoo.text.template`.
            special: whether to add special ids.

        Raises `UserError` if `length` is less than the number of special ids.
        """
        return self.encode_batch([text], None if pair is None else [pair], length, special)[0]

    def encode_batch(
        self,
        texts: Iterable[Text],
        pairs: Iterable[Text] | None = None,
        length: int | None = None,
        special: bool = True,
    ) -> list[Encoding]:
        """`encode` for many texts on all cores, with a second text for each where there are `pairs`.

        Raises `UserError` if `texts` and `pairs` differ in number, or if `length` is less than the number of special
        ids.
        """
        columns = [self._ids_and_offsets(column) for column in (texts, pairs) if column is not None]
        if len({len(column) for column in columns}) > 1:
            raise UserError(f"texts and pairs must be equally many. Received: {len(columns[0])} and {len(columns[1])}")
        template = self.template if special else SpecialTokenTemplate()
        template.special_ids(len(columns), length)  # raises before any text is assembled
        return [template.assemble(row, length) for row in zip(*columns, strict=True)]

    def _ids_and_offsets(self, texts: Iterable[Text]) -> list[tuple[np.ndarray, np.ndarray]]:
        """`(ids, offsets)` of each text, without special ids."""
        encodings = self.backend.encode_batch(list(as_texts(texts)), add_special_tokens=False)
        return [(np.array(encoding.ids, np.int32), _offsets(encoding)) for encoding in encodings]

    def decode(self, ids: Sequence[int] | np.ndarray, skip_special: bool = True) -> str:
        """The text of a sequence of ids, without padding and other special tokens if `skip_special`."""
        return self.backend.decode(np.asarray(ids, np.int64).tolist(), skip_special_tokens=skip_special)

    def token(self, id: int) -> str | None:
        """The token of an id, as in the vocabulary, or None."""
        return self.backend.id_to_token(int(id))

    def id(self, token: Text) -> int | None:
        """The id of a token, as in the vocabulary, or None."""
        return self.backend.token_to_id(as_text(token))

    def with_tokens(self, tokens: Sequence[str]) -> Tokenizer:
        """A copy with new tokens, whose ids follow all present ids: see `zoo.text.added_tokens`.

        Raises `UserError` for a token that is empty, in the vocabulary already, or split into several words.
        """
        return Tokenizer(add_tokens(self.backend, tokens))

    def save(self, path: str | Path) -> None:
        """Write tokenizer.json at `path` (in `path`, if that is a folder); an interrupted write leaves no file."""
        path = Path(path)
        path = path / "tokenizer.json" if path.is_dir() else path
        write_text(path, self.backend.to_str(pretty=True))

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """The tokenizer in a file or folder, saved by the zoo or by another library.

        Accepted: tokenizer.json, BERT's vocab.txt, and a folder that holds one of these or GPT-2's vocab.json and
        merges.txt. Raises `UserError`, which names the file, if it is missing, damaged or of another kind.
        """
        return cls(tokenizer_files.load(Path(path)))

    def to_graph(self) -> GraphTokenizer:
        """The graph tokenizer: a `tf.Module` that computes the same ids inside a TensorFlow graph.

        Raises `UserError`, with the reason, where no graph computes exactly the same ids.
        """
        from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer

        return GraphTokenizer(self)


def _offsets(encoding: tokenizers.Encoding) -> np.ndarray:
    """The offsets of an encoding, (n, 2) int32; `np.array` of the pairs would take three times as long."""
    flat = np.fromiter(chain.from_iterable(encoding.offsets), np.int32, count=2 * len(encoding))
    return flat.reshape(-1, 2)
