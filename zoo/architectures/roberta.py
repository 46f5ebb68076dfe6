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
from zoo.architectures._pretrained import (
    ENCODER_DEFAULTS,
    ENCODER_LAYERS,
    HeadMapping,
    HuggingFaceMapping,
    KerasHubMapping,
    gelu_of,
)
from zoo.layers.attention import MultiHeadAttention
from zoo.layers.dropout import Dropout
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.positions import LearnedPositions
from zoo.layers.transformer import FeedForward, layer_norm, residual
from zoo.runtime.errors import UserError

INIT_STD = 0.02  # of initial weights, in BERT's modeling.py
OFFSET = 2  # unused rows before the first position: fairseq counts positions from the padding id, 1, plus 1


class RoBERTaMapping(HuggingFaceMapping):
    """Mapping of RoBERTa, whose config.json counts unused rows among the positions: as many as the padding id plus 1.

    Tokens have the first of `type_vocab_size` segments, which is the only one that transformers uses by default.
    """

    def read_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        gelu_of(config, "hidden_act", ["gelu"])
        padding, positions = config["pad_token_id"], config["max_position_embeddings"]
        if not isinstance(padding, int) or not 0 <= padding < positions - 1:
            raise UserError(
                f"Expected a pad_token_id from 0 to below max_position_embeddings={positions} less 1 in config.json: "
                f"positions are counted from it. Received: pad_token_id={padding!r:.40}."
            )
        offset = padding + 1
        return super().read_fields(config) | {"length": positions - offset, "position_offset": offset}

    def to_config(self, architecture: "RoBERTa") -> dict[str, Any]:
        offset = architecture.position_offset
        positions = {"max_position_embeddings": architecture.length + offset, "pad_token_id": offset - 1}
        return super().to_config(architecture) | positions | {"hidden_act": "gelu", "type_vocab_size": 1}


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
    position_offset: int = OFFSET  # unused rows before the first position
    tied: bool = True  # weight tying: logits are products with the word vectors

    pooling: str | None = fact("first")
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
            "tied": "tie_word_embeddings",
        },
        required={"position_embedding_type": "absolute", "is_decoder": False},
        defaults={"vocab_size": 50_265, "pad_token_id": 1, **ENCODER_DEFAULTS},
        also_read=("hidden_act",),
        unused=("type_vocab_size",),  # all tokens have the first segment
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
                dropout=("classifier_dropout", "hidden_dropout_prob"),
            ),
            "RobertaForMaskedLM": HeadMapping(
                objective="masked_token",
                layers={
                    "head_dense": "lm_head.dense",
                    "head_norm": "lm_head.layer_norm",
                    "head_bias": "lm_head",
                    "logits/kernel": "lm_head.decoder.weight",  # where the output layer is not tied
                    "logits/bias": "lm_head.bias",
                },
            ),
            "RobertaForTokenClassification": HeadMapping(
                objective="tag_tokens",
                layers={"tags": "classifier"},
                settings={"crf": False},
                dropout=("classifier_dropout", "hidden_dropout_prob"),
            ),
            "RobertaForQuestionAnswering": HeadMapping(
                objective="find_span", layers={"logits": "qa_outputs"}, settings={"match_question": False}
            ),
        },
        output="lm_head.decoder.weight",
        copies={"lm_head.decoder.bias": "lm_head.bias"},
        ignored=("embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"),  # no head here has a pooler
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
        x = LearnedPositions(self.length, self.position_offset, name="positions")(embedding(tokens))
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
