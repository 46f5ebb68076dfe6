"""A Transformer encoder of one or two texts, pretrained by masked language modelling and then fine-tuned (BERT).

Devlin et al. 2018, BERT, https://arxiv.org/abs/1810.04805; the small sizes are of Turc et al. 2019,
https://arxiv.org/abs/1908.08962. One difference: the pooler, a dense layer on the first token's features, belongs to a
head here (`dense_activation="tanh"` of classify_text).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from keras import KerasTensor
from keras.initializers import RandomNormal
from keras.layers import Add

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
from zoo.runtime.errors import one_of

INIT_STD = 0.02  # of initial weights, in BERT's modeling.py
ACTIVATIONS = {"gelu": "gelu", "gelu_tanh": "gelu_new"}  # in the zoo: in config.json


MASKED_LM = {
    "head_dense": "cls.predictions.transform.dense",
    "head_norm": "cls.predictions.transform.LayerNorm",
    "head_bias": "cls.predictions",
    "logits/kernel": "cls.predictions.decoder.weight",  # where the output layer is not tied
    "logits/bias": "cls.predictions.bias",
}


class BERTMapping(HuggingFaceMapping):
    """Mapping of BERT, whose activation of the feed-forward layers has another name in config.json."""

    def read_fields(self, config: Mapping[str, Any]) -> dict[str, Any]:
        name = gelu_of(config, "hidden_act", ACTIVATIONS.values())
        return super().read_fields(config) | {"activation": next(k for k, v in ACTIVATIONS.items() if v == name)}

    def to_config(self, architecture: "BERT") -> dict[str, Any]:
        return super().to_config(architecture) | {"hidden_act": ACTIVATIONS[architecture.activation]}


@dataclass(frozen=True, kw_only=True)
class BERT(Architecture):
    """Post-norm blocks of self-attention, with learned positions and segments: (batch, time, width) features."""

    vocabulary: int = 30_522
    length: int = 512  # rows of the table of positions: the longest text
    width: int = 768  # of the residual stream
    depth: int = 12  # blocks
    heads: int = 12  # attention heads of a block
    hidden: int = 3072  # of the feed-forward layers
    num_segments: int = 2  # segment embeddings: of the first and of the second text of a pair
    dropout: float = 0.1  # of embeddings, attention weights and outputs of sublayers
    epsilon: float = 1e-12  # added to the variance by norms
    activation: str = "gelu"  # or gelu_tanh, its approximation in the authors' code and in KerasHub
    tied: bool = True  # weight tying: logits are products with the word vectors

    pooling: str | None = fact("first")
    huggingface = BERTMapping(
        model_type="bert",
        class_name="BertModel",
        fields={
            "vocabulary": "vocab_size",
            "padding": "pad_token_id",
            "length": "max_position_embeddings",
            "width": "hidden_size",
            "depth": "num_hidden_layers",
            "heads": "num_attention_heads",
            "hidden": "intermediate_size",
            "num_segments": "type_vocab_size",
            "dropout": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
            "epsilon": "layer_norm_eps",
            "tied": "tie_word_embeddings",
        },
        required={"position_embedding_type": "absolute", "is_decoder": False},
        defaults={"vocab_size": 30_522, **ENCODER_DEFAULTS},
        also_read=("hidden_act",),
        prefix="bert.",
        layers={
            "embedding": "embeddings.word_embeddings",
            "segment_embedding": "embeddings.token_type_embeddings",
            "positions": "embeddings.position_embeddings",
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
            "BertForSequenceClassification": HeadMapping(
                objective="classify_text",
                layers={"hidden": "bert.pooler.dense", "logits": "classifier"},
                settings={"pooling": "first", "dense_activation": "tanh"},
                dropout=("classifier_dropout", "hidden_dropout_prob"),
            ),
            "BertForMaskedLM": HeadMapping(objective="masked_token", layers=MASKED_LM),
            "BertForPreTraining": HeadMapping(objective="masked_token", layers=MASKED_LM),  # its other head is left out
            "BertForNextSentencePrediction": HeadMapping(  # two logits, of which next_sentence has the difference
                objective="", layers={"hidden": "bert.pooler.dense", "pair": "cls.seq_relationship"}
            ),
            "BertForTokenClassification": HeadMapping(
                objective="tag_tokens",
                layers={"tags": "classifier"},
                settings={"crf": False},
                dropout=("classifier_dropout", "hidden_dropout_prob"),
            ),
            "BertForQuestionAnswering": HeadMapping(
                objective="find_span", layers={"logits": "qa_outputs"}, settings={"match_question": False}
            ),
        },
        output="cls.predictions.decoder.weight",
        copies={"cls.predictions.decoder.bias": "cls.predictions.bias"},
        ignored=("embeddings.position_ids",),
    )
    keras_hub = KerasHubMapping(
        class_name="BertBackbone",
        fields={
            "length": "max_sequence_length",
            "heads": "num_heads",
            "dropout": "dropout",
            "num_segments": "num_segments",
        },
        constants={"activation": "gelu_tanh"},
        layers={
            "token_embedding": "embedding",
            "position_embedding": "positions",
            "segment_embedding": "segment_embedding",
            **ENCODER_LAYERS,
            "pooled_dense": "hidden",
        },
    )

    def __post_init__(self):
        one_of("activation", self.activation, ACTIVATIONS)

    def __call__(self, tokens: KerasTensor, segments: KerasTensor) -> KerasTensor:
        init = {"embeddings_initializer": RandomNormal(stddev=INIT_STD)}
        padding_mask = PaddingMask(self.padding, name="padding_mask")(tokens)
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, **init, name="embedding")(tokens)
        segment = TokenEmbedding(self.num_segments, self.width, None, **init, name="segment_embedding")(segments)
        x = LearnedPositions(self.length, name="positions")(Add(name="embedding_sum")([x, segment]))
        x = Dropout(self.dropout, name="embedding_dropout")(layer_norm(x, "embedding_norm", self.epsilon))
        for i in range(self.depth):
            x = self._block(x, padding_mask, f"block{i}")
        return x

    def _block(self, x, padding_mask, name):
        """norm(x + attention(x)), then norm(x + feed_forward(x))."""
        norm = partial(layer_norm, epsilon=self.epsilon)
        attention = MultiHeadAttention(self.heads, dropout=self.dropout, init_std=INIT_STD, name=f"{name}_attention")
        attention = partial(attention, padding_mask=padding_mask)
        feed_forward = FeedForward(self.hidden, self.activation, init_std=INIT_STD, name=f"{name}_feed_forward")
        x = residual(x, attention, "post", self.dropout, f"{name}_attention", norm)
        return residual(x, feed_forward, "post", self.dropout, f"{name}_feed_forward", norm)


TINY = BERT(width=128, depth=2, heads=2, hidden=512)
MINI = BERT(width=256, depth=4, heads=4, hidden=1024)
SMALL = BERT(width=512, depth=4, heads=8, hidden=2048)
MEDIUM = BERT(width=512, depth=8, heads=8, hidden=2048)
BASE = BERT()
LARGE = BERT(width=1024, depth=24, heads=16, hidden=4096)
