"""Sentence similarity, 0 to 5 (STS-B, Cer 2017, https://aclanthology.org/S17-2001), by a Transformer encoder.

zoo train transformer_encoder_stsb
"""

from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.objectives.score_pair import ScorePair
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=TransformerEncoder(width=64, depth=2, heads=4, hidden=128, embedding_dropout=0.3),
    objective=ScorePair(length=128),
    tokenizer=Words(vocabulary=10_000),
    data=Data(spec="tfds:glue/stsb", columns={"text": "sentence1", "text_pair": "sentence2"}),
    training=Training(epochs=10, batch_size=32, learning_rate=1e-3),
)
