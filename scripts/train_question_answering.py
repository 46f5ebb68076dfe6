"""Train extractive question answering on your own passages: python scripts/train_question_answering.py --data FOLDER

Your data is JSON in the form of SQuAD, or .jsonl with the columns `context`, `question` and `answers`: a list of
{"text": ..., "answer_start": ...}, empty where the context has no answer. Without --data: questions on 300 messages to
the support of a shop.
"""

import argparse
from pathlib import Path

import zoo
from zoo.architectures.conv import Conv
from zoo.objectives.find_span import FindSpan
from zoo.tokenizers.word_pieces import WordPieces

PRESET = zoo.Preset(
    architecture=Conv(kernel=5, dilation_growth=1, embedding_dropout=0.2),
    objective=FindSpan(length=192, stride=64, question_length=32, match_question=True, dropout=0.2),
    tokenizer=WordPieces(vocabulary=800),
    training=zoo.Training(epochs=15, batch_size=16, learning_rate=2e-3, patience=5),
)
QUESTION = "What did the customer order?"
CONTEXT = "I ordered the Cobble doormat on May 3rd. It has not arrived, and nobody answers the phone."


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sample:helpdesk", help="your file or folder")
    parser.add_argument("--to", default="saved_models/question_answering", help="folder of the trained model")
    parser.add_argument("settings", nargs="*", metavar="field=value", help="such as training.epochs=5")
    options = parser.parse_args()

    pipeline = zoo.train(PRESET, data=options.data, to=options.to, overrides=options.settings)
    for split, scores in pipeline.scores.items():
        print(split, scores)

    answer = pipeline.predict((QUESTION, CONTEXT))
    print(f"{QUESTION} {answer['answer'] or '(no answer)'} ({answer['score']:.2f})")

    version = 1 + len(list(Path(options.to).glob("[0-9]*")))
    print("SavedModel:", pipeline.export(Path(options.to, str(version))))


if __name__ == "__main__":
    main()
