"""What Transformers are drawn with: a feed-forward layer, residual connections, an encoder block.

The blocks are functions that draw named layers into a graph, not layers themselves, so that every attention layer of
a network can be found in it.
"""

from functools import partial

import keras
from keras.layers import Add, LayerNormalization, RMSNormalization

from zoo.layers.attention import MultiHeadAttention, kernel_init
from zoo.layers.dense import Dense
from zoo.layers.dropout import Dropout
from zoo.runtime.errors import one_of

NORMS = ("pre", "post")
EPSILON = 1e-5  # what torch.nn.LayerNorm and GPT-2 add to the variance
BERT_INIT_STD = 0.02  # of fresh weights, in the authors' modeling.py


@keras.saving.register_keras_serializable(package="zoo")
def gelu_tanh(x):
    """The Gaussian error linear unit by tanh, as in GPT-2 (Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2)."""
    return keras.activations.gelu(x, approximate=True)


ACTIVATIONS = {"gelu_tanh": gelu_tanh}  # others are Keras's own; its "gelu" is the exact one


@keras.saving.register_keras_serializable(package="zoo")
class FeedForward(keras.layers.Layer):
    """Two dense layers for each token by itself: (batch, time, width) to the same shape, `hidden` wide in between.

    Vaswani et al. 2017, section 3.3, https://arxiv.org/abs/1706.03762. With `gated`, what is in between is multiplied
    by a third dense layer's output: with `activation="silu"` SwiGLU of Shazeer 2020, https://arxiv.org/abs/2002.05202.
    """

    def __init__(
        self,
        hidden,
        activation="relu",
        dropout=0.0,
        gated=False,
        use_bias=True,
        init_std=None,
        out_init_std=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.hidden = hidden
        self.activation = activation
        self.dropout = dropout  # of what is in between
        self.gated = gated
        self.use_bias = use_bias
        self.init_std = init_std  # of fresh kernels: see `kernel_init`
        self.out_init_std = out_init_std  # of the last layer's; None: as of the others

    def build(self, x_shape):
        activation = ACTIVATIONS.get(self.activation, self.activation)
        if self.gated:
            self.gate = self._dense("gate", self.hidden, x_shape, self.init_std, activation)
        self.up = self._dense("up", self.hidden, x_shape, self.init_std, None if self.gated else activation)
        self.drop = Dropout(self.dropout, name="drop", dtype=self.dtype_policy)
        init_std = self.out_init_std or self.init_std
        self.down = self._dense("down", x_shape[-1], (*x_shape[:-1], self.hidden), init_std)

    def call(self, x, training=False):
        y = self.gate.call(x) * self.up.call(x) if self.gated else self.up.call(x)
        return self.down.call(self.drop(y, training=training) if self.dropout else y)

    def _dense(self, name, units, shape, init_std, activation=None):
        options = {"use_bias": self.use_bias, "kernel_initializer": kernel_init(init_std), "dtype": self.dtype_policy}
        layer = Dense(units, activation, name=name, **options)
        layer.build(shape)
        return layer


def layer_norm(x, name, epsilon=EPSILON):
    """Layer normalization (Ba et al. 2016, https://arxiv.org/abs/1607.06450) of each token."""
    return LayerNormalization(epsilon=epsilon, name=name)(x)


def rms_norm(x, name, epsilon=EPSILON):
    """Division of each token by its root mean square (Zhang & Sennrich 2019, https://arxiv.org/abs/1910.07467)."""
    return RMSNormalization(epsilon=epsilon, name=name)(x)


def residual(x, sublayer, norm, dropout, name, normalize=layer_norm):
    """`x` plus what `sublayer` makes of it.

    Args:
        norm: "post" normalises the sum, as Vaswani et al. 2017; "pre" what `sublayer` is given, as Xiong et al. 2020,
            https://arxiv.org/abs/2002.04745, which trains without warm-up but needs a norm after the last block.
        dropout: of the change.
        normalize: `normalize(x, name)` draws the norm.
    """
    pre = one_of("norm", norm, NORMS) == "pre"
    y = sublayer(normalize(x, f"{name}_norm") if pre else x)
    x = Add(name=f"{name}_sum")([x, Dropout(dropout, name=f"{name}_dropout")(y)])
    return x if pre else normalize(x, f"{name}_norm")


def encoder_block(x, padding_mask, attention, feed_forward, norm, dropout, name, normalize=layer_norm):
    """Draw a Transformer's encoder block: attention among the visible tokens, then a feed-forward layer.

    With `causal` among the attention's options and `padding_mask` None it is the block of a language model.
    `attention` and `feed_forward` are the options of the layers `MultiHeadAttention` and `FeedForward`.
    """
    attend = MultiHeadAttention(**attention, name=f"{name}_attention")
    think = FeedForward(**feed_forward, name=f"{name}_feed_forward")
    x = residual(x, lambda y: attend(y, padding_mask=padding_mask), norm, dropout, f"{name}_attention", normalize)
    return residual(x, think, norm, dropout, f"{name}_feed_forward", normalize)


def bert_blocks(x, padding_mask, architecture, epsilon, activation="gelu"):
    """Draw what BERT and its descendants share (Devlin et al. 2018, appendix A.2) on summed embeddings.

    A norm, dropout, and `architecture.depth` post-norm blocks with `heads`, `hidden` and `dropout` as it says, whose
    fresh weights have the deviation `BERT_INIT_STD`; every norm adds `epsilon` to the variance.
    """
    options = {
        "attention": {"heads": architecture.heads, "dropout": architecture.dropout, "init_std": BERT_INIT_STD},
        "feed_forward": {"hidden": architecture.hidden, "activation": activation, "init_std": BERT_INIT_STD},
        "norm": "post",
        "dropout": architecture.dropout,
        "normalize": partial(layer_norm, epsilon=epsilon),
    }
    x = Dropout(architecture.dropout, name="embedding_dropout")(layer_norm(x, "embedding_norm", epsilon))
    for i in range(architecture.depth):
        x = encoder_block(x, padding_mask, **options, name=f"block{i}")
    return x


def decoder_block(x, source, padding_mask, attention, feed_forward, norm, dropout, name):
    """Draw a Transformer's decoder block: attention to earlier tokens, then to the source, then a feed-forward layer.

    No token of the target needs hiding: padding comes last, where no real token looks. The rest is as in
    `encoder_block`.

    Args:
        source: (batch, source time, its width), the encoder's features.
        visible: (batch, source time) booleans, True where the source has a token.
    """
    attend = MultiHeadAttention(**attention, causal=True, name=f"{name}_attention")
    look = MultiHeadAttention(**attention, name=f"{name}_source_attention")
    think = FeedForward(**feed_forward, name=f"{name}_feed_forward")
    x = residual(x, attend, norm, dropout, f"{name}_attention")
    x = residual(
        x, lambda y: look(y, context=source, padding_mask=padding_mask), norm, dropout, f"{name}_source_attention"
    )
    return residual(x, think, norm, dropout, f"{name}_feed_forward")
