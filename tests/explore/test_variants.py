"""Variants with one token masked: the answers and the attention of the network for the masked ids."""

import numpy as np
import pytest
import tokenizers
from keras import ops
from tiny import all_or_few
from tiny_pipelines import run_of, tiny_run

from zoo import catalog
from zoo.data.word_alignment import align_words
from zoo.explore.attention import attention_views
from zoo.explore.variants import mask_id, masked_variants
from zoo.objectives.tag_tokens import TagTokens
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer

POSITIONS = (1, 3)


@pytest.fixture(scope="module", params=all_or_few(catalog.names("architectures")))
def run(request):
    return run_of(request.param)


@pytest.fixture(scope="module")
def variants(run):
    return masked_variants(run, POSITIONS)


def masked(run, sequence, position):
    ids = run.inputs[sequence].copy()
    ids[0, position] = run.pipeline.tokenizer.mask
    return run.with_inputs(**{sequence: ids})


def test_attention_is_that_of_the_masked_text(run, variants):
    for variant, position in zip(variants, POSITIONS, strict=True):
        assert variant.sequence == next(iter(run.sequences))
        assert variant.position == position
        views = attention_views(masked(run, variant.sequence, position), neurons=False)
        assert len(variant.attention) == len(views)
        for actual, expected in zip(variant.attention, views, strict=True):
            assert (actual.name, actual.queries, actual.keys) == (expected.name, expected.queries, expected.keys)
            for layer, other in zip(actual.layers, expected.layers, strict=True):
                assert layer.query is None
                np.testing.assert_allclose(layer.weights, other.weights, atol=1e-5)


def test_answers_are_those_to_the_masked_text(run, variants):
    for variant in variants:
        masked_run = masked(run, variant.sequence, variant.position)
        assert variant.answer == answer_to(masked_run)


def answer_to(run):
    """By the network itself: the best class of its outputs, or the likeliest tokens one by one without caches."""
    pipeline, inputs = run.pipeline, run.inputs
    if run.prompt_length is None:
        outputs = run.model({name: inputs[name] for name in run.model.input})
        if isinstance(pipeline.objective, TagTokens):  # the first token of a word has its tag; [CLS] comes first
            (words,) = align_words([run.record["text"].split()], pipeline.tokenizer)
            scores = ops.convert_to_numpy(outputs)[:, 1 + words.first]
            outputs = {"tags": scores, "padding_mask": np.ones(scores.shape[:2], bool)}
        decision = pipeline.objective.decide(outputs)
        decision = {name: ops.convert_to_numpy(array)[0] for name, array in decision.items()}
        return pipeline.objective.format(pipeline.objective.answer(decision, run.record))
    name, ids = run.output_sequence, inputs[run.output_sequence][:, : run.prompt_length]
    prompt = ids[0].tolist()
    for _ in range(run.max_new_tokens):
        logits = run.model({key: inputs[key] for key in run.model.input} | {name: ids})
        scores = ops.convert_to_numpy(logits)[0, -1]
        scores[pipeline.tokenizer.padding] = -np.inf
        if scores.argmax() in pipeline.tokenizer.stop_ids:
            break
        ids = np.append(ids, [[scores.argmax()]], axis=1).astype("int32")
    tokenizer = pipeline.tokenizer
    return tokenizer.decode(ids[0]).removeprefix(tokenizer.decode(prompt))


@pytest.mark.parametrize("objective", ["find_span", "embed_text", "pretrain"])
def test_answers_of_other_objectives(objective):
    run = tiny_run(objective, "transformer_encoder", depth=1)
    answers = [variant.answer for variant in masked_variants(run, (1, 2))]
    assert len({run.answer, *answers}) == 3


def test_a_text_without_that_token_has_the_same_answer():
    """Where the token is masked already, nothing changes."""
    run = tiny_run("masked_token", "bert", depth=2)
    position = int(run.inputs["mask_positions"][0, 0])
    (variant,) = masked_variants(run, [position])
    assert variant.answer == run.answer


def test_many_variants_are_captured_in_batches(monkeypatch):
    run = run_of("transformer_encoder")
    expected = masked_variants(run, range(8))
    monkeypatch.setattr("zoo.explore.variants.TOKENS", 3 * 8)
    for variant, other in zip(masked_variants(run, range(8)), expected, strict=True):
        assert variant.answer == other.answer
        np.testing.assert_allclose(
            variant.attention[0].layers[0].weights, other.attention[0].layers[0].weights, atol=1e-6
        )


def test_no_variants_of_no_positions():
    assert masked_variants(run_of("transformer_encoder"), []) == []


def test_the_mask_is_the_nearest_special_token():
    vocabulary = {"<pad>": 0, "<unk>": 1, "<mask>": 2, "cat": 3}
    for size, expected in ((4, 2), (2, 1), (1, 0)):
        names = [*list(vocabulary)[:size][:3]]
        backend = tokenizers.Tokenizer(tokenizers.models.WordLevel({**{n: i for i, n in enumerate(names)}, "cat": 3}))
        backend.add_special_tokens(names)
        assert mask_id(Tokenizer(backend)) == expected, names


@pytest.mark.parametrize("position", [-1, 8])
def test_positions_outside_the_text_are_refused(position):
    run = run_of("transformer_encoder")
    with pytest.raises(UserError, match=rf"Expected positions from 0 to 7. Received: {position}."):
        masked_variants(run, [position])


def test_generated_tokens_are_no_positions():
    run = run_of("gru")
    with pytest.raises(UserError, match=r"Expected positions from 0 to 5. Received: 6."):
        masked_variants(run, [6])
