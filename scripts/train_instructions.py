"""Train a small language model to follow your own instructions: python scripts/train_instructions.py --data FOLDER

Your data is .jsonl with the columns `instruction` and `output`, perhaps `input`; or with `messages` of a conversation.
To start from a published model: add training.init=FOLDER. Without --data: replies to 300 messages to the support of a
shop, too few to learn a language from.
"""

import argparse
from pathlib import Path

import zoo
from zoo.architectures.gpt2 import GPT2
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.tokenizers.words import Words

PRESET = zoo.Preset(
    architecture=GPT2(width=96, depth=2, heads=4, hidden=192, length=384),
    objective=FollowInstructions(length=320, max_new_tokens=60, eval_samples=10),  # only replies are learned
    tokenizer=Words(vocabulary=3_000),
    training=zoo.Training(epochs=20, batch_size=8, learning_rate=2e-3),
)
INSTRUCTION = "Apologise for the late parcel."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sample:helpdesk", help="your file or folder")
    parser.add_argument("--to", default="saved_models/instructions", help="folder of the trained model")
    parser.add_argument("settings", nargs="*", metavar="field=value", help="such as training.epochs=5")
    options = parser.parse_args()

    pipeline = zoo.train(PRESET, data=options.data, to=options.to, overrides=options.settings)
    for split, scores in pipeline.scores.items():
        print(split, scores)

    print(pipeline.chat().say(INSTRUCTION))

    version = 1 + len(list(Path(options.to).glob("[0-9]*")))
    print("SavedModel:", pipeline.export(Path(options.to, str(version))))


if __name__ == "__main__":
    main()
