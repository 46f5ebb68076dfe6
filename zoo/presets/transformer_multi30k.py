"""Machine translation, German to English (Multi30k, Elliott 2016, arXiv:1605.00459), by a small Transformer.

zoo train transformer_multi30k --data "FOLDER.{de,en}"
"""

from zoo.architectures.transformer import Transformer
from zoo.objectives.translate import Translate
from zoo.presets import Preset, Training
from zoo.tokenizers.byte_pairs import BytePairs

PRESET = Preset(
    architecture=Transformer(width=256, depth=3, heads=8, hidden=512, dropout=0.1),
    objective=Translate(length=64, target_length=64, ignore_case=True),
    tokenizer=BytePairs(vocabulary=6_000, lower=True),
    training=Training(epochs=12, batch_size=64, learning_rate=1e-3, warmup=0.1, ema=0.99),
)
