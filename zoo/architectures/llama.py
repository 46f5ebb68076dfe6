"""A decoder-only Transformer with rotary positions, RMS norms and gated feed-forward layers (Llama).

Touvron et al. 2023, LLaMA, https://arxiv.org/abs/2302.13971, and Llama 2, https://arxiv.org/abs/2307.09288
(grouped-query attention); Llama Team 2024, https://arxiv.org/abs/2407.21783 (Llama 3). No layer has a bias.
No difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from keras import KerasTensor
from keras.initializers import RandomNormal

from zoo.architectures import Architecture, fact
from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping, KerasHubMapping
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.embedding import TokenEmbedding
from zoo.layers.positions import ROPE_THETA
from zoo.layers.transformer import FeedForward, residual, rms_norm
from zoo.runtime.errors import UserError

INIT_STD = 0.02  # of initial weights, `initializer_range` of the published configurations
# constants of RoPE scaling, the same in all sizes of Llama 3.1 and 3.2
SCALING = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
ALL_ROTARY = {"partial_rotary_factor": 1.0}  # all dimensions of a head are rotated
ROPE_KEYS = {"rope_theta", "rope_type", "type", "factor", *SCALING, *ALL_ROTARY}


class LlamaMapping(HuggingFaceMapping):
    """Mapping of Llama, whose config.json has an old and a new form of the settings of rotary positions (RoPE)."""

    def read_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        width, heads, head_width = config["hidden_size"], config["num_attention_heads"], config.get("head_dim")
        if width % heads or head_width not in (None, width // heads):
            raise UserError(
                "Expected heads that share the width in config.json. "
                f"Received: hidden_size={width}, num_attention_heads={heads}, head_dim={head_width!r:.40}."
            )
        return {"kv_heads": heads} | super().read_fields(config) | self._rotary_fields(config)

    def _rotary_fields(self, config):
        parts = [config.get(key) or {} for key in ("rope_parameters", "rope_scaling")]
        rope = {"rope_theta": config.get("rope_theta", ROPE_THETA)}
        for part in parts:
            rope |= part if isinstance(part, dict) else {"rope_type": part}
        rope_type = rope.get("rope_type", rope.get("type", "default"))
        factor, theta = rope.get("factor", 1.0) if rope_type == "llama3" else 1.0, rope["rope_theta"]
        context = {"original_max_position_embeddings": config["max_position_embeddings"]} | config | rope
        constants = SCALING if rope_type == "llama3" else {}
        wrong = any(context.get(key, value) != value for key, value in (constants | ALL_ROTARY).items())
        numbers = all(isinstance(value, int | float) and value > 0 for value in (factor, theta))
        if rope_type not in ("default", "llama3") or wrong or not numbers or set(rope) - ROPE_KEYS:
            raise UserError(
                "Expected rotary positions as in Llama 2 or 3 (rope_parameters or rope_scaling in config.json). "
                f"Received: {rope!r:.300}."
            )
        return {"rope_theta": theta, "rope_scaling": factor}

    def to_config(self, architecture: "Llama") -> dict[str, Any]:
        rope = {"rope_theta": architecture.rope_theta, "rope_type": "default"}
        if architecture.rope_scaling != 1:
            rope |= {"rope_type": "llama3", "factor": architecture.rope_scaling, **SCALING}
        return super().to_config(architecture) | {"rope_parameters": rope}


@dataclass(frozen=True, kw_only=True)
class Llama(Architecture):
    """Pre-norm blocks of causal self-attention, with rotary positions: (batch, time, width) features.

    Any id may be `padding`: later tokens change no feature.
    """

    vocabulary: int = 32_000
    length: int = 2048  # tokens of the longest text in training
    width: int = 4096  # of the residual stream
    depth: int = 32  # blocks
    heads: int = 32  # attention heads of a block
    kv_heads: int = 32  # heads of keys and values, each shared by a group of heads
    hidden: int = 11_008  # of the feed-forward layers
    epsilon: float = 1e-6  # added to the mean square by norms
    rope_theta: float = ROPE_THETA  # base of the rotary frequencies
    rope_scaling: float = 1.0  # factor by which low rotary frequencies are divided (Llama 3.1); 1: no scaling
    tied: bool = False  # weight tying: logits are products with the word vectors

    causal: bool = fact(True)
    pooling: str | None = fact("last")
    huggingface = LlamaMapping(
        model_type="llama",
        class_name="LlamaModel",
        fields={
            "vocabulary": "vocab_size",
            "padding": "pad_token_id",
            "length": "max_position_embeddings",
            "width": "hidden_size",
            "depth": "num_hidden_layers",
            "heads": "num_attention_heads",
            "kv_heads": "num_key_value_heads",
            "hidden": "intermediate_size",
            "epsilon": "rms_norm_eps",
            "tied": "tie_word_embeddings",
        },
        required={"hidden_act": "silu", "attention_bias": False, "mlp_bias": False},
        defaults={
            "vocab_size": 32_000,
            "max_position_embeddings": 2048,
            "hidden_size": 4096,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "intermediate_size": 11_008,
            "rms_norm_eps": 1e-6,
            "tie_word_embeddings": False,
        },
        also_read=("head_dim", "rope_parameters", "rope_theta", "rope_scaling", *SCALING, *ALL_ROTARY),
        training_only={"attention_dropout": 0.0},
        unused=("pretraining_tp", "is_decoder"),  # how products are computed; always a decoder
        prefix="model.",
        layers={
            "embedding": "embed_tokens",
            "block{i}_attention_norm": "layers.{i}.input_layernorm",
            "block{i}_attention/query": "layers.{i}.self_attn.q_proj",
            "block{i}_attention/key": "layers.{i}.self_attn.k_proj",
            "block{i}_attention/value": "layers.{i}.self_attn.v_proj",
            "block{i}_attention/out": "layers.{i}.self_attn.o_proj",
            "block{i}_feed_forward_norm": "layers.{i}.post_attention_layernorm",
            "block{i}_feed_forward/gate": "layers.{i}.mlp.gate_proj",
            "block{i}_feed_forward/up": "layers.{i}.mlp.up_proj",
            "block{i}_feed_forward/down": "layers.{i}.mlp.down_proj",
            "norm": "norm",
        },
        heads={
            "LlamaForCausalLM": HeadMapping(objective="next_token", layers={"logits/kernel": "lm_head.weight"}),
            "LlamaForSequenceClassification": HeadMapping(
                objective="classify_text", layers={"logits/kernel": "score.weight"}, settings={"pooling": "last"}
            ),
            "LlamaForTokenClassification": HeadMapping(
                objective="tag_tokens",
                layers={"tags": "score"},
                settings={"crf": False},
                dropout=("classifier_dropout", "hidden_dropout"),
            ),
        },
        output="lm_head.weight",
        ignored=("layers.{i}.self_attn.rotary_emb.inv_freq",),
    )
    keras_hub = KerasHubMapping(
        class_name="LlamaBackbone",
        fields={
            "heads": "num_query_heads",
            "kv_heads": "num_key_value_heads",
            "epsilon": "layer_norm_epsilon",
            "rope_theta": "rope_max_wavelength",
        },
        layers={
            "token_embedding": "embedding",
            "token_embedding/reverse_embeddings": "logits/kernel",
            "transformer_layer_{i}/self_attention_layernorm": "block{i}_attention_norm",
            "transformer_layer_{i}/self_attention/query": "block{i}_attention/query",
            "transformer_layer_{i}/self_attention/key": "block{i}_attention/key",
            "transformer_layer_{i}/self_attention/value": "block{i}_attention/value",
            "transformer_layer_{i}/self_attention/attention_output": "block{i}_attention/out",
            "transformer_layer_{i}/feedforward_layernorm": "block{i}_feed_forward_norm",
            "transformer_layer_{i}/feedforward_gate_dense": "block{i}_feed_forward/gate",
            "transformer_layer_{i}/feedforward_intermediate_dense": "block{i}_feed_forward/up",
            "transformer_layer_{i}/feedforward_output_dense": "block{i}_feed_forward/down",
            "sequence_output_layernorm": "norm",
        },
        required={"rope_position_scaling_factor": 1.0, "rope_frequency_adjustment_factor": None},
        head="LlamaForCausalLM",
    )

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        init = RandomNormal(stddev=INIT_STD)
        x = TokenEmbedding(self.vocabulary, self.width, None, embeddings_initializer=init, name="embedding")(tokens)
        for i in range(self.depth):
            x = self._block(x, f"block{i}")
        return rms_norm(x, "norm", self.epsilon)

    def _block(self, x, name):
        """x + attention(norm(x)), then x + feed_forward(norm(x))."""
        rotary = {"rope_theta": self.rope_theta, "rope_scaling": self.rope_scaling}
        heads = {"heads": self.heads, "kv_heads": self.kv_heads, "rotary": rotary, "causal": True}
        options, norm = {"use_bias": False, "init_std": INIT_STD}, partial(rms_norm, epsilon=self.epsilon)
        attention = MultiHeadAttention(**heads, **options, name=f"{name}_attention")
        feed_forward = FeedForward(self.hidden, "silu", gated=True, **options, name=f"{name}_feed_forward")
        x = residual(x, attention, "pre", 0.0, f"{name}_attention", norm)
        return residual(x, feed_forward, "pre", 0.0, f"{name}_feed_forward", norm)


_LLAMA2 = {"length": 4096, "epsilon": 1e-5}
_LLAMA3 = {"vocabulary": 128_256, "length": 8192, "kv_heads": 8, "epsilon": 1e-5, "rope_theta": 500_000.0}
_LLAMA31 = {**_LLAMA3, "length": 131_072}
TINY = Llama(width=128, depth=2, heads=4, kv_heads=2, hidden=344)  # no published size: trains on a laptop
LLAMA_7B = Llama()
LLAMA_13B = Llama(width=5120, depth=40, heads=40, kv_heads=40, hidden=13_824)
LLAMA2_7B = Llama(**_LLAMA2)
LLAMA2_13B = Llama(**_LLAMA2, width=5120, depth=40, heads=40, kv_heads=40, hidden=13_824)
LLAMA2_70B = Llama(**_LLAMA2, width=8192, depth=80, heads=64, kv_heads=8, hidden=28_672)
LLAMA3_8B = Llama(**_LLAMA3, hidden=14_336)
LLAMA3_70B = Llama(**_LLAMA3, width=8192, depth=80, heads=64, hidden=28_672)
LLAMA31_8B = Llama(**_LLAMA31, hidden=14_336, rope_scaling=8.0)
LLAMA32_1B = Llama(**_LLAMA31, width=2048, depth=16, hidden=8192, rope_scaling=32.0, tied=True)
LLAMA32_3B = Llama(**_LLAMA31, width=3072, depth=28, heads=24, hidden=8192, rope_scaling=32.0, tied=True)
TINYLLAMA = Llama(length=2048, width=2048, depth=22, kv_heads=4, hidden=5632, epsilon=1e-5)
