"""Intent classification of voice-assistant requests, the embedded sample, by TF-IDF of words and pairs of words.

zoo train mlp_requests
"""

from zoo.architectures.mlp import MLP
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=MLP(ngrams=2, buckets=2**14),
    objective=ClassifyText(length=64, dropout=0.0),
    tokenizer=Words(),
    data=Data(spec="sample:requests"),
    training=Training(
        epochs=12, batch_size=32, learning_rate=2e-3, schedule="constant", warmup=0.0, weight_decay=0.0, clip_norm=0.0
    ),
)
