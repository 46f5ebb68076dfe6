"""A small classifier that is fine-tuned from a BERT backbone: its preset, data and predicted probabilities."""

import zoo
from zoo.architectures.bert import BERT
from zoo.objectives.classify_text import ClassifyText
from zoo.tokenizers.words import Words

TEXTS = ["w9 w7", "w11 w8 w12", "w30"]


def write_rows(folder, good="w7", bad="w8"):
    """Fill a folder with labelled texts in the words of `references.write_tokenizer`; those with `good` are good."""
    lines = ["text\tlabel", *(f"w{i} {good if i % 2 else bad}\t{('bad', 'good')[i % 2]}" for i in range(10, 34))]
    for split in ("train", "valid"):
        (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    return folder


def preset(rows, rank=2, **settings):
    """A preset for the files in the folder `rows`; `rank=0` trains without LoRA."""
    return zoo.Preset(
        architecture=BERT(),
        objective=ClassifyText(length=8, pooling="mean"),
        tokenizer=Words(),
        data=zoo.Data(spec=str(rows)),
        training=zoo.Training(epochs=3, batch_size=8, learning_rate=0.05, **settings),
        lora=zoo.LoRA(rank=rank),
    )


def probabilities(pipeline):
    """The probability of "good" for each of `TEXTS`."""
    return [answer["probabilities"]["good"] for answer in pipeline.predict(TEXTS)]
