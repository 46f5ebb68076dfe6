"""A BERT of half the blocks and no token types, which learned from a whole one.

Sanh et al. 2019, DistilBERT, https://arxiv.org/abs/1910.01108. No difference.
"""

from dataclasses import dataclass

from keras.initializers import RandomNormal

from zoo.architectures import Architecture
from zoo.architectures._pretrained import ENCODER, HeadMapping, HuggingFaceMapping, KerasHubMapping
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.positions import LearnedPositions
from zoo.layers.transformer import BERT_DEVIATION, bert_blocks

EPSILON = 1e-12  # added to the variance by norms, as in BERT


@dataclass(frozen=True, kw_only=True)
class DistilBERT(Architecture):
    """Post-norm encoder blocks over words and positions: (batch, time, width) features."""

    vocabulary: int = 30_522
    length: int = 512  # positions in the table: the longest text
    width: int = 768  # of the residual stream
    depth: int = 6  # blocks
    heads: int = 12
    hidden: int = 3072  # of the feed-forward layers
    dropout: float = 0.1  # of embeddings, attention weights and what blocks add

    pooling = "first"
    tied = True
    published = HuggingFaceMapping(
        kind="distilbert",
        name="DistilBertModel",
        fields={
            "vocabulary": "vocab_size",
            "padding": "pad_token_id",
            "length": "max_position_embeddings",
            "width": "dim",
            "depth": "n_layers",
            "heads": "n_heads",
            "hidden": "hidden_dim",
            "dropout": ("dropout", "attention_dropout"),
        },
        fixed={"activation": "gelu"},
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
            "block{i}_feed_forward/widen": "transformer.layer.{i}.ffn.lin1",
            "block{i}_feed_forward/narrow": "transformer.layer.{i}.ffn.lin2",
            "block{i}_feed_forward_norm": "transformer.layer.{i}.output_layer_norm",
        },
        heads={
            "DistilBertForSequenceClassification": HeadMapping(
                objective="classify_text",
                layers={"hidden": "pre_classifier", "logits": "classifier"},
                settings={"pooling": "first", "hidden": "relu"},
            ),
            "DistilBertForMaskedLM": HeadMapping(
                objective="masked_token",
                layers={
                    "head_dense": "vocab_transform",
                    "head_norm": "vocab_layer_norm",
                    "head_bias": "vocab_projector",
                },
            ),
            "DistilBertForTokenClassification": HeadMapping(
                objective="tag_tokens", layers={"tags": "classifier"}, settings={"crf": False}
            ),
            "DistilBertForQuestionAnswering": HeadMapping(
                objective="find_span", layers={"logits": "qa_outputs"}, settings={"compare": False}
            ),
        },
        copies=("embeddings.position_ids", "vocab_projector.weight"),
    )
    keras_hub = KerasHubMapping(
        name="DistilBertBackbone",
        fields={"length": "max_sequence_length", "heads": "num_heads", "dropout": "dropout"},
        layers={
            "token_and_position_embedding/token_embedding": "embedding",
            "token_and_position_embedding/position_embedding": "positions",
            **ENCODER,
        },
    )

    def __call__(self, tokens):
        options = {"embeddings_initializer": RandomNormal(stddev=BERT_DEVIATION), "name": "embedding"}
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, **options)(tokens)
        x = LearnedPositions(self.length, name="positions")(x)
        return bert_blocks(x, PaddingMask(self.padding, name="visible")(tokens), self, EPSILON)


BASE = DistilBERT()
