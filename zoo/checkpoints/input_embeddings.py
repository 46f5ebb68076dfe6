"""Input embeddings of a published network, or of a model folder of the zoo, as word vectors."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np

from zoo.checkpoints.hf_config import read_folder
from zoo.checkpoints.loading import LoadPlan
from zoo.checkpoints.vector_source import VectorSource, WordVectors
from zoo.pipeline.model_folder import load
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer
from zoo.transforms.lazy import forget_weights

EMBEDDINGS = "embedding/embeddings"  # path of the weight in every architecture
SPACES = ("", " ")  # before a word: byte-level tokenizers have other tokens for a word after a space


class InputEmbeddings(VectorSource):
    """The input embeddings of a folder of transformers or of the zoo, with its tokenizer.

    The vector of a word that its tokenizer splits is the mean of those of its parts.

    Raises UserError for a folder that is damaged, or whose network has no embedding for each token.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        is_model_folder = (folder / "preset.json").is_file()
        self.table, self.tokenizer = (_of_model_folder if is_model_folder else _of_transformers)(folder)
        if len(self.table) < self.tokenizer.vocabulary_size:
            raise UserError(f"Expected an embedding for each token in {folder}. Received: {len(self.table)}.")
        self.width = self.table.shape[1]

    def words(self) -> Iterator[str]:
        words = [self.tokenizer.decode([i]).strip() for i in range(self.tokenizer.vocabulary_size)]
        return (word for i, (word, ids) in enumerate(zip(words, self._ids(words), strict=True)) if word and ids == [i])

    def read(self, words: Sequence[str]) -> WordVectors:
        matrix, parts = np.zeros((len(words), self.width), "float32"), self._ids(words)
        for i, ids in enumerate(parts):
            if ids:
                matrix[i] = self.table[ids].mean(0)
        counts = np.array([len(ids) for ids in parts], "int64")
        return WordVectors(matrix, counts == 1, counts > 1)

    def _ids(self, words) -> list[list[int]]:
        """The ids of each word, the fewest with and without a space before it; none where a part is unknown."""
        forms = [self.tokenizer.encode_batch([space + word for word in words], special=False) for space in SPACES]
        fewest = [min((form.ids.tolist() for form in both), key=len) for both in zip(*forms, strict=True)]
        return [[] if self.tokenizer.unknown in ids else ids for ids in fewest]


def _of_transformers(folder) -> tuple[np.ndarray, Tokenizer]:
    """(embeddings, tokenizer) of a folder of transformers; no other tensor is read."""
    architecture, tokenizer = read_folder(folder)
    with keras.StatelessScope():
        backbone = architecture.backbone()
        try:
            plan = LoadPlan(backbone.weights, folder)
            table = next(plan.load(weight) for weight in backbone.weights if weight.path == EMBEDDINGS)
        finally:
            forget_weights(backbone)
    return table, tokenizer


def _of_model_folder(folder) -> tuple[np.ndarray, Tokenizer]:
    """(embeddings, tokenizer) of a model folder of the zoo."""
    pipeline = load(folder)
    architecture, weights = pipeline.preset.architecture, {weight.path: weight for weight in pipeline.model.weights}
    if architecture.word_embedding != "embedding" or hasattr(architecture, "words") or EMBEDDINGS not in weights:
        raise UserError(
            f"Expected a network with an embedding for each token in {folder}. Received: {type(architecture).__name__}."
        )
    return keras.ops.convert_to_numpy(weights[EMBEDDINGS].value), pipeline.tokenizer
