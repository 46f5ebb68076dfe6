"""Train sentence embeddings, for search, on pairs of your own: python scripts/train_embedder.py --data FOLDER

Your data is a .tsv, .csv or .jsonl file with the columns `text` and `text_pair`: two texts that belong together, such
as a question and its answer, or a folder with train, valid and test files; a part of a single file is held out. Without
--data: 300 messages to the support of a shop and their subject lines.
"""

import argparse
from pathlib import Path

import numpy as np

import zoo
from zoo.architectures.averaging import Averaging
from zoo.objectives.embed_text import EmbedText
from zoo.tokenizers.words import Words

PRESET = zoo.Preset(
    architecture=Averaging(width=128),  # the mean of word vectors
    objective=EmbedText(length=256),  # each text must find its partner among those of its batch
    tokenizer=Words(vocabulary=10_000),
    training=zoo.Training(epochs=20, batch_size=32, learning_rate=3e-3),
)
SAMPLE_COLUMNS = {"text_pair": "summary"}
TEXTS = ["Where is my parcel?", "The delivery has not arrived.", "Please delete my account."]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sample:helpdesk", help="your file or folder")
    parser.add_argument("--to", default="saved_models/embedder", help="folder of the trained model")
    parser.add_argument("settings", nargs="*", metavar="field=value", help="such as training.epochs=5")
    options = parser.parse_args()

    columns = SAMPLE_COLUMNS if options.data.startswith("sample:") else None  # your own data: its own columns
    pipeline = zoo.train(PRESET, data=options.data, columns=columns, to=options.to, overrides=options.settings)
    for split, scores in pipeline.scores.items():
        print(split, scores)

    vectors = np.array([answer["vector"] for answer in pipeline.predict(TEXTS)])
    for text, similarity in zip(TEXTS, vectors @ vectors[0], strict=True):
        print(f"{similarity:.2f}: {text}")

    version = 1 + len(list(Path(options.to).glob("[0-9]*")))
    print("SavedModel:", pipeline.export(Path(options.to, str(version))))


if __name__ == "__main__":
    main()
