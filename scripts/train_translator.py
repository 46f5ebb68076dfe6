"""Train a translator on your own sentence pairs: python scripts/train_translator.py --data FOLDER

Your data is a .tsv, .csv or .jsonl file with the columns `source` and `target`, or a folder with train, valid and test
files; a part of a single file is held out. Parallel files: --data "FOLDER/train.{de,en}". Without --data: 300 messages
in English and Spanish, too few to learn to translate.
"""

import argparse
from pathlib import Path

import zoo
from zoo.architectures.rnn_seq2seq import RNNSeq2Seq
from zoo.objectives.translate import Translate
from zoo.tokenizers.byte_pairs import BytePairs

PRESET = zoo.Preset(
    architecture=RNNSeq2Seq(width=128, units=128),  # a recurrent encoder-decoder with attention
    objective=Translate(length=128, target_length=128),
    tokenizer=BytePairs(vocabulary=4_000),  # one vocabulary for both languages
    training=zoo.Training(epochs=20, batch_size=16, learning_rate=2e-3, patience=5),
)
SAMPLE_COLUMNS = {"target": "spanish"}
TEXTS = ["Where is my parcel?"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sample:helpdesk", help="your file or folder")
    parser.add_argument("--to", default="saved_models/translator", help="folder of the trained model")
    parser.add_argument("settings", nargs="*", metavar="field=value", help="such as training.epochs=5")
    options = parser.parse_args()

    columns = SAMPLE_COLUMNS if options.data.startswith("sample:") else None  # your own data: its own columns
    pipeline = zoo.train(PRESET, data=options.data, columns=columns, to=options.to, overrides=options.settings)
    for split, scores in pipeline.scores.items():
        print(split, scores)

    for text, translation in zip(TEXTS, pipeline.generate(TEXTS, beams=4), strict=True):
        print(f"{text} -> {translation}")

    version = 1 + len(list(Path(options.to).glob("[0-9]*")))
    print("SavedModel:", pipeline.export(Path(options.to, str(version))))


if __name__ == "__main__":
    main()
