"""Character language model of Shakespeare's plays: a small GPT-2 with nanoGPT's settings for a CPU.

zoo train gpt2_shakespeare --data FOLDER

Validation loss on PyTorch: 1.876 nats a character; train.txt is the first 90 % of the text, valid.txt the last 10 %.
"""

from zoo.architectures.gpt2 import GPT2
from zoo.objectives.next_token import NextToken
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.characters import Characters

PRESET = Preset(
    architecture=GPT2(length=64, width=128, depth=4, heads=4, hidden=512, dropout=0.0),
    objective=NextToken(length=64),
    tokenizer=Characters(),
    data=Data(spec="tfds:tiny_shakespeare"),
    training=Training(
        epochs=2,
        max_steps=2000,
        validate_every=500,
        batch_size=12,
        learning_rate=1e-3,
        schedule="cosine",
        warmup=0.05,
        min_lr_factor=0.1,
        beta_2=0.99,
        weight_decay=0.1,
        patience=0,
    ),
)
