"""Blocks that look only backwards, with rotary positions, RMS norms, gated feed-forward layers and no biases.

Touvron et al. 2023, LLaMA, https://arxiv.org/abs/2302.13971, and Llama 2, https://arxiv.org/abs/2307.09288 (grouped
heads); Llama Team 2024, https://arxiv.org/abs/2407.21783 (Llama 3). No difference.
"""

from dataclasses import dataclass
from functools import partial

from keras.initializers import RandomNormal

from zoo.architectures import Architecture
from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping, KerasHubMapping
from zoo.layers.embedding import TokenEmbedding
from zoo.layers.positions import BASE
from zoo.layers.transformer import encoder_block, normalize_size

DEVIATION = 0.02  # of fresh weights, `initializer_range` of the published configurations
SCALING = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}  # all of Llama 3


class Turned(HuggingFaceMapping):
    """Reads and writes the rotary positions, which config.json tells in one of two ways."""

    def settings(self, config):
        turn = config.get("rope_parameters") or {"rope_theta": config.get("rope_theta", BASE)}
        turn = turn | (config.get("rope_scaling") or {})
        kind = turn.get("rope_type", turn.get("type", "default"))
        if kind not in ("default", "llama3") or any(turn.get(key, value) != value for key, value in SCALING.items()):
            raise ValueError(f"Expected rotary positions as in Llama 2 or 3 in config.json. Received: {turn}.")
        if config.get("head_dim") not in (None, config["hidden_size"] // config["num_attention_heads"]):
            raise ValueError(
                f"Expected heads that share the width in config.json. Received: head_dim={config['head_dim']}."
            )
        heads = {"kv_heads": config["num_attention_heads"]}
        return heads | super().settings(config) | {"base": turn["rope_theta"], "factor": turn.get("factor", 1.0)}

    def write(self, architecture):
        turn = {"rope_theta": architecture.base, "rope_type": "default"}
        if architecture.factor != 1:
            turn |= {"rope_type": "llama3", "factor": architecture.factor, **SCALING}
        return super().write(architecture) | {"rope_parameters": turn}


@dataclass(frozen=True, kw_only=True)
class Llama(Architecture):
    """Pre-norm blocks over words: (batch, time, width) features, each of which has seen what is before.

    Any id may be `padding`: what comes after a token changes nothing.
    """

    vocabulary: int = 32_000
    length: int = 2048  # of the longest text that the weights have learned from
    width: int = 4096  # of the residual stream
    depth: int = 32  # blocks
    heads: int = 32
    kv_heads: int = 32  # of keys and values, each shared by a group of heads
    hidden: int = 11_008  # of the feed-forward layers
    epsilon: float = 1e-6  # added to the mean square by norms
    base: float = BASE  # of the rotary angles
    factor: float = 1.0  # by which slow angles are slower than they were before texts grew longer than 8192 tokens
    tied: bool = False  # logits are made with the word vectors

    causal = True
    pooling = "last"
    published = Turned(
        kind="llama",
        name="LlamaModel",
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
        fixed={"hidden_act": "silu", "attention_bias": False, "mlp_bias": False},
        prefix="model.",
        layers={
            "embedding": "embed_tokens",
            "block{i}_attention_norm": "layers.{i}.input_layernorm",
            "block{i}_attention/query": "layers.{i}.self_attn.q_proj",
            "block{i}_attention/key": "layers.{i}.self_attn.k_proj",
            "block{i}_attention/value": "layers.{i}.self_attn.v_proj",
            "block{i}_attention/out": "layers.{i}.self_attn.o_proj",
            "block{i}_feed_forward_norm": "layers.{i}.post_attention_layernorm",
            "block{i}_feed_forward/widen": "layers.{i}.mlp.gate_proj",
            "block{i}_feed_forward/gate": "layers.{i}.mlp.up_proj",
            "block{i}_feed_forward/narrow": "layers.{i}.mlp.down_proj",
            "norm": "norm",
        },
        heads={
            "LlamaForCausalLM": HeadMapping(objective="next_token", layers={"logits/kernel": "lm_head.weight"}),
            "LlamaForSequenceClassification": HeadMapping(
                objective="classify_text", layers={"logits/kernel": "score.weight"}, settings={"pooling": "last"}
            ),
        },
        copies=("layers.{i}.self_attn.rotary_emb.inv_freq",),
    )
    keras_hub = KerasHubMapping(
        name="LlamaBackbone",
        fields={
            "heads": "num_query_heads",
            "kv_heads": "num_key_value_heads",
            "epsilon": "layer_norm_epsilon",
            "base": "rope_max_wavelength",
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
            "transformer_layer_{i}/feedforward_gate_dense": "block{i}_feed_forward/widen",
            "transformer_layer_{i}/feedforward_intermediate_dense": "block{i}_feed_forward/gate",
            "transformer_layer_{i}/feedforward_output_dense": "block{i}_feed_forward/narrow",
            "sequence_output_layernorm": "norm",
        },
        only={"rope_position_scaling_factor": 1.0, "rope_frequency_adjustment_factor": None},
        head="LlamaForCausalLM",
    )

    def __call__(self, tokens):
        options = {"padding": None, "embeddings_initializer": RandomNormal(stddev=DEVIATION), "name": "embedding"}
        x = TokenEmbedding(self.vocabulary, self.width, **options)(tokens)
        for i in range(self.depth):
            x = encoder_block(x, None, **self._options, name=f"block{i}")
        return normalize_size(x, "norm", self.epsilon)

    @property
    def _options(self):
        fresh = {"use_bias": False, "deviation": DEVIATION}
        rotary = {"base": self.base, "factor": self.factor}
        return {
            "attention": {"heads": self.heads, "kv_heads": self.kv_heads, "causal": True, "rotary": rotary, **fresh},
            "feed_forward": {"hidden": self.hidden, "activation": "silu", "gated": True, **fresh},
            "norm": "pre",
            "dropout": 0.0,
            "normalize": partial(normalize_size, epsilon=self.epsilon),
        }


_TWO = {"length": 4096, "epsilon": 1e-5}
_THREE = {"vocabulary": 128_256, "length": 8192, "kv_heads": 8, "epsilon": 1e-5, "base": 500_000.0}
_LONG = {**_THREE, "length": 131_072}
LLAMA_7B = Llama()
LLAMA_13B = Llama(width=5120, depth=40, heads=40, kv_heads=40, hidden=13_824)
LLAMA2_7B = Llama(**_TWO)
LLAMA2_13B = Llama(**_TWO, width=5120, depth=40, heads=40, kv_heads=40, hidden=13_824)
LLAMA2_70B = Llama(**_TWO, width=8192, depth=80, heads=64, kv_heads=8, hidden=28_672)
LLAMA3_8B = Llama(**_THREE, hidden=14_336)
LLAMA3_70B = Llama(**_THREE, width=8192, depth=80, heads=64, hidden=28_672)
LLAMA31_8B = Llama(**_LONG, hidden=14_336, factor=8.0)
LLAMA32_1B = Llama(**_LONG, width=2048, depth=16, hidden=8192, factor=32.0, tied=True)
LLAMA32_3B = Llama(**_LONG, width=3072, depth=28, heads=24, hidden=8192, factor=32.0, tied=True)
TINYLLAMA = Llama(length=2048, width=2048, depth=22, kv_heads=4, hidden=5632, epsilon=1e-5)
