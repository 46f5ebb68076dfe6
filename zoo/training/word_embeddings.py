"""Word embeddings that start from pretrained word vectors: CNN-static and CNN-non-static of Kim 2014, section 3."""

from collections import Counter
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import keras
import numpy as np

from zoo import catalog
from zoo.architectures import Architecture
from zoo.checkpoints.word_vectors import frequent_words, open_word_vectors
from zoo.data.dataset import Dataset
from zoo.objectives import Objective
from zoo.presets import Preset
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.text.added_tokens import add_words
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers._tokenizer import SPECIAL_TOKENS
from zoo.tokenizers.bytes import Bytes
from zoo.tokenizers.words import Words


def check_word_vectors(preset: Preset) -> None:
    """Raise UserError where the network, the tokenizer and the file of `training.word_vectors` do not fit together."""
    training, architecture = preset.training, preset.architecture
    if not training.word_vectors:
        table = 0 if training.init else getattr(architecture, "words", 0)  # a warm start may have one
        for setting, value in {"training.vector_words": training.vector_words, "architecture.words": table}.items():
            if value:
                raise UserError(f"{setting} needs training.word_vectors=FILE. Received: {setting}={value} alone.")
        return
    received = f"Received: training.word_vectors={training.word_vectors}"
    if training.init:
        raise UserError(f"A warm start (--from) has word embeddings: leave out training.word_vectors. {received}.")
    name, tokenizer = catalog.name_of("architectures", architecture), Bytes if _has_table(architecture) else Words
    if not isinstance(preset.tokenizer, tokenizer):
        other = catalog.name_of("tokenizers", preset.tokenizer)
        expected = f"tokenizer={tokenizer.__name__.lower()} with {name}"
        raise UserError(f"training.word_vectors needs {expected}. Received: tokenizer={other}.")
    width = open_word_vectors(training.word_vectors).width
    if not _has_table(architecture):
        _check_width(getattr(architecture, "width", None), width, f"{received} with {name}.")


def _has_table(architecture):
    """Whether the network looks up whole words in a table: see `zoo.layers.word_table`."""
    return hasattr(architecture, "word_width")


def _check_width(width, expected, received):
    if width is None:
        raise UserError(f"Expected a network with word embeddings. {received}")
    if width != expected:
        raise UserError(f"Expected architecture.width={expected}, as the vectors have. {received[:-1]}, width={width}.")


def with_frequent_words(preset: Preset, tokenizer: Tokenizer) -> Tokenizer:
    """A word tokenizer with the `training.vector_words` most frequent words of the pretrained vectors."""
    training = preset.training
    if not training.vector_words or _has_table(preset.architecture):
        return tokenizer
    words = frequent_words(open_word_vectors(training.word_vectors), training.vector_words)
    return Tokenizer(add_words(tokenizer.backend, words), tokenizer.settings)


@dataclass(frozen=True)
class StartVectors:
    """Pretrained vectors of the words of a run, perhaps none."""

    words: list[str]
    ids: np.ndarray | None  # (words,) token ids; None: the network has a table of words
    matrix: np.ndarray  # (words, width) float32

    def resize(self, architecture: Architecture) -> Architecture:
        """The architecture, with a table for these words if it has one."""
        if self.ids is not None or not self.words:
            return architecture
        return replace(architecture, words=len(self.words), word_width=self.matrix.shape[1])

    def assign(self, model: keras.Model, architecture: Architecture) -> None:
        """Set the word embeddings of a model whose weights are new.

        Other rows stay random, with the variance of the pretrained vectors (Kim 2014, section 3.3).
        """
        if not self.words:
            return
        weight = model.get_layer(architecture.word_embedding).embeddings
        ids, matrix = self.ids, self.matrix
        if ids is None:
            ids = 1 + np.arange(len(matrix))
            space = model.get_layer("table_hashes").space
            matrix = matrix[model.get_layer("word_table").set_words(self.words, space)]
        table = keras.ops.convert_to_numpy(weight.value).astype("float32")
        table *= matrix.std() / max(float(table.std()), keras.config.epsilon())
        table[ids] = matrix
        weight.assign(table)


def read_vectors(preset: Preset, dataset: Dataset, objective: Objective, tokenizer: Tokenizer) -> StartVectors:
    """The pretrained vectors of the tokenizer's words, or of the words of the training texts; prints their coverage.

    Raises UserError where no word has a vector.
    """
    path = preset.training.word_vectors
    if not path:
        return StartVectors([], None, np.zeros((0, 0), "float32"))
    source, ids = open_word_vectors(path), None
    if _has_table(preset.architecture):
        frequent = frequent_words(source, preset.training.vector_words)
        words = list(dict.fromkeys(chain(_words_of_texts(dataset, objective), (w for w in frequent if " " not in w))))
    else:
        vocabulary = tokenizer.backend.get_vocab()
        words = [word for word in vocabulary if word not in SPECIAL_TOKENS]
        ids = np.array([vocabulary[word] for word in words])
    vectors = source.read(words)
    console.print(_coverage(path, vectors, "hashed" if ids is None else "random"))
    known = np.flatnonzero(vectors.known)
    if not len(known):
        raise UserError(
            f"Expected vectors of the words of the training data. Received: {path}, which has none of them."
        )
    return StartVectors([words[i] for i in known], None if ids is None else ids[known], vectors.matrix[known])


def _words_of_texts(dataset, objective):
    """The words of the training texts, the most frequent ones first."""
    texts = chain.from_iterable(map(objective.tokenizer_texts, dataset.records("train")))
    counts = Counter(word for text in texts for word in text.split(" ") if word)
    return [word for word, _ in counts.most_common()]


def _coverage(path, vectors, others):
    """The number of words with a vector, as text."""
    total, covered, parts = len(vectors.covered), int(vectors.covered.sum()), int(vectors.by_subwords.sum())
    share = f"{covered:,} of {total:,} words ({covered / max(total, 1):.0%}), {vectors.matrix.shape[1]} dimensions"
    subwords = f"; {parts:,} more from their subwords" if parts else ""
    return f"{Path(path).name}: {share.replace('%', ' %')}{subwords}; others {others}."
