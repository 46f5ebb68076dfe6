"""Named entity recognition in customer-support messages, the embedded sample: products, people, places, dates.

zoo train lstm_cnn_helpdesk_tag_tokens
"""

from zoo.architectures.lstm_cnn import LSTMCNN
from zoo.objectives.tag_tokens import TagTokens
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.bytes import Bytes

PRESET = Preset(
    architecture=LSTMCNN(width=64, units=64, buckets=2**12, filters=64, dropout=0.0),
    objective=TagTokens(length=1024, crf=True),
    tokenizer=Bytes(),
    data=Data(spec="sample:helpdesk"),
    training=Training(
        epochs=30, batch_size=16, learning_rate=5e-3, schedule="constant", warmup=0.0, ema=0.95, patience=6
    ),
)
