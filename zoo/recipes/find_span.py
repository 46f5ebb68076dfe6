"""Extractive question answering on your own contexts: fine-tuned pretrained weights, or a convolutional network.

zoo train find_span --data DATA
"""

from dataclasses import replace

from zoo.architectures.conv import Conv
from zoo.objectives.find_span import FindSpan
from zoo.presets import Preset, Training
from zoo.recipes import Recipe
from zoo.recipes._finetuning import finetune
from zoo.recipes._recipe import maximum_length, train_from_scratch, training_rows
from zoo.tokenizers.words import Words


class FindSpanRecipe(Recipe):
    """The span of a context that answers a question, in the form of SQuAD."""

    fields = ("context", "question", "answers")

    def choose(self, data, resources):
        # an epoch at least: without pretrained weights answers are guesses
        choice, reason = finetune(FindSpan(), data, resources, ("question", "context"), least=1)
        if not choice:
            return _from_scratch(data, resources, reason)
        training = replace(choice.preset.training, epochs=min(choice.preset.training.epochs, 3), learning_rate=1e-4)
        return replace(choice, preset=replace(choice.preset, training=training))


def _from_scratch(data, resources, reason):
    question = maximum_length(data.words["question"], extra=0, limit=40)
    length = max(64, maximum_length(data.words["context"], extra=question + 3, limit=384))
    rows = training_rows(data)
    batch_size = 32 if rows > 1000 else 8
    network = Conv(depth=4, kernel=5, dilation_growth=1, word_dropout=0.0, embedding_dropout=0.2)
    preset = Preset(
        architecture=network,
        objective=FindSpan(length=length, question_length=question, answer_length=15, match_question=True, dropout=0.1),
        tokenizer=Words(vocabulary=25_000),
        training=Training(epochs=6 if rows > 4000 else 20, batch_size=batch_size, learning_rate=1.5e-3, warmup=0.05),
    )
    weights = network.depth * network.kernel * 2 * network.width**2
    seconds = resources.seconds(weights, rows * length, rows // batch_size)
    return train_from_scratch(preset, seconds, resources, (reason, "a convolutional network: expect little of it"))
