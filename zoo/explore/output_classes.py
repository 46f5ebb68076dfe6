"""The classes that a network's output layer scores: tokens of a vocabulary, tags or labels."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras import ops

from zoo.explore.token_text import later_texts
from zoo.explore.views import Array, Candidate
from zoo.objectives import Generates
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.masked_token import MaskedToken
from zoo.objectives.next_sentence import NextSentence
from zoo.objectives.pretrain import Pretrain
from zoo.objectives.tag_tokens import TagTokens

if TYPE_CHECKING:
    from zoo.pipeline.pipeline import Pipeline


@dataclass(frozen=True)
class OutputClasses:
    """The classes of an output layer, and distributions over them: a softmax, or a sigmoid for each class.

    P positions, C classes.
    """

    names: Callable[[Iterable[int]], list[str]]  # of indices
    output: str = ""  # name of the output, in a network with several
    sigmoid: bool = False  # any number of classes may be right

    def logits(self, outputs: Any) -> Any:
        """(P, C) float32 logits of a network's outputs for one text: of each token, or of the text, P being 1."""
        logits = outputs[self.output] if isinstance(outputs, dict) else outputs
        return ops.cast(ops.reshape(logits, (-1, logits.shape[-1])), "float32")

    def log_probabilities(self, logits: Any) -> Any:
        """(P, C) log-probabilities, in nats, of (P, C) logits."""
        return ops.log_sigmoid(logits) if self.sigmoid else ops.log_softmax(logits)

    def entropy(self, logits: Any) -> Array:
        """(P,) the entropy of each position in nats; of several sigmoids their sum."""
        terms = [logits, -logits] if self.sigmoid else [logits]
        log_p = [self.log_probabilities(term) for term in terms]
        return ops.convert_to_numpy(-sum(ops.sum(ops.exp(x) * x, axis=-1) for x in log_p))

    def top(self, logits: Any, number: int) -> list[list[Candidate]]:
        """For each position the `number` likeliest classes, the likeliest first; all where there are fewer."""
        log_p, indices = ops.top_k(self.log_probabilities(logits), min(number, logits.shape[-1]))
        rows = zip(ops.convert_to_numpy(ops.exp(log_p)).tolist(), ops.convert_to_numpy(indices), strict=True)
        return [list(map(Candidate, self.names(ids), probabilities)) for probabilities, ids in rows]


def output_classes(pipeline: "Pipeline") -> OutputClasses | None:
    """The classes of a pipeline's network; None where its output is no distribution, such as a number or a span.

    Of a CRF the scores of a token by itself count, without transitions. Where a network tags words and labels the text,
    the classes are the tags.
    """
    objective = pipeline.objective
    if isinstance(objective, Generates | MaskedToken | Pretrain):
        return OutputClasses(lambda ids: later_texts(pipeline.tokenizer, ids), "tokens")
    if isinstance(objective, TagTokens):
        return OutputClasses(_names(objective.tags), "tags")
    if isinstance(objective, ClassifyText):
        return OutputClasses(_names(objective.labels), sigmoid=objective.multi_label)
    if isinstance(objective, NextSentence):
        return OutputClasses(_names(("follows",)), sigmoid=True)
    return None


def _names(classes):
    return lambda indices: [classes[i] for i in indices]
