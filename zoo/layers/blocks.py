"""What Transformers are drawn with: a feed-forward layer, residual connections, an encoder block.

The blocks are functions that draw named layers into a graph, not layers themselves, so that every attention layer of
a network can be found in it.
"""

import keras
from keras.layers import Add, Dense, Dropout, LayerNormalization

from zoo.layers.attention import MultiHeadAttention
from zoo.layers.choice import choose

NORMS = ("pre", "post")
EPSILON = 1e-5  # what torch.nn.LayerNorm and GPT-2 add to the variance


@keras.saving.register_keras_serializable(package="zoo")
class FeedForward(keras.layers.Layer):
    """Two dense layers for each token by itself: (batch, time, width) to the same shape, `hidden` wide in between.

    Vaswani et al. 2017, section 3.3, https://arxiv.org/abs/1706.03762.
    """

    def __init__(self, hidden, activation="relu", dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout  # of what is in between

    def build(self, x_shape):
        self.widen = Dense(self.hidden, activation=self.activation, name="widen", dtype=self.dtype_policy)
        self.drop = Dropout(self.dropout, name="drop", dtype=self.dtype_policy)
        self.narrow = Dense(x_shape[-1], name="narrow", dtype=self.dtype_policy)
        self.widen.build(x_shape)
        self.narrow.build((*x_shape[:-1], self.hidden))

    def call(self, x, training=False):
        return self.narrow(self.drop(self.widen(x), training=training))


def normalize(x, name):
    """Layer normalization (Ba et al. 2016, https://arxiv.org/abs/1607.06450) of each token."""
    return LayerNormalization(epsilon=EPSILON, name=name)(x)


def residual(x, change, norm, dropout, name):
    """`x` plus what `change` makes of it.

    Args:
        norm: "post" normalises the sum, as Vaswani et al. 2017; "pre" what `change` is given, as Xiong et al. 2020,
            https://arxiv.org/abs/2002.04745, which trains without warm-up but needs a norm after the last block.
        dropout: of the change.
    """
    pre = choose("norm", norm, NORMS) == "pre"
    y = change(normalize(x, f"{name}_norm") if pre else x)
    x = Add(name=f"{name}_sum")([x, Dropout(dropout, name=f"{name}_dropout")(y)])
    return x if pre else normalize(x, f"{name}_norm")


def encoder_block(x, visible, attention, feed_forward, norm, dropout, name):
    """Draw a Transformer's encoder block: attention among the visible tokens, then a feed-forward layer.

    `attention` and `feed_forward` are the options of the layers `MultiHeadAttention` and `FeedForward`.
    """
    attend = MultiHeadAttention(**attention, name=f"{name}_attention")
    think = FeedForward(**feed_forward, name=f"{name}_feed_forward")
    x = residual(x, lambda y: attend(y, visible=visible), norm, dropout, f"{name}_attention")
    return residual(x, think, norm, dropout, f"{name}_feed_forward")
