"""Train a model that scores pairs of texts, such as their similarity: python scripts/train_pair_scorer.py --data FOLDER

Your data is a .tsv, .csv or .jsonl file with the columns `text`, `text_pair` and `label`, a number, or a folder with
train, valid and test files; a part of a single file is held out.
"""

import argparse
from pathlib import Path

import zoo
from zoo.architectures.transformer_encoder import TransformerEncoder
from zoo.objectives.score_pair import ScorePair
from zoo.tokenizers.words import Words

PRESET = zoo.Preset(
    architecture=TransformerEncoder(width=64, depth=2, heads=4, hidden=128, embedding_dropout=0.3),
    objective=ScorePair(length=128),
    tokenizer=Words(vocabulary=10_000),
    training=zoo.Training(epochs=10, batch_size=32, learning_rate=1e-3),
)
PAIRS = [("A man plays a guitar.", "Someone makes music."), ("A man plays a guitar.", "The soup is cold.")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="your file or folder")
    parser.add_argument("--to", default="saved_models/pair_scorer", help="folder of the trained model")
    parser.add_argument("settings", nargs="*", metavar="field=value", help="such as training.epochs=5")
    options = parser.parse_args()

    pipeline = zoo.train(PRESET, data=options.data, to=options.to, overrides=options.settings)
    for split, scores in pipeline.scores.items():
        print(split, scores)

    for pair, answer in zip(PAIRS, pipeline.predict(PAIRS), strict=True):
        print(f"{answer['score']:.2f}: {' | '.join(pair)}")

    version = 1 + len(list(Path(options.to).glob("[0-9]*")))
    print("SavedModel:", pipeline.export(Path(options.to, str(version))))


if __name__ == "__main__":
    main()
