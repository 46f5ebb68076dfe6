"""Summarisation: subject lines for customer-support messages, the embedded sample, by GRUs with attention.

zoo train rnn_seq2seq_helpdesk

220 messages are too few to learn summarisation; the preset shows how it is done. By the loss, weights that generate
empty texts would be best, so the epoch is selected by the generated texts.
"""

from zoo.architectures.rnn_seq2seq import RNNSeq2Seq
from zoo.objectives.translate import Translate
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

PRESET = Preset(
    architecture=RNNSeq2Seq(width=64, units=64, attention="general", input_feeding="none"),
    objective=Translate(length=160, target_length=16, eval_samples=40, monitor="chrf"),
    tokenizer=Words(vocabulary=1_500),
    data=Data(spec="sample:helpdesk", columns={"target": "summary"}),
    training=Training(epochs=30, batch_size=10, learning_rate=5e-3, patience=10),
)
