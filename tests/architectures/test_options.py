"""Options of the feed-forward, convolutional and attentive architectures beyond their defaults."""

import numpy as np
import pytest
from keras import ops

from zoo.architectures.averaging import Averaging
from zoo.architectures.conv import Conv
from zoo.architectures.text_cnn import TextCNN
from zoo.architectures.transformer_encoder import TransformerEncoder

TOKENS = np.array([[5, 6, 7, 5, 9, 11, 2, 3], [4, 22, 4, 0, 0, 0, 0, 0], [8] + [0] * 7], "int32")
SMALL = {"vocabulary": 23, "width": 8}
DEEP = {**SMALL, "depth": 2, "heads": 2, "hidden": 12}


def features(backbone, tokens):
    return ops.convert_to_numpy(backbone({"tokens": tokens}))


@pytest.mark.parametrize(
    "architecture",
    [
        TransformerEncoder(**DEEP, norm="post"),
        TransformerEncoder(**DEEP, positions="learned", length=8),
        TransformerEncoder(**DEEP, positions="rotary"),
        Conv(**SMALL, causal=True),
        Conv(**SMALL, kernel=4, dilation_growth=1),
        TextCNN(**SMALL, filters=4, kernels=[2]),
        Averaging(**SMALL, ngrams=2, buckets=31, depth=0),
    ],
    ids=repr,
)
def test_padding_changes_nothing(architecture):
    backbone = architecture.backbone()
    alone, padded = features(backbone, TOKENS[1:2, :3])[0], features(backbone, TOKENS)[1]
    np.testing.assert_allclose(padded[: len(alone)], alone, atol=1e-5)


def test_a_causal_convolution_ignores_later_tokens():
    backbone = Conv(**SMALL, causal=True).backbone()
    changed = TOKENS.copy()
    changed[0, 5:] = 1
    np.testing.assert_allclose(features(backbone, changed)[0, :5], features(backbone, TOKENS)[0, :5], atol=1e-6)
    assert Conv(causal=True).causal
    assert not Conv().causal


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "rotary"])
def test_positions_tell_the_order_of_words(positions):
    backbone = TransformerEncoder(**DEEP, positions=positions).backbone()
    backwards = TOKENS.copy()
    backwards[0] = TOKENS[0, ::-1]
    assert np.abs(features(backbone, backwards)[0, ::-1] - features(backbone, TOKENS)[0]).max() > 1e-3


def test_texts_longer_than_learned_positions_are_refused():
    backbone = TransformerEncoder(**DEEP, positions="learned", length=7).backbone()
    with pytest.raises(ValueError, match=r"longer than the table of learned positions. Received: 8 tokens, length=7"):
        features(backbone, TOKENS)


def test_unknown_options_name_the_nearest():
    with pytest.raises(ValueError, match=r"Unknown positions. Received: 'rotery'. Did you mean 'rotary'\?"):
        TransformerEncoder(positions="rotery")
    with pytest.raises(ValueError, match=r"Unknown norm. Received: 'pree'. Did you mean 'pre'\?"):
        TransformerEncoder(norm="pree")
