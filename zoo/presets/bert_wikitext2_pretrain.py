"""Masked-LM and next-sentence pretraining of a small BERT (WikiText-2, Merity 2016, arXiv:1609.07843).

zoo train bert_wikitext2_pretrain --data FOLDER
"""

from zoo.architectures.bert import BERT
from zoo.objectives.pretrain import Pretrain
from zoo.presets import Preset, Training
from zoo.tokenizers.word_pieces import WordPieces

PRESET = Preset(
    architecture=BERT(width=256, depth=4, heads=4, hidden=1024, length=128),
    objective=Pretrain(length=128),
    tokenizer=WordPieces(vocabulary=8_000),
    training=Training(
        epochs=10, batch_size=32, packed_length=128, learning_rate=5e-4, warmup=0.1, weight_decay=0.01, patience=0
    ),
)
