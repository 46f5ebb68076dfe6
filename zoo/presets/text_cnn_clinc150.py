"""150 intents (Larson 2019, arXiv:1909.02027) by Kim's convolutional network.

zoo train text_cnn_clinc150
"""

from zoo.architectures.text_cnn import TextCNN
from zoo.objectives.classify_text import ClassifyText
from zoo.preset import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=TextCNN(filters=200, kernels=(1, 2, 3), embedding_dropout=0.3, word_dropout=0.1),
    objective=ClassifyText(length=64, dropout=0.0, label_smoothing=0.1),
    tokenizer=Words(vocabulary=8_000),
    data=Data(spec="tfds:clinc_oos"),
    training=Training(epochs=12, batch=100, learning_rate=2e-3, warmup=0.05, average=0.99),
)
