"""Named entity recognition in social media (WNUT 17, Derczynski 2017, aclanthology.org/W17-4418), LSTM-CNN-CRF.

zoo train lstm_cnn_wnut17 --data FOLDER
"""

from zoo.architectures.lstm_cnn import LSTMCNN
from zoo.objectives.tag_tokens import TagTokens
from zoo.presets import Preset, Training
from zoo.tokenizers.bytes import Bytes

PRESET = Preset(
    architecture=LSTMCNN(buckets=2**16, embedding_dropout=0.5, dropout=0.0, word_dropout=0.4),
    objective=TagTokens(length=512, crf=True),
    tokenizer=Bytes(),
    training=Training(
        epochs=20, batch_size=32, learning_rate=2e-3, schedule="constant", warmup=0.0, ema=0.99, patience=5
    ),
)
