"""Intent classification of voice-assistant requests (SNIPS, Coucke 2018, arXiv:1805.10190) by a pretrained BERT.

zoo train bert_snips --from FOLDER --data FOLDER
"""

from zoo.architectures.bert import BERT
from zoo.objectives.classify_text import ClassifyText
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.word_pieces import WordPieces

PRESET = Preset(
    architecture=BERT(width=384, depth=6, heads=12, hidden=1536),
    objective=ClassifyText(length=64, pooling="mean"),
    tokenizer=WordPieces(vocabulary=10_000),
    data=Data(columns={"text": "tokens", "label": "intent"}),
    training=Training(epochs=2, batch_size=16, learning_rate=1e-4, warmup=0.1, patience=0),
)
