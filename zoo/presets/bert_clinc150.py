"""Intent classification, 150 classes (CLINC150, Larson 2019, arXiv:1909.02027), by fine-tuning a pretrained BERT.

zoo train bert_clinc150 --from FOLDER
"""

from zoo.architectures.bert import BERT
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training, Tuning
from zoo.tokenizers.word_pieces import WordPieces

PRESET = Preset(
    architecture=BERT(width=384, depth=6, heads=12, hidden=1536),
    objective=ClassifyText(length=64, pooling="mean"),
    tokenizer=WordPieces(vocabulary=10_000),
    data=Data(spec="tfds:clinc_oos"),
    training=Training(epochs=4, batch_size=32, learning_rate=2e-4, warmup=0.1, patience=0),
    tuning=Tuning(layer_decay=0.9),
)
