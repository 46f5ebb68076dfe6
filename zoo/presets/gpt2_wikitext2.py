"""Language model of Wikipedia articles (WikiText-2, Merity 2016, arXiv:1609.07843): a small GPT-2.

zoo train gpt2_wikitext2 --data FOLDER
"""

from zoo.architectures.gpt2 import GPT2
from zoo.objectives.next_token import NextToken
from zoo.presets import Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=GPT2(width=256, depth=4, heads=4, hidden=1024, length=128, dropout=0.15),
    objective=NextToken(length=128, overlap=64),
    tokenizer=Words(vocabulary=33_283, lower=False, whitespace=True),
    training=Training(epochs=4, batch_size=8, learning_rate=1e-3, warmup=0.05, weight_decay=0.1, patience=0),
)
