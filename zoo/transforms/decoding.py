"""The decoding plan: a model's steps split into encoder steps, run once per text, and decoder steps, run per token."""

import inspect
from collections.abc import Iterable

import keras

from zoo.layers.embedding import NGrams
from zoo.layers.pooling import Pooling
from zoo.runtime.errors import UserError
from zoo.transforms.graph import Graph, Step, TensorRef

UNCACHED = (  # layers that mix tokens and, where `call` has no argument `cache`, cannot decode token by token
    *(keras.layers.RNN, keras.layers.Bidirectional, keras.layers.MultiHeadAttention, keras.layers.Attention),
    *(keras.layers.GroupQueryAttention, keras.layers.AdditiveAttention, keras.layers.Conv1D),
    *(keras.layers.GlobalAveragePooling1D, keras.layers.GlobalMaxPooling1D, keras.layers.Flatten),
    *(NGrams, Pooling),
)
LOGITS = (keras.layers.Dense, keras.layers.ReversibleEmbedding)  # layers that map hidden states to logits


class PlanStep(Step):
    """A `Step` of a decoding plan.

    Attributes:
        last_uses: references that no later step reads; their tensors are released after the step.
    """

    last_uses: tuple[TensorRef, ...] = ()

    @property
    def uses_cache(self) -> bool:
        """Whether the layer has a cache of earlier tokens: see `zoo.layers.cache`."""
        return "cache" in inspect.signature(self.layer.call).parameters

    def run(self, values, call=None):
        super().run(values, call)
        for reference in self.last_uses:
            del values[reference]


class DecodingPlan:
    """Plan of autoregressive decoding: the steps from a model's inputs to its logits.

    Attributes:
        inputs: {name: reference}.
        decoder_input: name of the input that grows token by token: `tokens`, or `target` beside a `source`.
        encoder_steps: steps that do not depend on the decoder's input; they run once for a text.
        decoder_steps: steps that run for every token.
        last_cached: index of the last decoder step with a cache; -1 without one.
        constants: tensors that decoder steps read and that are the same for all tokens.
        output: the logits.

    Raises UserError where the network cannot generate: it has no such input, or a layer sees later tokens.
    """

    def __init__(self, model: keras.Model):
        graph = Graph(model)
        self.inputs, self.output = graph.inputs, graph.outputs
        self.decoder_input = _decoder_input(model)
        dependent = {self.inputs[self.decoder_input]}
        self.encoder_steps: list[PlanStep] = []
        self.decoder_steps: list[PlanStep] = []
        for step in graph.steps:
            step = PlanStep(step.layer, step.args, step.kwargs, step.outputs)
            depends = not dependent.isdisjoint(step.reads())
            (self.decoder_steps if depends else self.encoder_steps).append(step)
            dependent.update(step.outputs if depends else ())
        read = _reads(self.decoder_steps)
        self.constants = [reference for reference in dict.fromkeys(read) if reference not in dependent]
        self.last_cached = max((i for i, step in enumerate(self.decoder_steps) if step.uses_cache), default=-1)
        self._check(model)
        self._set_last_uses()

    def boundary(self) -> list[TensorRef]:
        """Tensors that steps up to the last cached one compute, and that later steps or the output read."""
        computed = {output for step in self.decoder_steps[: self.last_cached + 1] for output in step.outputs}
        computed.add(self.inputs[self.decoder_input])
        read = [*_reads(self.decoder_steps[self.last_cached + 1 :]), self.output]
        return [reference for reference in dict.fromkeys(read) if reference in computed]

    def tap(self, layer: keras.layers.Layer) -> None:
        """Insert an identity layer with a cache at the final hidden states.

        These are the input of the last dense layer, or of the tied embedding. Raises UserError where neither follows
        the last layer with a cache.
        """
        head = max((i for i, step in enumerate(self.decoder_steps) if isinstance(step.layer, LOGITS)), default=-1)
        if head <= self.last_cached:
            final = self.decoder_steps[-1].layer
            raise UserError(
                "Contrastive search needs a network with a dense layer from hidden states to logits. "
                f"Received: one that ends with {final.name!r}, a {type(final).__name__}."
            )
        features = self.decoder_steps[head].reads()
        self.decoder_steps.insert(head, PlanStep(layer, tuple(features), {}, features))
        self.last_cached = head

    def _set_last_uses(self):
        later = {self.output}
        for step in reversed(self.encoder_steps + self.decoder_steps):
            step.last_uses = tuple(reference for reference in dict.fromkeys(step.reads()) if reference not in later)
            later.update(step.last_uses)

    def _check(self, model):
        if len(model.output.shape) != 3:
            raise UserError(
                "Expected a network with logits for each token, (batch, time, vocabulary), to generate with. "
                f"Received: one whose output is {model.output.shape}, model {model.name!r}."
            )
        for step in self.decoder_steps:
            if isinstance(step.layer, UNCACHED) and not step.uses_cache:
                raise UserError(
                    f"Expected layers with a cache of earlier tokens, as those of zoo.layers. Received: "
                    f"{step.layer.name!r}, a {type(step.layer).__name__}, which mixes tokens and has none."
                )


def _decoder_input(model):
    names = [tensor.name for tensor in model.inputs]
    if len(names) == 1:
        return names[0]
    if "target" not in names:
        raise UserError(
            f"Expected one input, or `source` and `target`, to generate with. Received: a network with {names}."
        )
    return "target"


def _reads(steps: Iterable[Step]) -> list[TensorRef]:
    return [reference for step in steps for reference in step.reads()]
