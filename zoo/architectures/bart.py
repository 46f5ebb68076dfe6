"""A denoising Transformer encoder-decoder (BART), to be fine-tuned for summaries and translation.

Lewis et al. 2019, BART, https://arxiv.org/abs/1910.13461. No difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
from keras import KerasTensor, Model
from keras.initializers import RandomNormal

from zoo.architectures import Architecture, fact
from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping, KerasHubMapping, gelu_of
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.positions import LearnedPositions
from zoo.layers.token_logits import Bias
from zoo.layers.transformer import decoder_block, encoder_block, layer_norm
from zoo.runtime.errors import UserError

INIT_STD = 0.02  # of initial weights, `init_std` of the published configurations
OFFSET = 2  # unused rows before the first position, in the released code


@keras.saving.register_keras_serializable(package="zoo")
class LogitsBias(Bias):
    """A bias of the logits, (1, vocabulary) as in published checkpoints."""

    def build(self, x_shape):
        self.bias = self.add_weight((1, x_shape[-1]), initializer="zeros", name="bias")


class BARTMapping(HuggingFaceMapping):
    """Mapping of BART, whose encoder and decoder have the same sizes here."""

    def read_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        gelu_of(config, "activation_function", ["gelu"])
        if config["decoder_start_token_id"] == config["pad_token_id"]:
            raise UserError(
                "Expected another decoder_start_token_id than pad_token_id in config.json: padding has no vector here. "
                f"Received: {config['pad_token_id']!r:.40} for both."
            )
        for size in ("layers", "attention_heads", "ffn_dim"):
            keys = [f"{part}_{size}" for part in ("encoder", "decoder")]
            if config[keys[0]] != config[keys[1]]:
                received = ", ".join(f"{key}={config[key]!r:.40}" for key in keys)
                raise UserError(
                    f"Expected an encoder and a decoder of the same size in config.json. Received: {received}."
                )
        return super().read_fields(config)

    def to_config(self, architecture: "BART") -> dict[str, Any]:
        return super().to_config(architecture) | {"activation_function": "gelu"}


@dataclass(frozen=True, kw_only=True)
class BART(Architecture):
    """Post-norm blocks of an encoder and a decoder, with learned positions: (batch, target time, width) features."""

    vocabulary: int = 50_265
    length: int = 1024  # rows of the table of positions: the longest text
    width: int = 768  # of the residual stream
    depth: int = 6  # blocks of the encoder, and of the decoder
    heads: int = 12  # attention heads of a block
    hidden: int = 3072  # of the feed-forward layers
    dropout: float = 0.1  # of embeddings, attention weights and outputs of sublayers
    tied: bool = True  # weight tying: logits are products with the word vectors

    causal: bool = fact(True)
    pooling: str | None = fact("last")
    decoder_start: tuple[str, ...] = fact(("end", "start"))
    huggingface = BARTMapping(
        model_type="bart",
        class_name="BartModel",
        fields={
            "vocabulary": "vocab_size",
            "padding": "pad_token_id",
            "length": "max_position_embeddings",
            "width": "d_model",
            "depth": ("encoder_layers", "decoder_layers"),
            "heads": ("encoder_attention_heads", "decoder_attention_heads"),
            "hidden": ("encoder_ffn_dim", "decoder_ffn_dim"),
            "dropout": ("dropout", "attention_dropout"),
            "tied": "tie_word_embeddings",
        },
        required={"scale_embedding": False, "is_decoder": False},
        defaults={
            "vocab_size": 50_265,
            "pad_token_id": 1,
            "max_position_embeddings": 1024,
            "d_model": 1024,
            **dict.fromkeys(("encoder_layers", "decoder_layers"), 12),
            **dict.fromkeys(("encoder_attention_heads", "decoder_attention_heads"), 16),
            **dict.fromkeys(("encoder_ffn_dim", "decoder_ffn_dim"), 4096),
            "dropout": 0.1,
            "activation_function": "gelu",
            "tie_word_embeddings": True,
            "decoder_start_token_id": 2,
            "eos_token_id": 2,
        },
        aliases={
            "hidden_size": "d_model",
            "num_attention_heads": "encoder_attention_heads",
            "num_hidden_layers": "encoder_layers",
        },
        also_read=("activation_function",),
        training_only={"activation_dropout": 0.0, "encoder_layerdrop": 0.0, "decoder_layerdrop": 0.0},
        unused=(  # of the first releases; transformers no longer reads them
            *("add_bias_logits", "add_final_layer_norm", "normalize_before", "normalize_embedding"),
            *("static_position_embeddings", "extra_pos_embeddings", "classif_dropout", "output_past", "init_std"),
            "force_bos_token_to_be_generated",
        ),
        prefix="model.",
        layers={
            "embedding": "shared",
            "source_positions": "encoder.embed_positions",
            "source_norm": "encoder.layernorm_embedding",
            "encoder{i}_attention/query": "encoder.layers.{i}.self_attn.q_proj",
            "encoder{i}_attention/key": "encoder.layers.{i}.self_attn.k_proj",
            "encoder{i}_attention/value": "encoder.layers.{i}.self_attn.v_proj",
            "encoder{i}_attention/out": "encoder.layers.{i}.self_attn.out_proj",
            "encoder{i}_attention_norm": "encoder.layers.{i}.self_attn_layer_norm",
            "encoder{i}_feed_forward/up": "encoder.layers.{i}.fc1",
            "encoder{i}_feed_forward/down": "encoder.layers.{i}.fc2",
            "encoder{i}_feed_forward_norm": "encoder.layers.{i}.final_layer_norm",
            "target_positions": "decoder.embed_positions",
            "target_norm": "decoder.layernorm_embedding",
            "decoder{i}_attention/query": "decoder.layers.{i}.self_attn.q_proj",
            "decoder{i}_attention/key": "decoder.layers.{i}.self_attn.k_proj",
            "decoder{i}_attention/value": "decoder.layers.{i}.self_attn.v_proj",
            "decoder{i}_attention/out": "decoder.layers.{i}.self_attn.out_proj",
            "decoder{i}_attention_norm": "decoder.layers.{i}.self_attn_layer_norm",
            "decoder{i}_source_attention/query": "decoder.layers.{i}.encoder_attn.q_proj",
            "decoder{i}_source_attention/key": "decoder.layers.{i}.encoder_attn.k_proj",
            "decoder{i}_source_attention/value": "decoder.layers.{i}.encoder_attn.v_proj",
            "decoder{i}_source_attention/out": "decoder.layers.{i}.encoder_attn.out_proj",
            "decoder{i}_source_attention_norm": "decoder.layers.{i}.encoder_attn_layer_norm",
            "decoder{i}_feed_forward/up": "decoder.layers.{i}.fc1",
            "decoder{i}_feed_forward/down": "decoder.layers.{i}.fc2",
            "decoder{i}_feed_forward_norm": "decoder.layers.{i}.final_layer_norm",
        },
        heads={
            "BartForConditionalGeneration": HeadMapping(
                objective="translate",
                layers={"logits_bias/bias": "final_logits_bias", "logits/kernel": "lm_head.weight"},
            ),
            "BartForSequenceClassification": HeadMapping(
                objective="classify_text",
                layers={"hidden": "classification_head.dense", "logits": "classification_head.out_proj"},
                settings={"pooling": "last", "dense_activation": "tanh"},
                dropout=("classifier_dropout",),
            ),
        },
        output="lm_head.weight",
        copies={"encoder.embed_tokens.weight": "shared.weight", "decoder.embed_tokens.weight": "shared.weight"},
    )
    keras_hub = KerasHubMapping(
        class_name="BartBackbone",
        fields={"length": "max_sequence_length", "heads": "num_heads", "dropout": "dropout"},
        layers={
            "token_embedding": "embedding",
            "encoder_position_embedding": "source_positions",
            "encoder_embeddings_layer_norm": "source_norm",
            "transformer_encoder_layer_{i}/self_attention_layer/query": "encoder{i}_attention/query",
            "transformer_encoder_layer_{i}/self_attention_layer/key": "encoder{i}_attention/key",
            "transformer_encoder_layer_{i}/self_attention_layer/value": "encoder{i}_attention/value",
            "transformer_encoder_layer_{i}/self_attention_layer/attention_output": "encoder{i}_attention/out",
            "transformer_encoder_layer_{i}/self_attention_layer_norm": "encoder{i}_attention_norm",
            "transformer_encoder_layer_{i}/feedforward_intermediate_dense": "encoder{i}_feed_forward/up",
            "transformer_encoder_layer_{i}/feedforward_output_dense": "encoder{i}_feed_forward/down",
            "transformer_encoder_layer_{i}/feedforward_layer_norm": "encoder{i}_feed_forward_norm",
            "decoder_position_embedding": "target_positions",
            "decoder_embeddings_layer_norm": "target_norm",
            "transformer_decoder_layer_{i}/self_attention/query": "decoder{i}_attention/query",
            "transformer_decoder_layer_{i}/self_attention/key": "decoder{i}_attention/key",
            "transformer_decoder_layer_{i}/self_attention/value": "decoder{i}_attention/value",
            "transformer_decoder_layer_{i}/self_attention/attention_output": "decoder{i}_attention/out",
            "transformer_decoder_layer_{i}/self_attention_layer_norm": "decoder{i}_attention_norm",
            "transformer_decoder_layer_{i}/cross_attention/query": "decoder{i}_source_attention/query",
            "transformer_decoder_layer_{i}/cross_attention/key": "decoder{i}_source_attention/key",
            "transformer_decoder_layer_{i}/cross_attention/value": "decoder{i}_source_attention/value",
            "transformer_decoder_layer_{i}/cross_attention/attention_output": "decoder{i}_source_attention/out",
            "transformer_decoder_layer_{i}/cross_attention_layer_norm": "decoder{i}_source_attention_norm",
            "transformer_decoder_layer_{i}/feedforward_intermediate_dense": "decoder{i}_feed_forward/up",
            "transformer_decoder_layer_{i}/feedforward_output_dense": "decoder{i}_feed_forward/down",
            "transformer_decoder_layer_{i}/feedforward_layer_norm": "decoder{i}_feed_forward_norm",
        },
    )

    def __call__(self, source: KerasTensor, target: KerasTensor) -> KerasTensor:
        init = RandomNormal(stddev=INIT_STD)
        padding_mask = PaddingMask(self.padding, name="padding_mask")(source)
        embedding = TokenEmbedding(
            self.vocabulary, self.width, self.padding, embeddings_initializer=init, name="embedding"
        )
        x = self._add_positions(embedding(source), "source")
        for i in range(self.depth):
            x = encoder_block(x, padding_mask, **self._block_options, name=f"encoder{i}")
        y = self._add_positions(embedding(target), "target")
        for i in range(self.depth):
            y = decoder_block(y, x, padding_mask, **self._block_options, name=f"decoder{i}")
        return y

    def logits(self, backbone: Model, x: KerasTensor | None = None) -> KerasTensor:
        return LogitsBias(name="logits_bias")(super().logits(backbone, x))

    @property
    def _block_options(self):
        return {
            "attention": {"heads": self.heads, "dropout": self.dropout, "init_std": INIT_STD},
            "feed_forward": {"hidden": self.hidden, "activation": "gelu", "init_std": INIT_STD},
            "norm": "post",
            "dropout": self.dropout,
        }

    def _add_positions(self, x, name):
        x = layer_norm(LearnedPositions(self.length, OFFSET, name=f"{name}_positions")(x), f"{name}_norm")
        return Dropout(self.dropout, name=f"{name}_dropout")(x)


PADDING = 1  # id of <pad> in the published vocabulary
TINY = BART(padding=PADDING, width=128, depth=2, heads=2, hidden=512)  # no published size: trains on a laptop
BASE = BART(padding=PADDING)
LARGE = BART(padding=PADDING, width=1024, depth=12, heads=16, hidden=4096)
