"""Joint intent classification and slot filling (SNIPS, Coucke 2018, arXiv:1805.10190) by an LSTM-CNN-CRF.

zoo train lstm_cnn_snips --data FOLDER
"""

from zoo.architectures.lstm_cnn import LSTMCNN
from zoo.objectives.classify_and_tag import ClassifyAndTag
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.bytes import Bytes

PRESET = Preset(
    architecture=LSTMCNN(width=200, units=200, buckets=2**16, embedding_dropout=0.5, dropout=0.2),
    objective=ClassifyAndTag(length=512, crf=True),
    tokenizer=Bytes(),
    data=Data(columns={"label": "intent"}),
    training=Training(
        epochs=20, batch_size=50, learning_rate=2e-3, schedule="constant", warmup=0.0, ema=0.99, patience=6
    ),
)
