"""Instruction tuning: replies to customer-support messages, the embedded sample, by a tiny GPT-2.

zoo train gpt2_helpdesk_follow_instructions
"""

from zoo.architectures.gpt2 import GPT2
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=GPT2(width=96, depth=2, heads=4, hidden=192, length=384, dropout=0.1),
    objective=FollowInstructions(length=320, max_new_tokens=60, eval_samples=10, monitor="rouge2"),
    tokenizer=Words(vocabulary=3_000),
    data=Data(spec="sample:helpdesk"),
    training=Training(epochs=40, batch_size=8, learning_rate=2e-3, patience=0),
)
