"""Explanations with every view of the page, and large ones, of random numbers that look like those of real models."""

import numpy as np

from zoo.explore import views
from zoo.explore.explanation_page import Explanation

WORDS = [
    *("[CLS]", "my", " parcel", " never", " arriv", "ed", " and", " I", " want", " a", " ref", "und", "[SEP]"),
    *("order", " 12", "34", " please", "[SEP]"),
]
SOURCE = ["where", " is", " my", " parcel", "?", "</s>"]
TARGET = ["<s>", "wo", " ist", " mein", " Paket", "?", "</s>"]
LABELS = ["label refund", "label delivery", "label <img src=x onerror=window.attacked=1>"]
SPECIAL_TOKENS = ("[CLS]", "[SEP]", "<s>", "</s>")
STATISTICS = ("entropy", "mean distance", "share on first", "share on previous", "share on separator")
GATES = ("input", "forget", "output")


def softmax(scores, axis=-1):
    powers = np.exp(scores - np.max(scores, axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def peaked_weights(rng, heads, queries, keys, causal=False, sharpness=3.0):
    """(H, T, S) attention weights: some heads local, some on the first or last token, some by content."""
    query, key = rng.normal(size=(heads, queries, 16)), rng.normal(size=(heads, keys, 16))
    scores = np.einsum("htd,hsd->hts", query, key) / 4 * sharpness
    distance = np.abs(np.arange(queries)[:, None] + rng.integers(-2, 3, (heads, 1, 1)) - np.arange(keys))
    scores -= distance * rng.choice([0, 0.05, 1.0], (heads, 1, 1))
    scores[:, :, 0] += rng.choice([0, 6], (heads, 1))
    scores[:, :, -1] += rng.choice([0, 0, 6], (heads, 1))
    mask = np.tri(queries, keys, dtype=bool) if causal else None
    return softmax(scores if mask is None else np.where(mask, scores, -np.inf)).astype("float32"), mask


def attention(rng, name="self-attention", queries="tokens", keys="tokens", shape=(2, 4, 18, 18), causal=False, width=8):
    """An `Attention` of shape (layers, heads, queries, keys), with queries and keys of `width` where that is not 0."""
    layers, heads, rows, columns = shape
    items = []
    for number in range(layers):
        weights, mask = peaked_weights(rng, heads, rows, columns, causal)
        statistics = {key: rng.random(heads).astype("float32") for key in STATISTICS}
        layer = views.AttentionLayer(f"layer {number}", weights, mask, statistics=statistics)
        items.append(_with_queries(layer, rng, width) if width else layer)
    return views.Attention(name, queries, keys, causal, items)


def _with_queries(layer, rng, width):
    heads, rows, columns = layer.weights.shape
    layer.query, layer.key = (1.6 * rng.normal(size=(heads, n, width)).astype("float32") for n in (rows, columns))
    layer.scale, layer.bias = width**-0.5, rng.normal(size=layer.weights.shape).astype("float32") / 4
    scores = layer.scale * np.einsum("htd,hsd->hts", layer.query, layer.key) + layer.bias
    layer.weights = softmax(scores if layer.mask is None else np.where(layer.mask, scores, -np.inf)).astype("float32")
    return layer


def alignment(rng):
    """The alignment of a recurrent decoder: one layer, one head, additive scores."""
    scores = rng.normal(size=(1, len(TARGET), len(SOURCE))).astype("float32") * 3
    layer = views.AttentionLayer("alignment", softmax(scores).astype("float32"), score=scores)
    return views.Attention("alignment", "target", "source", False, [layer])


def tokens(words, generated_from=None):
    """The `Token`s of words: of a second text after the first "[SEP]", generated from an index on."""
    second = words.index("[SEP]") if "[SEP]" in words else len(words)
    generated = len(words) if generated_from is None else generated_from
    return [
        views.Token(text, text in SPECIAL_TOKENS, int(i > second), i >= generated, ("NOUN", "VERB")[i % 2])
        for i, text in enumerate(words)
    ]


def recurrent(rng, name, sequence, count, units=24, lstm=True):
    """The states of a recurrent layer over `count` tokens."""
    walk = np.tanh(np.cumsum(rng.normal(size=(count, units)), 0) / 2).astype("float32")
    states = {"h": walk, **({"c": 2 * walk} if lstm else {})}
    gates = {key: rng.random((count, units)).astype("float32") for key in (GATES if lstm else ("reset", "update"))}
    decay = 0.7 ** np.arange(count)[::-1, None]
    gradient = {key: (decay * rng.normal(size=(count, units))).astype("float32") for key in states}
    return views.RecurrentStates(name, sequence, name.startswith("backward"), states, gates, gradient)


def filter_maxima(rng, width, count=12, tokens_count=18):
    value = np.maximum(rng.normal(size=count) * 2, 0).astype("float32")
    return views.Filters(f"kernel of {width}", "tokens", width, value, rng.integers(-1, tokens_count - 1, count))


def attribution(rng, sequences, outputs, groups=None):
    shape = {name: (len(outputs), len(items)) for name, items in sequences.items()}
    names = ("gradient x input", "integrated gradients", "occlusion")
    methods = [
        views.AttributionMethod(name, {key: rng.normal(size=size).astype("float32") for key, size in shape.items()})
        for name in names
    ]
    methods[1].gap = np.abs(rng.normal(size=len(outputs)) / 200).astype("float32")
    values = rng.normal(size=len(outputs)).astype("float32")
    return views.Attribution(outputs, values, [0], groups or [0] * len(outputs), methods)


def candidates(rng, words, count=5):
    probabilities = np.sort(softmax(2 * rng.normal(size=count + 3)))[::-1][:count]
    return [views.Candidate(str(rng.choice(words)), float(value)) for value in probabilities]


def lens(rng, sequence, words, layers=4):
    names = ["embedding", *(f"layer {i}" for i in range(1, layers))]
    shape = (layers, len(words))
    rank = (rng.integers(0, 4000, shape) * np.linspace(1, 0, layers)[:, None]).astype("int32")
    entropy = (8 * rng.random(shape) * np.linspace(1, 0.2, layers)[:, None]).astype("float32")
    return views.LogitLens(sequence, names, [[candidates(rng, words) for _ in words] for _ in names], rank, entropy)


def generation_steps(rng, words):
    steps = [candidates(rng, words) for _ in words]
    return [
        views.GenerationStep(items[0].text, items[0].probability, float(4 * rng.random()), items) for items in steps
    ]


def beam_tree(rng, words, beams=3):
    """Beams of a search over `words`; the first beam is the best, the others end in between."""
    nodes = []
    for beam in range(beams):
        parent, score = -1, 0.0
        for step in range(len(words) - beam):
            if beam and step < beam:
                parent, score = step, nodes[step].score
                continue
            logprob = float(-rng.exponential())
            score += logprob
            last = step == len(words) - beam - 1
            state = "best" if beam == 0 else ("finished" if beam == 1 else "pruned") if last else "alive"
            nodes.append(views.BeamNode(parent, step, str(rng.choice(words)), logprob, score, state))
            parent = len(nodes) - 1
    return nodes


def corpus_search(rng, words, head=None):
    def neighbour(word):
        tags = {"pos": str(rng.choice(["NOUN", "VERB"])), "source": "help desk"}
        return views.Neighbour(float(rng.random()), "the customer sent the", f" {word}", " back to the shop", tags)

    neighbours = [[neighbour(word) for _ in range(6)] for word in words]
    summary = [{"pos": {"NOUN": 0.67, "VERB": 0.33}, "source": {"help desk": 1.0}} for _ in words]
    return views.CorpusSearch("layer 1", head, "tokens", neighbours, summary)


def classified_text(rng):
    """A pair of texts through an encoder, with a convolution, a recurrent layer and all that a classifier has."""
    sequence = tokens(WORDS)
    stack = attention(rng, shape=(2, 4, len(WORDS), len(WORDS)))
    variants = [
        views.Variant("tokens", i, "delivery (51.0 %)", [attention(rng, shape=(2, 4, 18, 18), width=0)]) for i in (2, 9)
    ]
    terms = views.Terms(["parcel", "refund", "12"], np.array([0.5, 0.4, 0.1]), rng.normal(size=(3, 3)))
    return views.TextExplanation(
        {"text": "my parcel never arrived and I want a refund", "text_pair": "order 1234 please"},
        "refund (93.1 %)",
        {"tokens": sequence},
        [stack],
        variants,
        [recurrent(rng, "forward LSTM", "tokens", 18), recurrent(rng, "backward LSTM", "tokens", 18)],
        [filter_maxima(rng, width) for width in (2, 3)],
        attribution(rng, {"tokens": sequence}, LABELS),
        terms,
        lens(rng, "tokens", WORDS),
        search=[corpus_search(rng, WORDS), corpus_search(rng, WORDS, head=2)],
    )


def translated_text(rng):
    """A source and its translation through an encoder-decoder, with the steps and beams of its generation."""
    source, target = tokens(SOURCE), tokens(TARGET, generated_from=1)
    sizes, outputs = (len(SOURCE), len(TARGET)), [f"generated {i}: {word}" for i, word in enumerate(TARGET[1:])]
    stacks = [
        attention(rng, "encoder self-attention", "source", "source", (2, 2, sizes[0], sizes[0])),
        attention(rng, "decoder self-attention", "target", "target", (2, 2, sizes[1], sizes[1]), causal=True),
        attention(rng, "cross-attention", "target", "source", (2, 2, sizes[1], sizes[0])),
        alignment(rng),
    ]
    return views.TextExplanation(
        {"source": "where is my parcel?"},
        "wo ist mein Paket?",
        {"source": source, "target": target},
        stacks,
        recurrent=[recurrent(rng, "GRU", "source", sizes[0], lstm=False)],
        attribution=attribution(rng, {"source": source, "target": target}, outputs, list(range(len(outputs)))),
        lens=lens(rng, "target", TARGET),
        steps=generation_steps(rng, TARGET[1:]),
        beams=beam_tree(rng, TARGET[1:]),
    )


def model_explanation(name="helpdesk", seed=0):
    rng = np.random.default_rng(seed)
    return views.ModelExplanation(name, "classify_text", "bert", [classified_text(rng), translated_text(rng)])


def complete():
    """An explanation by two models, with every view of the page."""
    rng = np.random.default_rng(2)
    changes = [[views.HeadChange("self-attention", rng.random((2, 4)).astype("float32"))]]
    changes.append(
        [views.HeadChange(name, rng.random((2, 2))) for name in ("encoder self-attention", "cross-attention")]
    )
    answers = [("refund (93.1 %)", "delivery (60.2 %)"), ("wo ist mein Paket?", "wo ist mein Paket?")]
    return Explanation(
        [model_explanation(), model_explanation("helpdesk fine-tuned", 1)],
        [views.Comparison(pair, heads) for pair, heads in zip(answers, changes, strict=True)],
        ["Queries and keys of long texts were left out: neurons=True adds them."],
    )


def single(name="helpdesk"):
    """An explanation of two texts by one model."""
    return Explanation([model_explanation(name)])


def large(layers=12, heads=12, length=512):
    """An explanation of one long text: nothing but attention, peaked as that of trained models is."""
    rng = np.random.default_rng(0)
    words = [f" word{i}" if i % 3 else f" parcel{i}" for i in range(length)]
    stack = attention(rng, shape=(layers, heads, length, length), width=0)
    text = views.TextExplanation({"text": "".join(words)}, "refund", {"tokens": tokens(words)}, [stack])
    return Explanation([views.ModelExplanation("large", "classify_text", "bert", [text])])
