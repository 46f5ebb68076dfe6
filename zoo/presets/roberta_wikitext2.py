"""Masked-LM pretraining of a small RoBERTa (WikiText-2, Merity 2016, arXiv:1609.07843).

zoo train roberta_wikitext2 --data FOLDER
"""

from zoo.architectures.roberta import RoBERTa
from zoo.objectives.masked_token import MaskedToken
from zoo.presets import Preset, Training
from zoo.tokenizers.byte_pairs import BytePairs

PRESET = Preset(
    architecture=RoBERTa(width=256, depth=4, heads=4, hidden=1024, length=130),
    objective=MaskedToken(length=128),
    tokenizer=BytePairs(vocabulary=8_000),
    training=Training(
        epochs=10, batch_size=32, learning_rate=6e-4, warmup=0.06, beta_2=0.98, weight_decay=0.01, patience=0
    ),
)
