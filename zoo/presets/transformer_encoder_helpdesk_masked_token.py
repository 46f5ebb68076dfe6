"""Masked-LM training on customer-support messages, the embedded sample: a small Transformer encoder.

zoo train transformer_encoder_helpdesk_masked_token
"""

from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.objectives.masked_token import MaskedToken
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=TransformerEncoder(width=64, depth=2, heads=4, hidden=128, word_dropout=0.0, embedding_dropout=0.1),
    objective=MaskedToken(length=64),
    tokenizer=Words(vocabulary=2_000),
    data=Data(spec="sample:helpdesk"),
    training=Training(epochs=120, batch_size=8, learning_rate=2e-3, patience=0),
)
