"""Train a language model on your own text: python scripts/train_language_model.py --data FOLDER

Your data is a .txt file, one paragraph a line, or a folder with train.txt, valid.txt and test.txt. Without --data: 300
messages to the support of a shop.
"""

import argparse
from pathlib import Path

import zoo
from zoo.architectures.gpt2 import GPT2
from zoo.objectives.next_token import NextToken
from zoo.tokenizers.byte_pairs import BytePairs

PRESET = zoo.Preset(
    architecture=GPT2(width=128, depth=2, heads=4, hidden=512, length=128),  # a small Transformer decoder
    objective=NextToken(length=128),
    tokenizer=BytePairs(vocabulary=2_000),
    training=zoo.Training(epochs=20, batch_size=16, learning_rate=2e-3, patience=3),
)
PROMPT = "I ordered"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sample:helpdesk", help="your file or folder")
    parser.add_argument("--to", default="saved_models/language_model", help="folder of the trained model")
    parser.add_argument("settings", nargs="*", metavar="field=value", help="such as training.epochs=5")
    options = parser.parse_args()

    pipeline = zoo.train(PRESET, data=options.data, to=options.to, overrides=options.settings)
    for split, scores in pipeline.scores.items():
        print(split, scores)

    for seed in range(3):
        print(PROMPT + pipeline.generate(PROMPT, max_new_tokens=40, temperature=0.8, top_p=0.9, seed=seed))

    version = 1 + len(list(Path(options.to).glob("[0-9]*")))
    print("SavedModel:", pipeline.export(Path(options.to, str(version))))


if __name__ == "__main__":
    main()
