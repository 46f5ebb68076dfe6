"""The contract of an architecture: a backbone, built with the Keras functional API, from token ids to features."""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import MISSING, dataclass, field
from typing import Any, ClassVar

import keras
import numpy as np

from zoo.architectures._pretrained import HuggingFaceMapping, KerasHubMapping
from zoo.layers.dense import Dense
from zoo.runtime.field_comments import DocumentedFields


def fact(value: Any = MISSING) -> Any:
    """A dataclass field that is no argument of `__init__`: a constant, as in `causal: bool = fact(True)`.

    A fact without a value is computed from other fields in `__post_init__`, which sets it with `_set`.
    """
    return field(default=value, init=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Architecture(DocumentedFields, ABC):
    """Base class of architectures: fields are hyperparameters, and a call builds the backbone (Keras functional API).

    A subclass adds its hyperparameters, states the facts that differ from those below, and defines `__call__`. Facts
    have one form in every file: a field that is `fact(value)`, or an ordinary field where the user has the choice (as
    `causal` of a convolution, `tied` of Llama). Facts are attributes of instances, not of the class.

    Parameters of `__call__` name the inputs, (batch, time) tensors of int32: `tokens`, ids padded at the right with
    `padding`; where an architecture reads them also `segments`, 0 and 1 for the first and second text of a pair; or, of
    an encoder-decoder, `source` and `target`, where `target` is shifted right by the ids of `decoder_start`.

    Layers must be named, and three names are contracts. The layer "embedding" computes the logits where `tied` is true,
    and so must be a `zoo.layers.embedding.TokenEmbedding`. Names that match `blocks` group layers into blocks. Names of
    a head's layers, such as "logits", "hidden", "pooling" and those that begin with "head_", must not be used.

    Pretrained word vectors start the rows of `word_embedding`, one for each token id; or, in an architecture with the
    fields `words` and `word_width`, those of a table of words: see `zoo.layers.word_table`.

    Named sizes are constants at the foot of the file, the smallest first: `architecture=bert` on the command line takes
    the first, `architecture=bert:large` another.

    One graph serves training, cached decoding, packed rows, freezing and export: the graph must be the same for every
    input, so no Python control flow over tensors and no subclassed `keras.Model` (subclassed layers are welcome).
    """

    vocabulary: int = 20_000  # token ids
    padding: int = 0  # id of the padding token

    causal: bool = fact(False)  # the feature at time t depends on tokens up to t only
    pooling: str | None = fact("mean")  # of features into one vector a text; None: features are one vector already
    tied: bool = fact(False)  # weight tying: logits are products with the word vectors
    decoder_start: tuple[str, ...] = fact(("start",))  # special tokens that start the decoder's input
    word_embedding: str = fact("embedding")  # name of the layer with the word vectors, which may be pretrained
    # A regular expression over names of layers, as `group_matcher` of timm: layers whose names begin with the same
    # match are one block. `tuning` freezes, unfreezes and scales the learning rate by blocks.
    blocks: str = fact(r"(block|layer|encoder|decoder|dense)\d+")

    huggingface: ClassVar[HuggingFaceMapping | None] = None  # to checkpoints of Hugging Face transformers
    keras_hub: ClassVar[KerasHubMapping | None] = None  # to presets of KerasHub

    @abstractmethod
    def __call__(self, tokens: keras.KerasTensor) -> keras.KerasTensor:
        """Features of the inputs: (batch, time, width), or (batch, width) where `pooling` is None."""

    @classmethod
    def inputs(cls) -> list[str]:
        """Names of the inputs, in order."""
        return [name for name in inspect.signature(cls.__call__).parameters if name != "self"]

    def backbone(self) -> keras.Model:
        """Build the backbone: a `keras.Model` from {input: ids, (batch, time)} to features."""
        inputs = {name: keras.Input((None,), dtype="int32", name=name) for name in self.inputs()}
        return keras.Model(inputs, self(**inputs), name="backbone")

    def logits(self, backbone: keras.Model, x: keras.KerasTensor | None = None) -> keras.KerasTensor:
        """Logits over the vocabulary, (..., vocabulary), of `x`, by default of the features that `backbone` computes.

        Where `tied`, logits are products with the word vectors: weight tying (Press & Wolf 2017,
        https://arxiv.org/abs/1608.05859).
        """
        x = backbone.output if x is None else x
        if self.tied:
            return backbone.get_layer("embedding")(x, reverse=True)
        return Dense(self.vocabulary, name="logits")(x)

    def adapt(
        self, backbone: keras.Model, texts: Iterable[np.ndarray], targets: Iterable[np.ndarray] | None = None
    ) -> None:
        """Compute statistics of the training texts before the first step, as `adapt` of Keras's preprocessing layers.

        Does nothing in most architectures.

        Args:
            backbone: the model that `backbone()` built.
            texts: the token ids of each training text, 1-D integer arrays.
            targets: the labels of each text, 1-D arrays; for architectures that need them (`naive_bayes` of MLP).
        """

    def _set(self, **values: Any) -> None:
        """Set fields of this frozen instance; for `__post_init__` only."""
        for name, value in values.items():
            object.__setattr__(self, name, value)
