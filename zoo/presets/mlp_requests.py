"""Intent classification of voice-assistant requests, the embedded sample of SNIPS, by TF-IDF n-grams and a dense layer.

zoo train mlp_requests
"""

from zoo.architectures.mlp import MLP
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.characters import Characters

PRESET = Preset(
    architecture=MLP(ngrams=4, buckets=2**15, min_count=2, l2_norm=3.0, hidden=256, depth=1),
    objective=ClassifyText(length=200, dropout=0.0),
    tokenizer=Characters(lower=True),
    data=Data(spec="sample:requests"),
    training=Training(
        epochs=12, batch_size=32, learning_rate=2e-3, schedule="constant", warmup=0.0, weight_decay=0.0, clip_norm=0.0
    ),
)
