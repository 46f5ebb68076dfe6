"""Sentiment classification (SST-2, Socher 2013) by fine-tuning a pretrained BERT, or any encoder.

zoo train bert_sst2 --from FOLDER
"""

from zoo.architectures.bert import BERT
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.word_pieces import WordPieces

PRESET = Preset(
    architecture=BERT(width=384, depth=6, heads=12, hidden=1536),
    objective=ClassifyText(length=64),
    tokenizer=WordPieces(vocabulary=10_000),
    data=Data(spec="tfds:glue/sst2"),
    training=Training(epochs=2, batch_size=32, learning_rate=5e-5, warmup=0.1, patience=0),
)
