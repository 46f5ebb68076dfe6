"""Train a text classifier on your own texts: python scripts/train_classifier.py --data FOLDER

Your data is a .tsv, .csv or .jsonl file with the columns `text` and `label`, or a folder with train, valid and test
files; a part of a single file is held out. Without --data: the intents of 300 messages to the support of a shop.
"""

import argparse
from pathlib import Path

import zoo
from zoo.architectures.text_cnn import TextCNN
from zoo.objectives.classify_text import ClassifyText
from zoo.tokenizers.words import Words

PRESET = zoo.Preset(
    architecture=TextCNN(width=64),  # the network
    objective=ClassifyText(length=128),  # the task; longer texts are truncated
    tokenizer=Words(vocabulary=10_000),
    training=zoo.Training(epochs=30, batch_size=16, learning_rate=2e-3, patience=5),
)
TEXTS = ["Where is my parcel?", "I was charged twice for one pair of shoes."]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sample:helpdesk", help="your file or folder")
    parser.add_argument("--to", default="saved_models/classifier", help="folder of the trained model")
    parser.add_argument("settings", nargs="*", metavar="field=value", help="such as training.epochs=5")
    options = parser.parse_args()

    pipeline = zoo.train(PRESET, data=options.data, to=options.to, overrides=options.settings)
    for split, scores in pipeline.scores.items():
        print(split, scores)

    for text, answer in zip(TEXTS, pipeline.predict(TEXTS), strict=True):
        print(f"{answer['label']} ({answer['probabilities'][answer['label']]:.2f}): {text}")

    version = 1 + len(list(Path(options.to).glob("[0-9]*")))
    print("SavedModel:", pipeline.export(Path(options.to, str(version))))


if __name__ == "__main__":
    main()
