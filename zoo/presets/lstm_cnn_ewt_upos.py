"""Part-of-speech tagging of English web text (UD English EWT, Silveira 2014, LREC) by a bidirectional LSTM.

zoo train lstm_cnn_ewt_upos --data FOLDER
"""

from zoo.architectures.lstm_cnn import LSTMCNN
from zoo.objectives.tag_tokens import TagTokens
from zoo.presets import Preset, Training
from zoo.tokenizers.bytes import Bytes

PRESET = Preset(
    architecture=LSTMCNN(buckets=2**16, width=128, units=128, embedding_dropout=0.3, dropout=0.0),
    objective=TagTokens(length=512, dropout=0.5),
    tokenizer=Bytes(),
    training=Training(epochs=10, batch_size=50, learning_rate=3e-3, ema=0.99, patience=3),
)
