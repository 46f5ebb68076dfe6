"""Train a tagger, for names, parts of speech or slots, on your own texts: python scripts/train_tagger.py --data FOLDER

Your data is a folder with train, valid and test files: .conll (a word and its tag a line), .conllu, or .jsonl with the
columns `tokens` and `tags`. Tags such as B-person and I-person mark spans. Without --data: products, people, places and
dates in 300 messages to the support of a shop.
"""

import argparse
from pathlib import Path

import zoo
from zoo.architectures.lstm_cnn import LSTMCNN
from zoo.objectives.tag_tokens import TagTokens
from zoo.tokenizers.bytes import Bytes

PRESET = zoo.Preset(
    architecture=LSTMCNN(width=64, units=64, filters=64, dropout=0.0),  # words, and the bytes of each word
    objective=TagTokens(length=1024, crf=True),  # a CRF learns which tag may follow which
    tokenizer=Bytes(),
    training=zoo.Training(epochs=30, batch_size=16, learning_rate=5e-3, schedule="constant", ema=0.95, patience=6),
)
TEXT = "Please send the Cobble doormat to Anna in Berlin by May 3rd ."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sample:helpdesk", help="your file or folder")
    parser.add_argument("--to", default="saved_models/tagger", help="folder of the trained model")
    parser.add_argument("settings", nargs="*", metavar="field=value", help="such as training.epochs=5")
    options = parser.parse_args()

    pipeline = zoo.train(PRESET, data=options.data, to=options.to, overrides=options.settings)
    for split, scores in pipeline.scores.items():
        print(split, scores)

    for answer in pipeline.predict(TEXT):  # spans, or words with their tags
        print(answer)

    version = 1 + len(list(Path(options.to).glob("[0-9]*")))
    print("SavedModel:", pipeline.export(Path(options.to, str(version))))


if __name__ == "__main__":
    main()
