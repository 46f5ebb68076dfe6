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

from zoo.runtime.console import print_once
from zoo.runtime.errors import UserError
from zoo.runtime.files import write_text
from zoo.text import tokenizer_files
from zoo.text.added_tokens import add_tokens
from zoo.text.apply_settings import published_json
from zoo.text.clean_up import clean_up
from zoo.text.encoding import encode_with
from zoo.text.special_ids import special_ids
from zoo.text.special_tokens import SpecialTokenMethods
from zoo.text.template import Encoding, SpecialTokenTemplate
from zoo.text.token_bytes import bytes_of_tokens, separators_of
from zoo.text.tokenizer_settings import CONFIG, TokenizerSettings
from zoo.text.truncated import count_truncated
from zoo.text.unicode import as_text, as_texts

if TYPE_CHECKING:  # TensorFlow is needed for an export only
    from zoo.export.tokenizer.graph_tokenizer import GraphTokenizer

Text = str | bytes  # bytes are decoded as UTF-8


class Tokenizer(SpecialTokenMethods):
    """Encodes text to ids and decodes ids to text.

    Text never becomes a special token: the text "[SEP]" is a bracket, a word and a bracket. Only the additional special
    tokens of a published tokenizer, which are made to stand in texts, are matched in them.
    Nothing changes after construction, so threads may share a tokenizer.

    Args:
        backend: the `tokenizers.Tokenizer`.
        settings: of a published tokenizer: its special tokens by role, its chat template.

    Attributes:
        vocabulary_size: number of ids, ids without a token included.
        pad, unknown, start, end, mask: ids of special tokens, None where a loaded tokenizer has no such token.
        padding: the id that pads shorter rows of a batch.
        stop_ids: the ids at which a generated text ends.
    """

    def __init__(self, backend: tokenizers.Tokenizer, settings: TokenizerSettings | None = None):
        backend.no_padding()
        backend.no_truncation()
        backend.encode_special_tokens = True
        self.backend, self.settings = backend, settings
        self.vocabulary_size: int = 1 + max(backend.get_vocab().values(), default=-1)
        ids = special_ids(backend, settings)
        self.pad, self.unknown, self.start, self.end, self.mask = ids.pad, ids.unknown, ids.start, ids.end, ids.mask
        self.stop_ids: tuple[int, ...] = ids.stop
        options = (self.pad, self.end, 0)  # GPT-2 has no padding token and pads with its end token
        self.padding: int = next(i for i in options if i is not None)

    @cached_property
    def lossless(self) -> bool:
        """Whether `decode(encode(text))` is `text`: for all text, or for text of known characters (`Characters`)."""
        pre_tokenizer = self.backend.pre_tokenizer
        reversible = isinstance(self.backend.decoder, decoders.ByteLevel | decoders.Fuse)
        return reversible and self.backend.normalizer is None and not getattr(pre_tokenizer, "add_prefix_space", False)

    @cached_property
    def token_bytes(self) -> tuple[list[bytes], list[bytes]]:
        """`(first, later)`: the bytes that each id adds to a decoded text, see `zoo.text.token_bytes`."""
        return bytes_of_tokens(self.backend, self.markers)

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
        added = sum(map(len, template.special_ids(len(columns), length)))  # raises before any text is assembled
        if length is not None:
            count_truncated([added + sum(len(ids) for ids, _ in row) for row in zip(*columns, strict=True)], length)
        return [template.assemble(row, length) for row in zip(*columns, strict=True)]

    def _ids_and_offsets(self, texts: Iterable[Text]) -> list[tuple[np.ndarray, np.ndarray]]:
        """`(ids, offsets)` of each text, without special ids."""
        encodings = encode_with(self.backend, list(as_texts(texts)))
        return [(np.array(encoding.ids, np.int32), _offsets(encoding)) for encoding in encodings]

    def decode(self, ids: Sequence[int] | np.ndarray, skip_special: bool = True) -> str:
        """The text of a sequence of ids, without padding and other special tokens if `skip_special`."""
        numbers = np.asarray(ids, np.int64).tolist()
        if skip_special and self.markers:
            numbers = [id for id in numbers if id not in self.markers]
        text = self.backend.decode(numbers, skip_special_tokens=skip_special)
        return clean_up(text) if self.settings and self.settings.clean_up else text

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
        return Tokenizer(add_tokens(self.backend, tokens), self.settings)

    def save(self, path: str | Path) -> None:
        """Write tokenizer.json at `path` (in `path`, if that is a folder); an interrupted write leaves no file.

        The settings of a published tokenizer are written beside it, as tokenizer_config.json.
        """
        path = Path(path)
        path = path / "tokenizer.json" if path.is_dir() else path
        write_text(path, published_json(self.backend, self.settings))
        if self.settings:
            write_text(path.with_name(CONFIG), self.settings.to_json())

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """The tokenizer in a file or folder, saved by the zoo or by another library.

        Accepted: tokenizer.json, BERT's vocab.txt, and a folder that holds one of these or GPT-2's vocab.json and
        merges.txt. The files beside it (tokenizer_config.json, special_tokens_map.json, added_tokens.json, chat
        templates, the end ids of generation_config.json and config.json) are applied as transformers does; a line is
        printed for each key that is not.

        Raises `UserError`, which names the file, if it is missing, damaged or of another kind.
        """
        loaded = tokenizer_files.load(Path(path))
        for note in loaded.notes:
            print_once(note)
        return cls(loaded.backend, loaded.settings)

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
