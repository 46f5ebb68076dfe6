"""The data format of an explanation: what each view of the page shows, as dataclasses of NumPy arrays.

`zoo.explore.page_data` writes them for the page: field names are the keys that the page reads. T and S are tokens of
the sequences of queries and of keys, H heads, D the width of a head, U units, L layers.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray


@dataclass
class Token:
    """A token of a sequence."""

    text: str  # readable: "Ġwhere" and "##ing" are " where" and "ing"
    special: bool = False  # a special token, such as [CLS]
    segment: int = 0  # 1: of the second text of a pair
    generated: bool = False  # written by the model
    tag: str = ""  # of the user's corpus or of a tagger


@dataclass
class AttentionLayer:
    """A layer of attention on one text: `weights` is the softmax of `scale * query @ key + bias` over visible keys."""

    name: str
    weights: Array  # (H, T, S) float32
    mask: Array | None = None  # (T, S) booleans, True at visible keys; None: all are visible
    query: Array | None = None  # (H, T, D); None with additive scores
    key: Array | None = None  # (H, S, D), repeated for grouped queries
    scale: float = 1.0
    bias: Array | None = None  # (H, T, S), such as relative positions
    score: Array | None = None  # (H, T, S) before the softmax and the mask, where there is no query
    statistics: dict[str, Array] = field(default_factory=dict)  # (H,) by name: see `zoo.explore.head_statistics`


@dataclass
class Attention:
    """The attention of a stack of layers: self-attention, cross-attention, or an alignment of a recurrent decoder."""

    name: str  # "self-attention", "decoder self-attention", "cross-attention", "alignment" or "pooling"
    queries: str  # name of a sequence; of "pooling", which has one query, that of the keys
    keys: str
    causal: bool
    layers: list[AttentionLayer]


@dataclass
class RecurrentStates:
    """The states and gates of a recurrent layer over the tokens of a sequence."""

    name: str
    sequence: str
    reverse: bool  # whether it reads from the end
    states: dict[str, Array]  # {"h", and of an LSTM "c"}: (T, U)
    gates: dict[str, Array]  # {"forget", ...}: (T, U)
    gradient: dict[str, Array] = field(
        default_factory=dict
    )  # (T, U): of the loss by each state, through later states too


@dataclass
class Filters:
    """A convolution with max pooling: the n-gram that each filter's maximum came from."""

    name: str
    sequence: str
    width: int  # tokens of an n-gram
    value: Array  # (filters,) the maximum
    start: Array  # (filters,) integers: the first token of the n-gram; below 0 or past the end at padding


@dataclass
class AttributionMethod:
    """Contributions of tokens to outputs, by one method."""

    name: str  # "gradient x input", "integrated gradients", "occlusion", or of an MLP on counts "terms"
    values: dict[str, Array]  # {sequence: (outputs, T)}
    gap: Array | None = None  # (outputs,): |sum - difference of outputs| / |difference|; of integrated gradients


@dataclass
class Attribution:
    """Why an answer: the contribution of each token to each of some outputs. Contributions to two outputs subtract."""

    outputs: list[str]  # such as "label refund", "token 3: NOUN", "start", "generated 2: parcel"
    values: Array  # (outputs,): logits
    chosen: list[int]  # indices of the outputs that the answer consists of
    groups: list[int]  # of each output: outputs of one group compete, as the labels of a token do
    methods: list[AttributionMethod]


@dataclass
class Terms:
    """The terms of a text that weigh in an MLP on counts or TF-IDF."""

    terms: list[str]
    value: Array  # (terms,) the feature
    contribution: Array  # (outputs, terms)


@dataclass
class Candidate:
    """A candidate for a token."""

    text: str
    probability: float


@dataclass
class LogitLens:
    """What each layer would predict at each token, by the network's own head: the logit lens."""

    sequence: str  # "": one distribution for the text as a whole, T being 1
    layers: list[str]
    candidates: list[list[list[Candidate]]]  # [L][T]: the likeliest, the first first
    rank: Array  # (L, T): of the last layer's first candidate, from 0
    entropy: Array  # (L, T) in nats


@dataclass
class GenerationStep:
    """One step of decoding: the token, and what else was likely."""

    text: str
    probability: float
    entropy: float  # of all tokens, in nats
    candidates: list[Candidate]


@dataclass
class BeamNode:
    """A node of the tree of a beam search."""

    parent: int  # index of the node before; -1 at the first tokens
    step: int
    text: str
    logprob: float  # of the token, in nats
    score: float  # of the text up to here, with the length penalty
    state: str  # "alive", "pruned", "finished" or "best": on the path of the best text


@dataclass
class Neighbour:
    """A token of the corpus near to a token of the text."""

    similarity: float  # cosine
    before: str
    text: str
    after: str
    tags: dict[str, str]  # {column: tag}


@dataclass
class CorpusSearch:
    """The nearest tokens of a corpus by the vector of a layer, or of one head."""

    layer: str
    head: int | None  # None: the vector of the layer
    sequence: str
    neighbours: list[list[Neighbour]]  # [T]
    summary: list[dict[str, dict[str, float]]]  # [T]: {column: {tag: share of the neighbours}}


@dataclass
class Variant:
    """The same text with one token masked."""

    sequence: str
    position: int  # of the masked token
    answer: str  # as a line of text
    attention: list[Attention]  # without queries and keys


@dataclass
class TextExplanation:
    """What a model does with one text."""

    inputs: dict[str, Any]  # the record
    answer: str  # as a line of text
    sequences: dict[str, list[Token]]  # {"tokens"} or {"source", "target"}
    attention: list[Attention] = field(default_factory=list)
    variants: list[Variant] = field(default_factory=list)
    recurrent: list[RecurrentStates] = field(default_factory=list)
    filters: list[Filters] = field(default_factory=list)
    attribution: Attribution | None = None
    terms: Terms | None = None
    lens: LogitLens | None = None
    steps: list[GenerationStep] = field(default_factory=list)
    beams: list[BeamNode] = field(default_factory=list)
    search: list[CorpusSearch] = field(default_factory=list)


@dataclass
class ModelExplanation:
    """What one model does with some texts."""

    name: str  # of its folder
    objective: str
    architecture: str
    texts: list[TextExplanation]


@dataclass
class HeadChange:
    """How far the heads of two models differ on a text: the mean total variation distance of their rows, 0 to 1."""

    attention: str  # the name of an `Attention`
    distance: Array  # (L, H)


@dataclass
class Comparison:
    """What differs between two models on one text."""

    answers: tuple[str, str]
    heads: list[HeadChange]
