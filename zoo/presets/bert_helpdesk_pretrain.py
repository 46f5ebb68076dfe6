"""Masked-LM and next-sentence pretraining of a tiny BERT on customer-support messages, the embedded sample.

zoo train bert_helpdesk_pretrain
"""

from zoo.architectures.bert import BERT
from zoo.objectives.pretrain import Pretrain
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.word_pieces import WordPieces

PRESET = Preset(
    architecture=BERT(width=64, depth=2, heads=4, hidden=128, length=128),
    objective=Pretrain(length=64),
    tokenizer=WordPieces(vocabulary=2_000),
    data=Data(spec="sample:helpdesk"),
    training=Training(epochs=20, batch_size=16, learning_rate=1e-3, patience=6),
)
