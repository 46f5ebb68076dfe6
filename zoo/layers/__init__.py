"""Keras layers that two or more networks use, and losses: docs/layers.md lists them.

The public names are imported on first use; Keras can load each of them by name once `zoo` is imported.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.layers.answer_spans import ExactMatch, QuestionMask, SetFirst, SpanLoss
    from zoo.layers.attention import MultiHeadAttention, T5Attention
    from zoo.layers.cache import DecodeContext, LayerCache
    from zoo.layers.contrastive_loss import InBatchContrastiveLoss
    from zoo.layers.convolution import Conv1D, MaskedConv1D, convolution_block
    from zoo.layers.crf import CRF, CRFLoss
    from zoo.layers.dense import Dense
    from zoo.layers.dropout import Dropout, variational_dropout
    from zoo.layers.embedding import NGrams, PaddingMask, TokenDropout, TokenEmbedding
    from zoo.layers.example_mask import ExampleMask, ExamplePooling
    from zoo.layers.label_loss import LabelAccuracy, LabelCrossentropy
    from zoo.layers.pooling import Pooling
    from zoo.layers.positions import LearnedPositions, RotaryPositions, SinusoidalPositions
    from zoo.layers.rdrop_loss import RDropLoss
    from zoo.layers.recurrent.attention_decoder import AttentionDecoder
    from zoo.layers.recurrent.cells import GRU, LSTM, RNN
    from zoo.layers.recurrent.decoder_attention import DecoderAttention
    from zoo.layers.relative_positions import RelativePositionBias
    from zoo.layers.shift import ShiftRight, TokenMask
    from zoo.layers.token_logits import Bias, Correct, GatherPositions, TokenLoss, TokenLosses
    from zoo.layers.transformer import FeedForward, decoder_block, encoder_block, layer_norm, residual, rms_norm
    from zoo.layers.word_features import BroadcastWords, WordEnds, WordHashes, WordIndex, WordMaxPooling
    from zoo.layers.word_ids import WordIds

_MODULES = {  # public name -> the module of zoo.layers that defines it
    "AttentionDecoder": "recurrent.attention_decoder",
    "Bias": "token_logits",
    "BroadcastWords": "word_features",
    "CRF": "crf",
    "CRFLoss": "crf",
    "Conv1D": "convolution",
    "Correct": "token_logits",
    "DecodeContext": "cache",
    "DecoderAttention": "recurrent.decoder_attention",
    "Dense": "dense",
    "Dropout": "dropout",
    "ExactMatch": "answer_spans",
    "ExampleMask": "example_mask",
    "ExamplePooling": "example_mask",
    "FeedForward": "transformer",
    "GRU": "recurrent.cells",
    "GatherPositions": "token_logits",
    "InBatchContrastiveLoss": "contrastive_loss",
    "LSTM": "recurrent.cells",
    "LabelAccuracy": "label_loss",
    "LabelCrossentropy": "label_loss",
    "LayerCache": "cache",
    "LearnedPositions": "positions",
    "MaskedConv1D": "convolution",
    "MultiHeadAttention": "attention",
    "NGrams": "embedding",
    "PaddingMask": "embedding",
    "Pooling": "pooling",
    "QuestionMask": "answer_spans",
    "RDropLoss": "rdrop_loss",
    "RNN": "recurrent.cells",
    "RelativePositionBias": "relative_positions",
    "RotaryPositions": "positions",
    "SetFirst": "answer_spans",
    "ShiftRight": "shift",
    "SinusoidalPositions": "positions",
    "SpanLoss": "answer_spans",
    "T5Attention": "attention",
    "TokenDropout": "embedding",
    "TokenEmbedding": "embedding",
    "TokenLoss": "token_logits",
    "TokenLosses": "token_logits",
    "TokenMask": "shift",
    "WordEnds": "word_features",
    "WordHashes": "word_features",
    "WordIds": "word_ids",
    "WordIndex": "word_features",
    "WordMaxPooling": "word_features",
    "convolution_block": "convolution",
    "decoder_block": "transformer",
    "encoder_block": "transformer",
    "layer_norm": "transformer",
    "residual": "transformer",
    "rms_norm": "transformer",
    "variational_dropout": "dropout",
}
__all__ = [
    "CRF",
    "GRU",
    "LSTM",
    "RNN",
    "AttentionDecoder",
    "Bias",
    "BroadcastWords",
    "CRFLoss",
    "Conv1D",
    "Correct",
    "DecodeContext",
    "DecoderAttention",
    "Dense",
    "Dropout",
    "ExactMatch",
    "ExampleMask",
    "ExamplePooling",
    "FeedForward",
    "GatherPositions",
    "InBatchContrastiveLoss",
    "LabelAccuracy",
    "LabelCrossentropy",
    "LayerCache",
    "LearnedPositions",
    "MaskedConv1D",
    "MultiHeadAttention",
    "NGrams",
    "PaddingMask",
    "Pooling",
    "QuestionMask",
    "RDropLoss",
    "RelativePositionBias",
    "RotaryPositions",
    "SetFirst",
    "ShiftRight",
    "SinusoidalPositions",
    "SpanLoss",
    "T5Attention",
    "TokenDropout",
    "TokenEmbedding",
    "TokenLoss",
    "TokenLosses",
    "TokenMask",
    "WordEnds",
    "WordHashes",
    "WordIds",
    "WordIndex",
    "WordMaxPooling",
    "convolution_block",
    "decoder_block",
    "encoder_block",
    "layer_norm",
    "residual",
    "rms_norm",
    "variational_dropout",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'zoo.layers' has no attribute {name!r}")
    value = getattr(import_module(f"zoo.layers.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
