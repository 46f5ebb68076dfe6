"""Machine translation, German to English (Multi30k, Elliott 2016, arXiv:1605.00459), by GRUs with attention.

zoo train rnn_seq2seq_multi30k --data "FOLDER.{de,en}"
"""

from zoo.architectures.rnn_seq2seq import RNNSeq2Seq
from zoo.objectives.translate import Translate
from zoo.presets import Preset, Training
from zoo.tokenizers.byte_pairs import BytePairs

PRESET = Preset(
    architecture=RNNSeq2Seq(width=256, units=512, attention="general", input_feeding="none"),
    objective=Translate(length=64, target_length=64, ignore_case=True),
    tokenizer=BytePairs(vocabulary=6_000, lower=True),
    training=Training(epochs=8, batch_size=64, learning_rate=1e-3, warmup=0.05, ema=0.99),
)
