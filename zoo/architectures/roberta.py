"""A Transformer encoder as BERT's, without segments, pretrained by masked language modelling on more text (RoBERTa).

Liu et al. 2019, RoBERTa, https://arxiv.org/abs/1907.11692. No difference; the first position has the third row of the
table of positions, as in the published weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from keras import KerasTensor
from keras.initializers import RandomNormal

from zoo.architectures import Architecture, fact
from zoo.architectures._pretrained import ENCODER_LAYERS, HeadMapping, HuggingFaceMapping, KerasHubMapping
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.positions import LearnedPositions
from zoo.layers.transformer import FeedForward, layer_norm, residual

INIT_STD = 0.02  # of initial weights, in BERT's modeling.py
OFFSET = 2  # unused rows before the first position: fairseq counts positions from the padding id, 1, plus 1


class RoBERTaMapping(HuggingFaceMapping):
    """Mapping of RoBERTa, whose config.json counts the `OFFSET` unused rows among the positions."""

    def read_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        values = super().read_fields(config)
        return values | {"length": values["length"] - OFFSET} if "length" in values else values

    def to_config(self, architecture: "RoBERTa") -> dict[str, Any]:
        return super().to_config(architecture) | {"max_position_embeddings": architecture.length + OFFSET}


@dataclass(frozen=True, kw_only=True)
class RoBERTa(Architecture):
    """Post-norm blocks of self-attention, with learned positions: (batch, time, width) features."""

    vocabulary: int = 50_265
    length: int = 512  # rows of the table of positions: the longest text
    width: int = 768  # of the residual stream
    depth: int = 12  # blocks
    heads: int = 12  # attention heads of a block
    hidden: int = 3072  # of the feed-forward layers
    dropout: float = 0.1  # of embeddings, attention weights and outputs of sublayers
    epsilon: float = 1e-5  # added to the variance by norms

    pooling: str | None = fact("first")
    tied: bool = fact(True)
    huggingface = RoBERTaMapping(
        model_type="roberta",
        class_name="RobertaModel",
        fields={
            "vocabulary": "vocab_size",
            "padding": "pad_token_id",
            "length": "max_position_embeddings",
            "width": "hidden_size",
            "depth": "num_hidden_layers",
            "heads": "num_attention_heads",
            "hidden": "intermediate_size",
            "dropout": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
            "epsilon": "layer_norm_eps",
        },
        required={
            "hidden_act": "gelu",
            "position_embedding_type": "absolute",
            "is_decoder": False,
            "type_vocab_size": 1,
        },
        prefix="roberta.",
        layers={
            "embedding": "embeddings.word_embeddings",
            "positions": "embeddings.position_embeddings + embeddings.token_type_embeddings",
            "embedding_norm": "embeddings.LayerNorm",
            "block{i}_attention/query": "encoder.layer.{i}.attention.self.query",
            "block{i}_attention/key": "encoder.layer.{i}.attention.self.key",
            "block{i}_attention/value": "encoder.layer.{i}.attention.self.value",
            "block{i}_attention/out": "encoder.layer.{i}.attention.output.dense",
            "block{i}_attention_norm": "encoder.layer.{i}.attention.output.LayerNorm",
            "block{i}_feed_forward/up": "encoder.layer.{i}.intermediate.dense",
            "block{i}_feed_forward/down": "encoder.layer.{i}.output.dense",
            "block{i}_feed_forward_norm": "encoder.layer.{i}.output.LayerNorm",
        },
        heads={
            "RobertaForSequenceClassification": HeadMapping(
                objective="classify_text",
                layers={"hidden": "classifier.dense", "logits": "classifier.out_proj"},
                settings={"pooling": "first", "dense_activation": "tanh"},
            ),
            "RobertaForMaskedLM": HeadMapping(
                objective="masked_token",
                layers={"head_dense": "lm_head.dense", "head_norm": "lm_head.layer_norm", "head_bias": "lm_head"},
            ),
            "RobertaForTokenClassification": HeadMapping(
                objective="tag_tokens", layers={"tags": "classifier"}, settings={"crf": False}
            ),
            "RobertaForQuestionAnswering": HeadMapping(
                objective="find_span", layers={"logits": "qa_outputs"}, settings={"match_question": False}
            ),
        },
        ignored=("embeddings.position_ids", "lm_head.decoder.weight", "lm_head.decoder.bias"),
    )
    keras_hub = KerasHubMapping(
        class_name="RobertaBackbone",
        fields={"length": "max_sequence_length", "heads": "num_heads", "dropout": "dropout"},
        layers={
            "embeddings/token_embedding": "embedding",
            "embeddings/position_embedding": "positions",
            **ENCODER_LAYERS,
        },
    )

    def __call__(self, tokens: KerasTensor) -> KerasTensor:
        init = RandomNormal(stddev=INIT_STD)
        padding_mask = PaddingMask(self.padding, name="padding_mask")(tokens)
        embedding = TokenEmbedding(
            self.vocabulary, self.width, self.padding, embeddings_initializer=init, name="embedding"
        )
        x = LearnedPositions(self.length, OFFSET, name="positions")(embedding(tokens))
        x = Dropout(self.dropout, name="embedding_dropout")(layer_norm(x, "embedding_norm", self.epsilon))
        for i in range(self.depth):
            x = self._block(x, padding_mask, f"block{i}")
        return x

    def _block(self, x, padding_mask, name):
        """norm(x + attention(x)), then norm(x + feed_forward(x))."""
        norm = partial(layer_norm, epsilon=self.epsilon)
        attention = MultiHeadAttention(self.heads, dropout=self.dropout, init_std=INIT_STD, name=f"{name}_attention")
        attention = partial(attention, padding_mask=padding_mask)
        feed_forward = FeedForward(self.hidden, "gelu", init_std=INIT_STD, name=f"{name}_feed_forward")
        x = residual(x, attention, "post", self.dropout, f"{name}_attention", norm)
        return residual(x, feed_forward, "post", self.dropout, f"{name}_feed_forward", norm)


PADDING = 1  # id of <pad> in the published vocabulary
TINY = RoBERTa(padding=PADDING, width=128, depth=2, heads=2, hidden=512)  # no published size: that of BERT
BASE = RoBERTa(padding=PADDING)
LARGE = RoBERTa(padding=PADDING, width=1024, depth=24, heads=16, hidden=4096)
