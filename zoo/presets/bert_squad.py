"""Extractive question answering (SQuAD, Rajpurkar 2016, arXiv:1606.05250) by fine-tuning a pretrained BERT.

zoo train bert_squad --from FOLDER --data FOLDER
"""

from zoo.architectures.bert import BERT
from zoo.objectives.find_span import FindSpan
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.word_pieces import WordPieces

PRESET = Preset(
    architecture=BERT(width=384, depth=6, heads=12, hidden=1536),
    objective=FindSpan(length=320),
    tokenizer=WordPieces(vocabulary=10_000),
    data=Data(spec="tfds:squad"),
    training=Training(epochs=3, batch_size=16, learning_rate=1e-4, warmup=0.1, patience=0),
)
