"""The steps of decoding, from one pass over the text, against the log-probabilities of decoding token by token."""

import numpy as np
import pytest
from causal_models import CAUSAL
from tiny import all_on_torch
from tiny_pipelines import NEW, run_of, tiny_pipeline, tiny_run

from zoo.explore.generation_steps import generation_steps
from zoo.explore.text_run import greedy_generator, run_text


@pytest.fixture(scope="module", params=all_on_torch(CAUSAL, ("gpt2", "rnn_seq2seq", "transformer")))
def run(request):
    return run_of(request.param)


def test_probabilities_are_those_of_decoding(run):
    ((completion,),) = greedy_generator(run.pipeline, NEW).generate([run.record])
    steps = generation_steps(run)
    assert len(steps) == len(completion.ids) > 0
    np.testing.assert_allclose(np.log([step.probability for step in steps]), completion.logprobs, atol=1e-4)


def test_the_first_candidate_of_greedy_decoding_is_the_token(run):
    generated = [token.text for token in run.sequences[run.output_sequence] if token.generated]
    for step, text in zip(generation_steps(run, top=3), generated, strict=True):
        best = next(candidate for candidate in step.candidates if candidate.text not in ("[PAD]", "[SEP]"))
        assert step.text == best.text == text
        assert step.probability == pytest.approx(best.probability, rel=1e-6)
        assert len(step.candidates) == 3
        assert 0 < step.entropy <= np.log(run.pipeline.tokenizer.vocabulary_size) + 1e-5


def test_a_text_that_is_longer_than_the_context_is_cut():
    pipeline = tiny_pipeline("next_token", "gpt2", depth=2, generation={"min_tokens": 16})
    run = run_text(pipeline, {"text": "the cat sat on a mat " * 9}, max_new_tokens=40)
    assert run.inputs["tokens"].shape == (1, 32)
    ((completion,),) = greedy_generator(pipeline, run.max_new_tokens).generate([run.record])
    steps = generation_steps(run)
    np.testing.assert_allclose(np.log([step.probability for step in steps]), completion.logprobs, atol=1e-4)


def test_no_steps_without_generation():
    assert generation_steps(tiny_run("tag_tokens", "transformer_encoder", depth=2)) == []
