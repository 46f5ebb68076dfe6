"""Blocks of attention that look only backwards, to tell the next token.

Radford et al. 2019, Language Models are Unsupervised Multitask Learners (GPT-2),
https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf. No difference.
"""

from dataclasses import dataclass
from functools import partial

from keras.initializers import RandomNormal

from zoo.architectures import Architecture
from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping, KerasHubMapping
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import TokenEmbedding
from zoo.layers.positions import LearnedPositions
from zoo.layers.transformer import encoder_block, normalize

DEVIATION = 0.02  # of fresh weights, in the authors' model.py


class Widened(HuggingFaceMapping):
    """Feed-forward layers are four times as wide as the network where config.json does not say otherwise."""

    def settings(self, config):
        found = super().settings(config)
        return {"hidden": 4 * found["width"]} | found if "width" in found else found


@dataclass(frozen=True, kw_only=True)
class GPT2(Architecture):
    """Pre-norm blocks over words and positions: (batch, time, width) features, each of which has seen what is before.

    Any id may be `padding`, even that of the end of a text, as in the published sizes: what comes after a token changes
    nothing.
    """

    vocabulary: int = 50_257
    length: int = 1024  # positions in the table: the longest text
    width: int = 768  # of the residual stream
    depth: int = 12  # blocks
    heads: int = 12
    hidden: int = 3072  # of the feed-forward layers
    dropout: float = 0.1  # of embeddings, attention weights and what blocks add
    epsilon: float = 1e-5  # added to the variance by norms

    causal = True
    pooling = "last"
    tied = True
    published = Widened(
        kind="gpt2",
        name="GPT2Model",
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
        },
        fixed={
            "activation_function": "gelu_new",
            "scale_attn_weights": True,
            "scale_attn_by_inverse_layer_idx": False,
            "add_cross_attention": False,
        },
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
            "block{i}_feed_forward/widen": "h.{i}.mlp.c_fc",
            "block{i}_feed_forward/narrow": "h.{i}.mlp.c_proj",
            "norm": "ln_f",
        },
        heads={
            "GPT2LMHeadModel": HeadMapping(objective="next_token"),
            "GPT2ForSequenceClassification": HeadMapping(
                objective="classify_text", layers={"logits/kernel": "score.weight"}, settings={"pooling": "last"}
            ),
        },
        copies=("lm_head.weight", "h.{i}.attn.bias", "h.{i}.attn.masked_bias"),
        transposed=False,
    )
    keras_hub = KerasHubMapping(
        name="GPT2Backbone",
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
            "transformer_layer_{i}/feedforward_intermediate_dense": "block{i}_feed_forward/widen",
            "transformer_layer_{i}/feedforward_output_dense": "block{i}_feed_forward/narrow",
            "layer_norm": "norm",
        },
    )

    def __call__(self, tokens):
        x = self._embed(tokens)
        for i in range(self.depth):
            x = encoder_block(x, None, **self._options, name=f"block{i}")
        return normalize(x, "norm", self.epsilon)

    def _embed(self, tokens):
        initial = RandomNormal(stddev=DEVIATION)
        options = {"padding": None, "embeddings_initializer": initial, "name": "embedding"}
        x = TokenEmbedding(self.vocabulary, self.width, **options)(tokens)
        x = LearnedPositions(self.length, name="positions")(x)
        return Dropout(self.dropout, name="embedding_dropout")(x)

    @property
    def _options(self):
        fresh = {"deviation": DEVIATION, "out_deviation": DEVIATION * (2 * self.depth) ** -0.5}  # section 2.3
        return {
            "attention": {"heads": self.heads, "dropout": self.dropout, "causal": True, **fresh},
            "feed_forward": {"hidden": self.hidden, "activation": "gelu_tanh", **fresh},
            "norm": "pre",
            "dropout": self.dropout,
            "normalize": partial(normalize, epsilon=self.epsilon),
        }


END = 50_256  # id of the end of a text
SMALL = GPT2(padding=END)
MEDIUM = GPT2(padding=END, width=1024, depth=24, heads=16, hidden=4096)
LARGE = GPT2(padding=END, width=1280, depth=36, heads=20, hidden=5120)
XL = GPT2(padding=END, width=1600, depth=48, heads=25, hidden=6400)
