"""A network's drawing as a flat list of steps, sorted by whether a step is taken once for a text or for each token."""

import inspect
from dataclasses import dataclass

import keras

from zoo.layers.embedding import NGrams
from zoo.layers.pooling import Pooling
from zoo.runtime.errors import UserError
from zoo.transforms.graph import walk

OUTPUTS = 16  # more than any layer has
FOREIGN = (  # layers of Keras that look at other tokens and have no memory
    *(keras.layers.RNN, keras.layers.Bidirectional, keras.layers.MultiHeadAttention, keras.layers.Attention),
    *(keras.layers.GroupQueryAttention, keras.layers.AdditiveAttention, keras.layers.Conv1D),
    *(keras.layers.GlobalAveragePooling1D, keras.layers.GlobalMaxPooling1D, keras.layers.Flatten),
)


LOGITS = (keras.layers.Dense, keras.layers.ReversibleEmbedding)  # layers that make logits of features


class TensorRef:
    """Stands for one tensor of the drawing."""


@dataclass(eq=False)
class Step:
    """One call of a layer in the drawing."""

    layer: object
    arguments: tuple  # (positional, by name), with places in place of tensors
    outputs: list  # places; as many as a layer may have
    spent: tuple = ()  # places that no later step reads

    @property
    def remembers(self):
        """Whether the layer has a memory of earlier tokens: see `zoo.layers.cache`."""
        return "cache" in inspect.signature(self.layer.call).parameters

    def reads(self):
        """The places of the tensors that the layer is called with."""
        return [one for one in keras.tree.flatten(self.arguments) if isinstance(one, TensorRef)]

    def run(self, values, call):
        """Put what `call(step, *args, **kwargs)` returns into `values`, {place: tensor}, and take out what is spent."""
        args, kwargs = keras.tree.map_structure(
            lambda one: values[one] if isinstance(one, TensorRef) else one, self.arguments
        )
        values.update(zip(self.outputs, keras.tree.flatten(call(self, *args, **kwargs)), strict=False))
        for place in self.spent:
            del values[place]


class DecodingPlan:
    """The steps from a model's inputs to its logits.

    Attributes:
        inputs: {name: place}.
        written: the name of the input that is written token by token: `tokens`, or `target` beside a `source`.
        once: steps in which no written token has a say, such as an encoder's.
        each: the steps that are taken for every token; `last` is the number of the last of them that remembers.
        kept: the places that steps of `each` read and that hold for all tokens.
        output: the place of the logits.

    Raises UserError where the network cannot write: it has no such input, or looks at later tokens.
    """

    def __init__(self, model):
        self.inputs = {tensor.name: TensorRef() for tensor in model.inputs}
        self.written = _written(model)
        steps, self.output = _steps(model, self.inputs)
        told = {self.inputs[self.written]}
        self.once, self.each = [], []
        for step in steps:
            depends = any(place in told for place in step.reads())
            (self.each if depends else self.once).append(step)
            told.update(step.outputs if depends else ())
        self.kept = list(dict.fromkeys(place for step in self.each for place in step.reads() if place not in told))
        self.last = max((i for i, step in enumerate(self.each) if step.remembers), default=-1)
        self._check(model)
        self._spend()

    def crossing(self):
        """The places of tensors of each token that steps up to the last remembering one give to steps after it."""
        before = {place for step in self.each[: self.last + 1] for place in step.outputs}
        after = [place for step in self.each[self.last + 1 :] for place in step.reads()]
        return [
            place for place in dict.fromkeys([*after, self.output]) if place in before | {self.inputs[self.written]}
        ]

    def watch(self, layer):
        """Take a step with a layer that remembers, and changes nothing, on the features that logits are made of.

        They are what the last dense layer reads, or that of word vectors. Raises UserError where none follows the last
        layer that remembers.
        """
        head = max((i for i, step in enumerate(self.each) if isinstance(step.layer, LOGITS)), default=-1)
        if head <= self.last:
            raise UserError(
                "Expected a network whose logits a dense layer makes of features, to contrast them. "
                f"Received: one that ends with {self.each[-1].layer.name!r}, a {type(self.each[-1].layer).__name__}."
            )
        features = self.each[head].reads()
        self.each.insert(head, Step(layer, (features, {}), features))
        self.last = head

    def _spend(self):
        later = {self.output}
        for step in reversed(self.once + self.each):
            step.spent = tuple(place for place in dict.fromkeys(step.reads()) if place not in later)
            later.update(step.spent)

    def _check(self, model):
        if len(model.output.shape) != 3:
            raise UserError(
                "Expected a network with logits for each token, (batch, time, vocabulary), to generate with. "
                f"Received: one whose output is {model.output.shape}, model {model.name!r}."
            )
        for step in self.each:
            if isinstance(step.layer, (*FOREIGN, NGrams, Pooling)) and not step.remembers:
                raise UserError(
                    f"Expected layers with a memory of earlier tokens, as those of zoo.layers. Received: "
                    f"{step.layer.name!r}, a {type(step.layer).__name__}, which sees other tokens and has none."
                )


def _written(model):
    names = [tensor.name for tensor in model.inputs]
    if len(names) == 1:
        return names[0]
    if "target" not in names:
        raise UserError(
            f"Expected one input, or `source` and `target`, to generate with. Received: a network with {names}."
        )
    return "target"


def _steps(model, inputs):
    """`(steps, place of the output)` of a drawing; models drawn into it are gone through too."""
    steps = []

    def record(layer, *args, **kwargs):
        if isinstance(layer, keras.Model) and hasattr(layer, "inputs"):
            parts = keras.tree.flatten((args, kwargs))
            return walk(layer, {tensor.name: part for tensor, part in zip(layer.inputs, parts, strict=False)}, record)
        steps.append(Step(layer, (args, kwargs), [TensorRef() for _ in range(OUTPUTS)]))
        return steps[-1].outputs

    return steps, walk(model, inputs, record)
