"""Intent classification of voice-assistant requests (SNIPS, Coucke 2018, arXiv:1805.10190) by TF-IDF n-grams.

zoo train mlp_snips --data FOLDER
"""

from zoo.architectures.mlp import MLP
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.characters import Characters

PRESET = Preset(
    architecture=MLP(ngrams=4, buckets=2**15, min_count=2, l2_norm=3.0, hidden=256, depth=1),
    objective=ClassifyText(length=200, dropout=0.0),
    tokenizer=Characters(lower=True),
    data=Data(columns={"text": "tokens", "label": "intent"}),
    training=Training(
        epochs=12, batch_size=50, learning_rate=1e-3, schedule="constant", warmup=0.0, weight_decay=0.0, clip_norm=0.0
    ),
)
