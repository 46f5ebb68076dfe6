"""An encoder-decoder that reads one text twice, in its encoder and shifted in its decoder: for classification.

Lewis et al. 2019, BART, section 3.1, https://arxiv.org/abs/1910.13461; the last token's feature stands for the text.
"""

import keras

from zoo.layers.shift import ShiftRight
from zoo.transforms.graph import Graph


def reads_text_twice(backbone: keras.Model, start: int) -> keras.Model:
    """A model with the same weights from `tokens`, (batch, time) ids, to the decoder's features for them.

    Args:
        backbone: an encoder-decoder, which reads `source` and `target`.
        start: the id before the text in the decoder.
    """
    tokens = keras.Input((None,), dtype="int32", name="tokens")
    shifted = ShiftRight(start, name="shift")(tokens)
    features = Graph(backbone).run({"source": tokens, "target": shifted})
    return keras.Model({"tokens": tokens}, features, name=backbone.name)
