"""Models that return the cross-entropy of each label in place of logits: no vocabulary of logits leaves the device."""

import keras

from zoo.layers.token_logits import Correct, TokenLosses


def with_token_losses(model: keras.Model) -> keras.Model:
    """A model with the same weights that returns the cross-entropy of each label, (batch, time) float32 in nats.

    Its inputs are those of `model`, whose output is logits, and `labels`, (batch, time) ids. A label below 0 has no
    defined loss.
    """
    labels = _labels()
    return keras.Model({**model.input, "labels": labels}, TokenLosses(name="losses")(model.output, labels))


def with_losses_and_hits(model: keras.Model, output: str | None = None) -> keras.Model:
    """A model with the same weights that returns {"losses", "hits"} of the labels, (batch, time) each.

    Losses are cross-entropies in nats; a hit is True where the most probable token is the label. Inputs are as in
    `with_token_losses`.

    Args:
        output: name of the output that holds the logits; None: the model has one output.
    """
    labels, logits = _labels(), model.output if output is None else model.output[output]
    outputs = {"losses": TokenLosses(name="losses")(logits, labels), "hits": Correct(name="hits")(logits, labels)}
    return keras.Model({**model.input, "labels": labels}, outputs)


def _labels():
    return keras.Input((None,), dtype="int32", name="labels")
