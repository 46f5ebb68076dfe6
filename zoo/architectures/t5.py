"""A Transformer encoder-decoder with relative position biases, pretrained on text-to-text tasks (T5).

Raffel et al. 2020, T5, https://arxiv.org/abs/1910.10683. Version 1.1 (`gated`, not `tied`) has the feed-forward layers
of Shazeer 2020, https://arxiv.org/abs/2002.05202, and an output layer of its own. No difference.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

from keras import KerasTensor, Model
from keras.initializers import RandomNormal
from keras.layers import Rescaling

from zoo.architectures import Architecture, fact
from zoo.architectures._pretrained import HeadMapping
from zoo.architectures._t5_mapping import T5HubMapping, T5Mapping, stacks
from zoo.layers.attention import T5Attention
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.relative_positions import RelativePositionBias
from zoo.layers.transformer import FeedForward, residual, rms_norm


@dataclass(frozen=True, kw_only=True)
class T5(Architecture):
    """Pre-norm blocks of an encoder and a decoder, without biases: (batch, target time, width) features.

    The decoder's input starts with the padding id, whose embedding is learned.
    """

    vocabulary: int = 32_128
    width: int = 512  # of the residual stream
    depth: int = 6  # blocks of the encoder, and of the decoder
    heads: int = 8  # attention heads of a block
    head_width: int = 64  # of the keys of an attention head
    hidden: int = 2048  # of the feed-forward layers
    gated: bool = False  # version 1.1: gated feed-forward layers, with GELU in place of ReLU
    tied: bool = True  # weight tying: logits are products with the word vectors; not in version 1.1
    scaled: bool | None = None  # features are divided by the root of the width before the logits; None: as `tied`
    buckets: int = 32  # of relative positions
    max_distance: int = 128  # tokens; relative positions this far apart and farther share a bucket
    dropout: float = 0.1  # of word vectors, attention weights, feed-forward layers, outputs of sublayers and features
    epsilon: float = 1e-6  # added to the mean square by norms

    causal: bool = fact(True)
    pooling: str | None = fact("last")
    decoder_start: tuple[str, ...] = fact(("padding",))
    huggingface = T5Mapping(
        model_type="t5",
        class_name="T5Model",
        fields={
            "vocabulary": "vocab_size",
            "padding": "pad_token_id",
            "width": "d_model",
            "depth": "num_layers",
            "heads": "num_heads",
            "head_width": "d_kv",
            "hidden": "d_ff",
            "buckets": "relative_attention_num_buckets",
            "max_distance": "relative_attention_max_distance",
            "dropout": "dropout_rate",
            "epsilon": "layer_norm_epsilon",
        },
        defaults={
            "vocab_size": 32_128,
            "pad_token_id": 0,
            "eos_token_id": 1,
            "d_model": 512,
            "d_kv": 64,
            "d_ff": 2048,
            "num_layers": 6,
            "num_heads": 8,
            "relative_attention_num_buckets": 32,
            "relative_attention_max_distance": 128,
            "dropout_rate": 0.1,
            "layer_norm_epsilon": 1e-6,
            "feed_forward_proj": "relu",
            "tie_word_embeddings": True,
        },
        aliases={
            "hidden_size": "d_model",
            "num_attention_heads": "num_heads",
            "num_hidden_layers": "num_layers",
            "head_dim": "d_kv",
        },
        also_read=(
            *("feed_forward_proj", "dense_act_fn", "is_gated_act", "num_decoder_layers"),
            *("tie_word_embeddings", "scale_decoder_outputs"),
        ),
        required={"is_decoder": False},
        unused=("n_positions",),  # relative positions have no limit
        layers={
            "embedding": "shared",
            "encoder_distance": "encoder.block.0.layer.0.SelfAttention.relative_attention_bias",
            "encoder{i}_attention_norm": "encoder.block.{i}.layer.0.layer_norm",
            "encoder{i}_attention/query": "encoder.block.{i}.layer.0.SelfAttention.q",
            "encoder{i}_attention/key": "encoder.block.{i}.layer.0.SelfAttention.k",
            "encoder{i}_attention/value": "encoder.block.{i}.layer.0.SelfAttention.v",
            "encoder{i}_attention/out": "encoder.block.{i}.layer.0.SelfAttention.o",
            "encoder{i}_feed_forward_norm": "encoder.block.{i}.layer.1.layer_norm",
            "encoder{i}_feed_forward/up": "encoder.block.{i}.layer.1.DenseReluDense.wi",
            "encoder{i}_feed_forward/down": "encoder.block.{i}.layer.1.DenseReluDense.wo",
            "encoder{i}_gated/gate": "encoder.block.{i}.layer.1.DenseReluDense.wi_0",
            "encoder{i}_gated/up": "encoder.block.{i}.layer.1.DenseReluDense.wi_1",
            "encoder{i}_gated/down": "encoder.block.{i}.layer.1.DenseReluDense.wo",
            "encoder_norm": "encoder.final_layer_norm",
            "decoder_distance": "decoder.block.0.layer.0.SelfAttention.relative_attention_bias",
            "decoder{i}_attention_norm": "decoder.block.{i}.layer.0.layer_norm",
            "decoder{i}_attention/query": "decoder.block.{i}.layer.0.SelfAttention.q",
            "decoder{i}_attention/key": "decoder.block.{i}.layer.0.SelfAttention.k",
            "decoder{i}_attention/value": "decoder.block.{i}.layer.0.SelfAttention.v",
            "decoder{i}_attention/out": "decoder.block.{i}.layer.0.SelfAttention.o",
            "decoder{i}_source_attention_norm": "decoder.block.{i}.layer.1.layer_norm",
            "decoder{i}_source_attention/query": "decoder.block.{i}.layer.1.EncDecAttention.q",
            "decoder{i}_source_attention/key": "decoder.block.{i}.layer.1.EncDecAttention.k",
            "decoder{i}_source_attention/value": "decoder.block.{i}.layer.1.EncDecAttention.v",
            "decoder{i}_source_attention/out": "decoder.block.{i}.layer.1.EncDecAttention.o",
            "decoder{i}_feed_forward_norm": "decoder.block.{i}.layer.2.layer_norm",
            "decoder{i}_feed_forward/up": "decoder.block.{i}.layer.2.DenseReluDense.wi",
            "decoder{i}_feed_forward/down": "decoder.block.{i}.layer.2.DenseReluDense.wo",
            "decoder{i}_gated/gate": "decoder.block.{i}.layer.2.DenseReluDense.wi_0",
            "decoder{i}_gated/up": "decoder.block.{i}.layer.2.DenseReluDense.wi_1",
            "decoder{i}_gated/down": "decoder.block.{i}.layer.2.DenseReluDense.wo",
            "decoder_norm": "decoder.final_layer_norm",
        },
        heads={
            "T5ForConditionalGeneration": HeadMapping(
                objective="translate", layers={"logits/kernel": "lm_head.weight"}
            ),
            "T5ForSequenceClassification": HeadMapping(
                objective="classify_text",
                layers={"hidden": "classification_head.dense", "logits": "classification_head.out_proj"},
                settings={"pooling": "last", "dense_activation": "tanh"},
                prefix="transformer.",
                dropout=("classifier_dropout",),
            ),
        },
        output="lm_head.weight",
        always_tied=True,
        copies={"encoder.embed_tokens.weight": "shared.weight", "decoder.embed_tokens.weight": "shared.weight"},
        ignored=("decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",),  # of old files, unused
    )
    keras_hub = T5HubMapping(
        class_name="T5Backbone",
        fields={"heads": "num_heads", "dropout": "dropout", "epsilon": "layer_norm_epsilon"},
        head="T5ForConditionalGeneration",
        layers={
            "token_embedding": "embedding",
            "token_embedding/reverse_embeddings": "logits/kernel",
            **stacks("transformer_PART_layer_0/self_attention/embeddings", "PART_distance/embeddings"),
            **stacks("transformer_PART_layer_{i}/self_attention/query_projector", "PART{i}_attention/query"),
            **stacks("transformer_PART_layer_{i}/self_attention/key_projector", "PART{i}_attention/key"),
            **stacks("transformer_PART_layer_{i}/self_attention/value_projector", "PART{i}_attention/value"),
            **stacks("transformer_PART_layer_{i}/self_attention/output_projector", "PART{i}_attention/out"),
            **stacks("transformer_PART_layer_{i}/t5_layer_norm", "PART{i}_attention_norm"),
            "transformer_decoder_layer_{i}/cross_attention/query_projector": "decoder{i}_source_attention/query",
            "transformer_decoder_layer_{i}/cross_attention/key_projector": "decoder{i}_source_attention/key",
            "transformer_decoder_layer_{i}/cross_attention/value_projector": "decoder{i}_source_attention/value",
            "transformer_decoder_layer_{i}/cross_attention/output_projector": "decoder{i}_source_attention/out",
            "transformer_decoder_layer_{i}/t5_layer_norm_1": "decoder{i}_source_attention_norm",
            **stacks("transformer_PART_layer_{i}/input_projector", "PART{i}_feed_forward/up"),
            **stacks("transformer_PART_layer_{i}/gate_projector", "PART{i}_gated/up"),
            **stacks("transformer_PART_layer_{i}/output_projector", "PART{i}_feed_forward/down"),
            "transformer_encoder_layer_{i}/t5_layer_norm_1": "encoder{i}_feed_forward_norm",
            "transformer_decoder_layer_{i}/t5_layer_norm_2": "decoder{i}_feed_forward_norm",
            **stacks("PART_output_layer_norm", "PART_norm"),
        },
    )

    def __call__(self, source: KerasTensor, target: KerasTensor) -> KerasTensor:
        init = RandomNormal(stddev=1.0)  # as in the released code
        embedding = TokenEmbedding(self.vocabulary, self.width, None, embeddings_initializer=init, name="embedding")
        padding_mask = PaddingMask(self.padding, name="padding_mask")(source)
        x = Dropout(self.dropout, name="encoder_dropout")(embedding(source))
        bias = self._position_bias(x, "encoder")
        for i in range(self.depth):
            x = self._attention(x, f"encoder{i}_attention", padding_mask=padding_mask, bias=bias)
            x = self._feed_forward(x, f"encoder{i}")
        encoded = self._final_norm(x, "encoder")
        y = Dropout(self.dropout, name="decoder_dropout")(embedding(target))
        bias = self._position_bias(y, "decoder", causal=True)
        for i in range(self.depth):
            y = self._attention(y, f"decoder{i}_attention", causal=True, bias=bias)
            y = self._attention(y, f"decoder{i}_source_attention", context=encoded, padding_mask=padding_mask)
            y = self._feed_forward(y, f"decoder{i}")
        return self._final_norm(y, "decoder")

    def logits(self, backbone: Model, x: KerasTensor | None = None) -> KerasTensor:
        x = backbone.output if x is None else x
        scaled = Rescaling(self.width**-0.5, name="scale")(x) if self.scales else x  # initial word vectors have std 1
        return super().logits(backbone, scaled)

    @property
    def scales(self) -> bool:
        """Whether features are divided by the root of the width before the logits."""
        return self.tied if self.scaled is None else self.scaled

    def _position_bias(self, x, name, causal=False):
        bias = RelativePositionBias(self.heads, self.buckets, self.max_distance, causal, name=f"{name}_distance")
        return bias(x)

    def _attention(self, x, name, causal=False, **inputs):
        attention = T5Attention(self.heads, self.head_width, self.dropout, causal, name=name)
        return self._residual(x, partial(attention, **inputs), name)

    def _feed_forward(self, x, name):
        variant, activation = ("gated", "gelu_tanh") if self.gated else ("feed_forward", "relu")
        init = {"init_std": self.width**-0.5, "out_init_std": self.hidden**-0.5}
        options = {"dropout": self.dropout, "gated": self.gated, "use_bias": False, **init}
        feed_forward = FeedForward(self.hidden, activation, **options, name=f"{name}_{variant}")
        return self._residual(x, feed_forward, f"{name}_feed_forward")

    def _residual(self, x, sublayer, name):
        return residual(x, sublayer, "pre", self.dropout, name, partial(rms_norm, epsilon=self.epsilon))

    def _final_norm(self, x, name):
        x = rms_norm(x, f"{name}_norm", self.epsilon)
        return Dropout(self.dropout, name=f"{name}_norm_dropout")(x)


TINY = T5(width=128, depth=2, heads=2, hidden=512)  # no published size: trains on a laptop
SMALL = T5()
BASE = T5(width=768, depth=12, heads=12, hidden=3072)
LARGE = T5(width=1024, depth=24, heads=16, hidden=4096)
XL = T5(width=1024, depth=24, heads=32, head_width=128, hidden=16_384)  # called 3B
XXL = T5(width=1024, depth=24, heads=128, head_width=128, hidden=65_536)  # called 11B
_VERSION_1_1: dict[str, Any] = {"gated": True, "tied": False}
SMALL_1_1 = T5(**_VERSION_1_1, depth=8, heads=6, hidden=1024)
BASE_1_1 = T5(**_VERSION_1_1, width=768, depth=12, heads=12, hidden=2048)
LARGE_1_1 = T5(**_VERSION_1_1, width=1024, depth=24, heads=16, hidden=2816)
XL_1_1 = T5(**_VERSION_1_1, width=2048, depth=24, heads=32, hidden=5120)
XXL_1_1 = T5(**_VERSION_1_1, width=4096, depth=24, heads=64, hidden=10_240)
