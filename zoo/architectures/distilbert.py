"""A Transformer encoder distilled from BERT: half of its blocks and no segments (DistilBERT).

Sanh et al. 2019, DistilBERT, https://arxiv.org/abs/1910.01108. No difference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from keras import KerasTensor
from keras.initializers import RandomNormal

from zoo.architectures import Architecture, fact
from zoo.architectures._pretrained import ENCODER_LAYERS, HeadMapping, HuggingFaceMapping, KerasHubMapping, gelu_of
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.positions import LearnedPositions
from zoo.layers.transformer import FeedForward, layer_norm, residual

INIT_STD = 0.02  # of initial weights, in BERT's modeling.py
EPSILON = 1e-12  # added to the variance by norms, as in BERT


class DistilBERTMapping(HuggingFaceMapping):
    """Mapping of DistilBERT, whose activation is the exact GELU."""

    def read_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        gelu_of(config, "activation", ["gelu"])
        return super().read_fields(config)

    def to_config(self, architecture: "DistilBERT") -> dict[str, Any]:
        return super().to_config(architecture) | {"activation": "gelu"}


@dataclass(frozen=True, kw_only=True)
class DistilBERT(Architecture):
    """Post-norm blocks of self-attention, with learned positions: (batch, time, width) features."""

    vocabulary: int = 30_522
    length: int = 512  # rows of the table of positions: the longest text
    width: int = 768  # of the residual stream
    depth: int = 6  # blocks
    heads: int = 12  # attention heads of a block
    hidden: int = 3072  # of the feed-forward layers
    dropout: float = 0.1  # of embeddings, attention weights and outputs of sublayers
    tied: bool = True  # weight tying: logits are products with the word vectors

    pooling: str | None = fact("first")
    huggingface = DistilBERTMapping(
        model_type="distilbert",
        class_name="DistilBertModel",
        fields={
            "vocabulary": "vocab_size",
            "padding": "pad_token_id",
            "length": "max_position_embeddings",
            "width": "dim",
            "depth": "n_layers",
            "heads": "n_heads",
            "hidden": "hidden_dim",
            "dropout": ("dropout", "attention_dropout"),
            "tied": "tie_word_embeddings",
        },
        defaults={
            "vocab_size": 30_522,
            "max_position_embeddings": 512,
            "dim": 768,
            "n_layers": 6,
            "n_heads": 12,
            "hidden_dim": 3072,
            "dropout": 0.1,
            "attention_dropout": 0.1,
            "activation": "gelu",
            "tie_word_embeddings": True,
        },
        aliases={"hidden_size": "dim", "num_attention_heads": "n_heads", "num_hidden_layers": "n_layers"},
        also_read=("activation",),
        unused=("sinusoidal_pos_embds",),  # how new positions are made; a file holds them as weights
        prefix="distilbert.",
        layers={
            "embedding": "embeddings.word_embeddings",
            "positions": "embeddings.position_embeddings",
            "embedding_norm": "embeddings.LayerNorm",
            "block{i}_attention/query": "transformer.layer.{i}.attention.q_lin",
            "block{i}_attention/key": "transformer.layer.{i}.attention.k_lin",
            "block{i}_attention/value": "transformer.layer.{i}.attention.v_lin",
            "block{i}_attention/out": "transformer.layer.{i}.attention.out_lin",
            "block{i}_attention_norm": "transformer.layer.{i}.sa_layer_norm",
            "block{i}_feed_forward/up": "transformer.layer.{i}.ffn.lin1",
            "block{i}_feed_forward/down": "transformer.layer.{i}.ffn.lin2",
            "block{i}_feed_forward_norm": "transformer.layer.{i}.output_layer_norm",
        },
        heads={
            "DistilBertForSequenceClassification": HeadMapping(
                objective="classify_text",
                layers={"hidden": "pre_classifier", "logits": "classifier"},
                settings={"pooling": "first", "dense_activation": "relu"},
                dropout=("seq_classif_dropout",),
            ),
            "DistilBertForMaskedLM": HeadMapping(
                objective="masked_token",
                layers={
                    "head_dense": "vocab_transform",
                    "head_norm": "vocab_layer_norm",
                    "head_bias": "vocab_projector",
                    "logits": "vocab_projector",  # where the output layer is not tied
                },
            ),
            "DistilBertForTokenClassification": HeadMapping(
                objective="tag_tokens", layers={"tags": "classifier"}, settings={"crf": False}, dropout=("dropout",)
            ),
            "DistilBertForQuestionAnswering": HeadMapping(
                objective="find_span", layers={"logits": "qa_outputs"}, settings={"match_question": False}
            ),
        },
        training_only={"qa_dropout": 0.1, "seq_classif_dropout": 0.2},
        output="vocab_projector.weight",
        ignored=("embeddings.position_ids",),
    )
    keras_hub = KerasHubMapping(
        class_name="DistilBertBackbone",
        fields={"length": "max_sequence_length", "heads": "num_heads", "dropout": "dropout"},
        layers={
            "token_and_position_embedding/token_embedding": "embedding",
            "token_and_position_embedding/position_embedding": "positions",
            **ENCODER_LAYERS,
        },
    )

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        init = RandomNormal(stddev=INIT_STD)
        padding_mask = PaddingMask(self.padding, name="padding_mask")(tokens)
        embedding = TokenEmbedding(
            self.vocabulary, self.width, self.padding, embeddings_initializer=init, name="embedding"
        )
        x = LearnedPositions(self.length, name="positions")(embedding(tokens))
        x = Dropout(self.dropout, name="embedding_dropout")(layer_norm(x, "embedding_norm", EPSILON))
        for i in range(self.depth):
            x = self._block(x, padding_mask, f"block{i}")
        return x

    def _block(self, x, padding_mask, name):
        """norm(x + attention(x)), then norm(x + feed_forward(x))."""
        norm = partial(layer_norm, epsilon=EPSILON)
        attention = MultiHeadAttention(self.heads, dropout=self.dropout, init_std=INIT_STD, name=f"{name}_attention")
        attention = partial(attention, padding_mask=padding_mask)
        feed_forward = FeedForward(self.hidden, "gelu", init_std=INIT_STD, name=f"{name}_feed_forward")
        x = residual(x, attention, "post", self.dropout, f"{name}_attention", norm)
        return residual(x, feed_forward, "post", self.dropout, f"{name}_feed_forward", norm)


TINY = DistilBERT(width=128, depth=2, heads=2, hidden=512)  # no published size: that of BERT, trains on a laptop
BASE = DistilBERT()
