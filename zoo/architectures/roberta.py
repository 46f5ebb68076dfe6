"""BERT without token types, trained longer on more text with masks drawn afresh and no next-sentence task.

Liu et al. 2019, RoBERTa, https://arxiv.org/abs/1907.11692. No difference; the first position stands in the third row of
the table, as in the published weights.
"""

from dataclasses import dataclass

from keras.initializers import RandomNormal

from zoo.architectures import Architecture
from zoo.architectures._pretrained import ENCODER, HeadMapping, HuggingFaceMapping, KerasHubMapping
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.positions import LearnedPositions
from zoo.layers.transformer import BERT_DEVIATION, bert_blocks

OFFSET = 2  # rows before the first position's: fairseq counts positions from padding's id, 1, and one further


class Positioned(HuggingFaceMapping):
    """Counts the rows before the first position's among the positions, as transformers does."""

    def settings(self, config):
        found = super().settings(config)
        return found | {"length": found["length"] - OFFSET} if "length" in found else found

    def write(self, architecture):
        return super().write(architecture) | {"max_position_embeddings": architecture.length + OFFSET}


@dataclass(frozen=True, kw_only=True)
class RoBERTa(Architecture):
    """Post-norm encoder blocks over words and positions: (batch, time, width) features."""

    vocabulary: int = 50_265
    length: int = 512  # positions in the table: the longest text
    width: int = 768  # of the residual stream
    depth: int = 12  # blocks
    heads: int = 12
    hidden: int = 3072  # of the feed-forward layers
    dropout: float = 0.1  # of embeddings, attention weights and what blocks add
    epsilon: float = 1e-5  # added to the variance by norms

    pooling = "first"
    tied = True
    published = Positioned(
        kind="roberta",
        name="RobertaModel",
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
        fixed={
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
            "block{i}_feed_forward/widen": "encoder.layer.{i}.intermediate.dense",
            "block{i}_feed_forward/narrow": "encoder.layer.{i}.output.dense",
            "block{i}_feed_forward_norm": "encoder.layer.{i}.output.LayerNorm",
        },
        heads={
            "RobertaForSequenceClassification": HeadMapping(
                objective="classify_text",
                layers={"hidden": "classifier.dense", "logits": "classifier.out_proj"},
                settings={"pooling": "first", "hidden": "tanh"},
            ),
            "RobertaForMaskedLM": HeadMapping(
                objective="masked_token",
                layers={"head_dense": "lm_head.dense", "head_norm": "lm_head.layer_norm", "head_bias": "lm_head"},
            ),
            "RobertaForTokenClassification": HeadMapping(
                objective="tag_tokens", layers={"tags": "classifier"}, settings={"crf": False}
            ),
            "RobertaForQuestionAnswering": HeadMapping(
                objective="find_span", layers={"logits": "qa_outputs"}, settings={"compare": False}
            ),
        },
        copies=("embeddings.position_ids", "lm_head.decoder.weight", "lm_head.decoder.bias"),
    )
    keras_hub = KerasHubMapping(
        name="RobertaBackbone",
        fields={"length": "max_sequence_length", "heads": "num_heads", "dropout": "dropout"},
        layers={
            "embeddings/token_embedding": "embedding",
            "embeddings/position_embedding": "positions",
            **ENCODER,
        },
    )

    def __call__(self, tokens):
        options = {"embeddings_initializer": RandomNormal(stddev=BERT_DEVIATION), "name": "embedding"}
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, **options)(tokens)
        x = LearnedPositions(self.length, OFFSET, name="positions")(x)
        return bert_blocks(x, PaddingMask(self.padding, name="visible")(tokens), self, self.epsilon)


BASE = RoBERTa(padding=1)
LARGE = RoBERTa(padding=1, width=1024, depth=24, heads=16, hidden=4096)
