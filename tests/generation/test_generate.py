"""Token ids in, completions out."""

import pytest
from writers import PADDING, generated, greedy, network, sources, texts

from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import token_generator


def test_greedy_equals_reading_the_whole_text_anew_for_each_token(writer):
    prompts, read = texts([6, 2, 3]), sources(writer, 3)
    actual = generated(writer, prompts, read, max_new_tokens=5, bad_words=PADDING)
    assert actual == [greedy(writer, prompt, 5, read and read[i]) for i, prompt in enumerate(prompts)]


@pytest.mark.parametrize("name", ["gpt2", "gru", "transformer"])
def test_a_row_is_drawn_as_alone(name):
    model, prompts = network(name), texts([6, 2, 3])
    settings, read = {"max_new_tokens": 5, "temperature": 1.0, "top_p": 0.9, "seed": 5}, sources(model, 3)
    batched = generated(model, prompts, read, **settings)
    alone = [generated(model, [prompt], read and [read[i]], **settings) for i, prompt in enumerate(prompts)]
    assert [[row] for row in batched] == alone


def test_equal_prompts_are_continued_differently(gpt2):
    prompt = texts([4])[0]
    first, second = generated(gpt2, [prompt, prompt], max_new_tokens=8, temperature=2.0)
    assert first != second
    assert generated(gpt2, [prompt], max_new_tokens=8, temperature=2.0) == [first]
    assert generated(gpt2, [prompt], max_new_tokens=8, temperature=2.0, seed=1) != [first]


def test_a_second_call_in_the_same_bucket_compiles_nothing(gpt2):
    settings = {"temperature": 1.0, "top_k": 5}
    generated(gpt2, texts([6, 2, 3]), max_new_tokens=5, **settings)
    before = token_generator(gpt2).compilations
    settings = {"temperature": 0.5, "top_k": 3, "seed": 8}
    generated(gpt2, texts([4, 5, 1, 7]), max_new_tokens=8, **settings)
    assert token_generator(gpt2).compilations == before


def test_a_text_ends_with_a_stop(gpt2):
    prompt = texts([4])
    full = generated(gpt2, prompt, max_new_tokens=8)[0]
    stop = full[3]
    ((actual,),) = generate(gpt2, prompt, None, GenerationConfig(max_new_tokens=8, stop_ids=(stop, 99)))
    assert actual.ids == full[: full.index(stop)]
    assert actual.finish_reason == "stop"
    assert len(actual.logprobs) == len(actual.ids)


def test_changed_weights_are_used():
    model, prompt = network("gpt2"), texts([4])
    generated(model, prompt, max_new_tokens=5)
    for weight in model.trainable_weights:
        weight.assign(-weight)
    assert generated(model, prompt, max_new_tokens=5, bad_words=PADDING) == [greedy(model, prompt[0], 5)]
