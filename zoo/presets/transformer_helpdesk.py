"""Subject lines for customer-support messages, the embedded sample, by a small Transformer.

zoo train transformer_helpdesk
"""

from zoo.architectures.transformer import Transformer
from zoo.objectives.translate import Translate
from zoo.preset import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=Transformer(width=64, depth=2, heads=4, hidden=128, dropout=0.1, norm="pre"),
    objective=Translate(length=160, target_length=24, samples=20),
    tokenizer=Words(vocabulary=1_500),
    data=Data(spec="sample:helpdesk", columns={"target": "summary"}),
    training=Training(epochs=20, batch=20, learning_rate=3e-3, average=0.9, patience=0),
)
