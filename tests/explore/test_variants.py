"""Variants with one token masked: the answers and the attention of the network for the masked ids."""

import numpy as np
import pytest
import tokenizers
from keras import ops
from tiny import all_on_torch
from tiny_pipelines import run_of, tiny_run

from zoo import catalog
from zoo.data.word_alignment import align_words
from zoo.explore.attention_views import attention_views
from zoo.explore.text_run import greedy_generator
from zoo.explore.variants import mask_id, masked_variants
from zoo.generation.generate import generate
from zoo.objectives.tag_tokens import TagTokens
from zoo.runtime.errors import UserError
from zoo.text.tokenizer import Tokenizer

POSITIONS = (1, 3)
FEW = ("rnn_seq2seq", "transformer_encoder")


@pytest.fixture(scope="module", params=all_on_torch(catalog.names("architectures"), FEW))
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
    runs = [masked(run, variant.sequence, variant.position) for variant in variants]
    texts = [decided(masked_run) for masked_run in runs] if run.prompt_length is None else generated(runs)
    assert [variant.answer for variant in variants] == texts


def decided(run):
    """The answer of the network itself, without padding."""
    objective = run.pipeline.objective
    outputs = run.model({name: run.inputs[name] for name in run.model.input})
    if isinstance(objective, TagTokens):  # the first token of a word has its tag; [CLS] comes first
        (words,) = align_words([run.record["text"].split()], run.pipeline.tokenizer)
        scores = ops.convert_to_numpy(outputs)[:, 1 + words.first]
        outputs = {"tags": scores, "padding_mask": np.ones(scores.shape[:2], bool)}
    decision = {name: ops.convert_to_numpy(array)[0] for name, array in objective.decide(outputs).items()}
    return objective.format(objective.answer(decision, run.record))


def generated(runs):
    """The text that follows each prompt of ids."""
    rows = [{name: array[0].tolist() for name, array in run.inputs.items()} for run in runs]
    (name, size), pipeline = (runs[0].output_sequence, runs[0].prompt_length), runs[0].pipeline
    prompts, sources = [row[name][:size] for row in rows], [row["source"] for row in rows if "source" in row] or None
    config = greedy_generator(pipeline, runs[0].max_new_tokens).config
    decode = pipeline.tokenizer.decode
    completions = [completion.ids for (completion,) in generate(pipeline.model, prompts, sources, config)]
    return [
        decode([*prompt, *ids]).removeprefix(decode(prompt)) for prompt, ids in zip(prompts, completions, strict=True)
    ]


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


@pytest.mark.parametrize("architecture", ["transformer_encoder", "gpt2", "rnn_seq2seq"])
def test_no_variants_of_no_positions(architecture):
    assert masked_variants(run_of(architecture), []) == []


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
