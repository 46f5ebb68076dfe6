"""What learns upon a small backbone, and what it then says."""

import zoo
from zoo.architectures.bert import BERT
from zoo.objectives.classify_text import ClassifyText
from zoo.tokenizers.words import Words

TEXTS = ["w9 w7", "w11 w8 w12", "w30"]


def preset(rows, rank=2, **settings):
    return zoo.Preset(
        architecture=BERT(),
        objective=ClassifyText(length=8, pooling="mean"),
        tokenizer=Words(),
        data=zoo.Data(spec=str(rows)),
        training=zoo.Training(epochs=3, batch=8, learning_rate=0.05, **settings),
        lora=zoo.LoRA(rank=rank),
    )


def likelihoods(pipeline):
    return [answer["probabilities"]["good"] for answer in pipeline.predict(TEXTS)]
