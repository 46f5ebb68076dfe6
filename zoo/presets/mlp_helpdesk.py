"""Intent classification of customer-support messages, the embedded sample, by TF-IDF and dense layers.

zoo train mlp_helpdesk
"""

from zoo.architectures.mlp import MLP
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=MLP(),
    objective=ClassifyText(length=256),
    tokenizer=Words(),
    data=Data(spec="sample:helpdesk"),
    training=Training(epochs=30, batch_size=16, learning_rate=3e-3, patience=5),
)
