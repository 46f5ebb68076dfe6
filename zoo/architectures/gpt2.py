"""A decoder-only Transformer with causal self-attention (GPT-2), a language model.

Radford et al. 2019, Language Models are Unsupervised Multitask Learners (GPT-2),
https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf. No difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from keras import KerasTensor
from keras.initializers import RandomNormal

from zoo.architectures import Architecture, fact
from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping, KerasHubMapping, gelu_of
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import TokenEmbedding
from zoo.layers.positions import LearnedPositions
from zoo.layers.transformer import FeedForward, layer_norm, residual

INIT_STD = 0.02  # of initial weights, in the authors' model.py


class GPT2Mapping(HuggingFaceMapping):
    """Mapping of GPT-2, whose config.json may lack n_inner: 4 * n_embd."""

    def read_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        gelu_of(config, "activation_function", ["gelu_new"])
        values = super().read_fields(config)
        return {"hidden": 4 * values["width"]} | values

    def to_config(self, architecture: "GPT2") -> dict[str, Any]:
        return super().to_config(architecture) | {"activation_function": "gelu_new"}


@dataclass(frozen=True, kw_only=True)
class GPT2(Architecture):
    """Pre-norm blocks of causal self-attention, with learned positions: (batch, time, width) features.

    Any id may be `padding`, even the end of a text as in the published sizes: later tokens change no feature.
    """

    vocabulary: int = 50_257
    length: int = 1024  # rows of the table of positions: the longest text
    width: int = 768  # of the residual stream
    depth: int = 12  # blocks
    heads: int = 12  # attention heads of a block
    hidden: int = 3072  # of the feed-forward layers
    dropout: float = 0.1  # of embeddings, attention weights and outputs of sublayers
    epsilon: float = 1e-5  # added to the variance by norms
    tied: bool = True  # weight tying: logits are products with the word vectors

    causal: bool = fact(True)
    pooling: str | None = fact("last")
    huggingface = GPT2Mapping(
        model_type="gpt2",
        class_name="GPT2Model",
        fields={
            "vocabulary": "vocab_size",
            "padding": ("eos_token_id", "pad_token_id"),
            "length": "n_positions",
            "width": "n_embd",
            "depth": "n_layer",
            "heads": "n_head",
            "hidden": "n_inner",
            "dropout": ("resid_pdrop", "embd_pdrop", "attn_pdrop"),
            "epsilon": "layer_norm_epsilon",
            "tied": "tie_word_embeddings",
        },
        required={"scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False},
        defaults={
            "vocab_size": 50_257,
            "n_positions": 1024,
            "n_embd": 768,
            "n_layer": 12,
            "n_head": 12,
            "activation_function": "gelu_new",
            "resid_pdrop": 0.1,
            "embd_pdrop": 0.1,
            "attn_pdrop": 0.1,
            "layer_norm_epsilon": 1e-5,
            "tie_word_embeddings": True,
        },
        aliases={
            "hidden_size": "n_embd",
            "max_position_embeddings": "n_positions",
            "num_attention_heads": "n_head",
            "num_hidden_layers": "n_layer",
        },
        also_read=("activation_function",),
        unused=(
            *("n_ctx", "reorder_and_upcast_attn", "is_decoder"),  # the last: always a decoder
            *("summary_type", "summary_use_proj", "summary_activation", "summary_proj_to_labels"),
            "summary_first_dropout",
        ),
        prefix="transformer.",
        layers={
            "embedding": "wte",
            "positions": "wpe",
            "block{i}_attention_norm": "h.{i}.ln_1",
            "block{i}_attention/query": "h.{i}.attn.c_attn[0/3]",
            "block{i}_attention/key": "h.{i}.attn.c_attn[1/3]",
            "block{i}_attention/value": "h.{i}.attn.c_attn[2/3]",
            "block{i}_attention/out": "h.{i}.attn.c_proj",
            "block{i}_feed_forward_norm": "h.{i}.ln_2",
            "block{i}_feed_forward/up": "h.{i}.mlp.c_fc",
            "block{i}_feed_forward/down": "h.{i}.mlp.c_proj",
            "norm": "ln_f",
        },
        heads={
            "GPT2LMHeadModel": HeadMapping(objective="next_token", layers={"logits/kernel": "lm_head.weight"}),
            "GPT2ForSequenceClassification": HeadMapping(
                objective="classify_text", layers={"logits/kernel": "score.weight"}, settings={"pooling": "last"}
            ),
            "GPT2ForTokenClassification": HeadMapping(
                objective="tag_tokens",
                layers={"tags": "classifier"},
                settings={"crf": False},
                dropout=("classifier_dropout", "hidden_dropout"),
            ),
        },
        output="lm_head.weight",
        ignored=("h.{i}.attn.bias", "h.{i}.attn.masked_bias"),
        transposed=False,
    )
    keras_hub = KerasHubMapping(
        class_name="GPT2Backbone",
        fields={"length": "max_sequence_length", "heads": "num_heads", "dropout": "dropout"},
        layers={
            "token_embedding": "embedding",
            "position_embedding": "positions",
            "transformer_layer_{i}/self_attention_layer_norm": "block{i}_attention_norm",
            "transformer_layer_{i}/self_attention/query": "block{i}_attention/query",
            "transformer_layer_{i}/self_attention/key": "block{i}_attention/key",
            "transformer_layer_{i}/self_attention/value": "block{i}_attention/value",
            "transformer_layer_{i}/self_attention/attention_output": "block{i}_attention/out",
            "transformer_layer_{i}/feedforward_layer_norm": "block{i}_feed_forward_norm",
            "transformer_layer_{i}/feedforward_intermediate_dense": "block{i}_feed_forward/up",
            "transformer_layer_{i}/feedforward_output_dense": "block{i}_feed_forward/down",
            "layer_norm": "norm",
        },
    )

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        init = RandomNormal(stddev=INIT_STD)
        x = TokenEmbedding(self.vocabulary, self.width, None, embeddings_initializer=init, name="embedding")(tokens)
        x = LearnedPositions(self.length, name="positions")(x)
        x = Dropout(self.dropout, name="embedding_dropout")(x)
        for i in range(self.depth):
            x = self._block(x, f"block{i}")
        return layer_norm(x, "norm", self.epsilon)

    def _block(self, x, name):
        """x + attention(norm(x)), then x + feed_forward(norm(x))."""
        init = {"init_std": INIT_STD, "out_init_std": INIT_STD * (2 * self.depth) ** -0.5}  # section 2.3
        norm = partial(layer_norm, epsilon=self.epsilon)
        attention = MultiHeadAttention(self.heads, dropout=self.dropout, causal=True, **init, name=f"{name}_attention")
        feed_forward = FeedForward(self.hidden, "gelu_tanh", **init, name=f"{name}_feed_forward")
        x = residual(x, attention, "pre", self.dropout, f"{name}_attention", norm)
        return residual(x, feed_forward, "pre", self.dropout, f"{name}_feed_forward", norm)


END = 50_256  # id of <|endoftext|>
TINY = GPT2(width=128, depth=2, heads=2, hidden=512)  # no published size: BERT's smallest, trains on a laptop
SMALL = GPT2(padding=END)
MEDIUM = GPT2(padding=END, width=1024, depth=24, heads=16, hidden=4096)
LARGE = GPT2(padding=END, width=1280, depth=36, heads=20, hidden=5120)
XL = GPT2(padding=END, width=1600, depth=48, heads=25, hidden=6400)
