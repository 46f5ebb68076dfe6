"""Two models on one text: the change of each head, and what is not compared."""

import numpy as np
import pytest

from zoo.explore.text_comparison import compare_texts, left_out
from zoo.explore.views import Attention, AttentionLayer, TextExplanation, Token


def weights(random, heads, queries, keys, causal=False):
    scores = random.normal(size=(heads, queries, keys))
    if causal:
        scores = np.where(np.tri(queries, keys, dtype=bool), scores, -np.inf)
    exponents = np.exp(scores)
    return (exponents / exponents.sum(-1, keepdims=True)).astype("float32")


def explanation(seed, words, layers=2, heads=3, causal=False, name="self-attention", source=None):
    random, keys = np.random.default_rng(seed), source or words
    stack = [AttentionLayer(f"block{i}", weights(random, heads, len(words), len(keys), causal)) for i in range(layers)]
    sequences = {"source": tokens(source), "target": tokens(words)} if source else {"tokens": tokens(words)}
    attention = Attention(name, list(sequences)[-1], next(iter(sequences)), causal, stack)
    return TextExplanation({"text": " ".join(words)}, f"answer {seed}", sequences, [attention])


def tokens(words):
    return [Token(word) for word in words or ()]


def test_the_change_of_a_head_is_the_mean_total_variation_distance():
    first, second = explanation(0, ["a", "b", "c"]), explanation(1, ["a", "b", "c"])
    second.attention[0].layers[0].weights[1] = first.attention[0].layers[0].weights[1]
    comparison = compare_texts(first, second)
    assert comparison.answers == ("answer 0", "answer 1")
    (change,) = comparison.heads
    assert (change.attention, change.distance.shape) == ("self-attention", (2, 3))
    assert change.distance[0, 1] == 0
    rows = [side.attention[0].layers[1].weights[2] for side in (first, second)]
    assert change.distance[1, 2] == pytest.approx(np.abs(rows[0] - rows[1]).sum() / 2 / 3)
    assert (change.distance <= 1).all()
    assert left_out(first, second) == []


def test_rows_that_do_not_overlap_have_distance_1():
    first, second = explanation(0, ["a", "b"], 1, 1), explanation(0, ["a", "b"], 1, 1)
    first.attention[0].layers[0].weights[:] = [[1, 0], [1, 0]]
    second.attention[0].layers[0].weights[:] = [[0, 1], [1, 0]]
    assert compare_texts(first, second).heads[0].distance == pytest.approx(np.array([[0.5]]))


def test_generated_texts_are_compared_up_to_the_first_token_that_differs():
    first = explanation(0, ["a", "b", "c"], causal=True)
    second = explanation(1, ["a", "b", "x", "y"], causal=True)
    (change,) = compare_texts(first, second).heads
    rows = [side.attention[0].layers[0].weights[0, :2, :2] for side in (first, second)]
    assert change.distance[0, 0] == pytest.approx(np.abs(rows[0] - rows[1]).sum() / 2 / 2)
    cross = [explanation(i, words, source=["s", "t"]) for i, words in enumerate((["a", "b"], ["a", "x", "y"]))]
    (change,) = compare_texts(*cross).heads
    rows = [side.attention[0].layers[1].weights[2, 0] for side in cross]
    assert change.distance[1, 2] == pytest.approx(np.abs(rows[0] - rows[1]).sum() / 2)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (explanation(1, ["a", "x", "c"]), "The models read other tokens."),
        (explanation(1, ["a", "b"]), "The models read other tokens."),
        (explanation(1, ["a", "b", "c"], layers=1), "2 layers of 3 heads, and 1 layer of 3 heads."),
        (explanation(1, ["a", "b", "c"], heads=2), "2 layers of 3 heads, and 2 layers of 2 heads."),
    ],
)
def test_what_is_not_compared_is_said(other, reason):
    first = explanation(0, ["a", "b", "c"])
    assert compare_texts(first, other).heads == []
    (note,) = left_out(first, other)
    assert note.startswith("Not compared: self-attention.")
    assert note.endswith(reason)


def test_attention_of_one_model_alone_is_said():
    first, second = explanation(0, ["a"], name="alignment"), explanation(1, ["a"])
    assert compare_texts(first, second).heads == []
    assert [note.partition(". ")[2] for note in left_out(first, second)] == [
        "Only the first model has it.",
        "Only the second model has it.",
    ]
