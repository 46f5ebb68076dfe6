"""Dialogue summarisation (SAMSum, Gliwa 2019, arXiv:1911.12237) by a small Transformer.

zoo train transformer_samsum --data FOLDER
"""

from zoo.architectures.transformer import Transformer
from zoo.objectives.translate import Translate
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.byte_pairs import BytePairs

PRESET = Preset(
    architecture=Transformer(width=256, depth=3, heads=8, hidden=512, dropout=0.2),
    objective=Translate(length=512, target_length=96),
    tokenizer=BytePairs(vocabulary=8_000),
    data=Data(columns={"source": "dialogue", "target": "summary"}),
    training=Training(epochs=20, batch_size=64, learning_rate=1e-3, warmup=0.1, ema=0.99, patience=5),
)
