"""Blocks of attention among all tokens of one or two texts, made to be pretrained and then fine-tuned.

Devlin et al. 2018, BERT, https://arxiv.org/abs/1810.04805; the small sizes are of Turc et al. 2019,
https://arxiv.org/abs/1908.08962. No difference but the end: the dense layer above the first token, which the authors
count as part of BERT, is a head's (`hidden="tanh"` of classify_text).
"""

from dataclasses import dataclass

from keras.initializers import RandomNormal
from keras.layers import Add

from zoo.architectures import Architecture
from zoo.architectures._pretrained import ENCODER, HeadMapping, HuggingFaceMapping, KerasHubMapping
from zoo.layers.embedding import PaddingMask, TokenEmbedding
from zoo.layers.positions import LearnedPositions
from zoo.layers.transformer import BERT_DEVIATION, bert_blocks
from zoo.runtime.choice import choose

ACTIVATIONS = {"gelu": "gelu", "gelu_tanh": "gelu_new"}  # here and in config.json


class Activated(HuggingFaceMapping):
    """Reads and writes the activation of the feed-forward layers."""

    def settings(self, config):
        kind = config.get("hidden_act", "gelu")
        if kind not in ACTIVATIONS.values():
            raise ValueError(f"Expected hidden_act of gelu or gelu_new in config.json. Received: {kind!r}.")
        return super().settings(config) | {"activation": next(k for k, v in ACTIVATIONS.items() if v == kind)}

    def write(self, architecture):
        return super().write(architecture) | {"hidden_act": ACTIVATIONS[architecture.activation]}


@dataclass(frozen=True, kw_only=True)
class BERT(Architecture):
    """Post-norm encoder blocks over words, positions and token types: (batch, time, width) features."""

    vocabulary: int = 30_522
    length: int = 512  # positions in the table: the longest text
    width: int = 768  # of the residual stream
    depth: int = 12  # blocks
    heads: int = 12
    hidden: int = 3072  # of the feed-forward layers
    kinds: int = 2  # of tokens: of the first and of the second text
    dropout: float = 0.1  # of embeddings, attention weights and what blocks add
    epsilon: float = 1e-12  # added to the variance by norms
    activation: str = "gelu"  # or gelu_tanh, nearly the same: the authors' code and KerasHub have it

    pooling = "first"
    tied = True
    published = Activated(
        kind="bert",
        name="BertModel",
        fields={
            "vocabulary": "vocab_size",
            "padding": "pad_token_id",
            "length": "max_position_embeddings",
            "width": "hidden_size",
            "depth": "num_hidden_layers",
            "heads": "num_attention_heads",
            "hidden": "intermediate_size",
            "kinds": "type_vocab_size",
            "dropout": ("hidden_dropout_prob", "attention_probs_dropout_prob"),
            "epsilon": "layer_norm_eps",
        },
        fixed={"position_embedding_type": "absolute", "is_decoder": False},
        prefix="bert.",
        layers={
            "embedding": "embeddings.word_embeddings",
            "type_embedding": "embeddings.token_type_embeddings",
            "positions": "embeddings.position_embeddings",
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
            "BertForSequenceClassification": HeadMapping(
                objective="classify_text",
                layers={"hidden": "bert.pooler.dense", "logits": "classifier"},
                settings={"pooling": "first", "hidden": "tanh"},
            ),
            "BertForMaskedLM": HeadMapping(
                objective="masked_token",
                layers={
                    "head_dense": "cls.predictions.transform.dense",
                    "head_norm": "cls.predictions.transform.LayerNorm",
                    "head_bias": "cls.predictions",
                },
            ),
            "BertForNextSentencePrediction": HeadMapping(  # two logits, of which next_sentence has the difference
                objective="", layers={"hidden": "bert.pooler.dense", "pair": "cls.seq_relationship"}
            ),
            "BertForTokenClassification": HeadMapping(
                objective="tag_tokens", layers={"tags": "classifier"}, settings={"crf": False}
            ),
            "BertForQuestionAnswering": HeadMapping(
                objective="find_span", layers={"logits": "qa_outputs"}, settings={"compare": False}
            ),
        },
        copies=("embeddings.position_ids", "cls.predictions.decoder.weight", "cls.predictions.decoder.bias"),
    )
    keras_hub = KerasHubMapping(
        name="BertBackbone",
        fields={"length": "max_sequence_length", "heads": "num_heads", "dropout": "dropout", "kinds": "num_segments"},
        fixed={"activation": "gelu_tanh"},
        layers={
            "token_embedding": "embedding",
            "position_embedding": "positions",
            "segment_embedding": "type_embedding",
            **ENCODER,
            "pooled_dense": "hidden",
        },
    )

    def __post_init__(self):
        choose("activation", self.activation, ACTIVATIONS)

    def __call__(self, tokens, types):
        options = {"embeddings_initializer": RandomNormal(stddev=BERT_DEVIATION)}
        x = TokenEmbedding(self.vocabulary, self.width, self.padding, **options, name="embedding")(tokens)
        kinds = TokenEmbedding(self.kinds, self.width, None, **options, name="type_embedding")(types)
        x = LearnedPositions(self.length, name="positions")(Add(name="embedding_sum")([x, kinds]))
        return bert_blocks(x, PaddingMask(self.padding, name="visible")(tokens), self, self.epsilon, self.activation)


TINY = BERT(width=128, depth=2, heads=2, hidden=512)
MINI = BERT(width=256, depth=4, heads=4, hidden=1024)
SMALL = BERT(width=512, depth=4, heads=8, hidden=2048)
MEDIUM = BERT(width=512, depth=8, heads=8, hidden=2048)
BASE = BERT()
LARGE = BERT(width=1024, depth=24, heads=16, hidden=4096)
