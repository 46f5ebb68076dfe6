"""Generation from token ids: greedy decoding and sampling equal their references, in any batch."""

import pytest
from causal_models import PADDING, generate_ids, greedy_decode, network, sources, texts

from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import token_generator


def test_greedy_decoding_equals_decoding_without_caches(causal_model):
    prompts, source_ids = texts([6, 2, 3]), sources(causal_model, 3)
    actual = generate_ids(causal_model, prompts, source_ids, max_new_tokens=5, bad_words=PADDING)
    assert actual == [
        greedy_decode(causal_model, prompt, 5, source_ids and source_ids[i]) for i, prompt in enumerate(prompts)
    ]


@pytest.mark.parametrize("name", ["gpt2", "gru", "transformer"])
def test_a_prompt_is_sampled_alike_in_any_batch(name):
    model, prompts = network(name), texts([6, 2, 3])
    settings, source_ids = {"max_new_tokens": 5, "temperature": 1.0, "top_p": 0.9, "seed": 5}, sources(model, 3)
    batched = generate_ids(model, prompts, source_ids, **settings)
    alone = [
        generate_ids(model, [prompt], source_ids and [source_ids[i]], **settings) for i, prompt in enumerate(prompts)
    ]
    assert [[row] for row in batched] == alone


def test_equal_prompts_are_continued_differently(gpt2):
    prompt = texts([4])[0]
    first, second = generate_ids(gpt2, [prompt, prompt], max_new_tokens=8, temperature=2.0)
    assert first != second
    assert generate_ids(gpt2, [prompt], max_new_tokens=8, temperature=2.0) == [first]
    assert generate_ids(gpt2, [prompt], max_new_tokens=8, temperature=2.0, seed=1) != [first]


def test_a_second_call_in_the_same_bucket_compiles_nothing(gpt2):
    settings = {"temperature": 1.0, "top_k": 5}
    generate_ids(gpt2, texts([6, 2, 3]), max_new_tokens=5, **settings)
    before = token_generator(gpt2).compilations
    settings = {"temperature": 0.5, "top_k": 3, "seed": 8}
    generate_ids(gpt2, texts([4, 5, 1, 7]), max_new_tokens=8, **settings)
    assert token_generator(gpt2).compilations == before


def test_a_text_ends_with_a_stop(gpt2):
    prompt = texts([4])
    full = generate_ids(gpt2, prompt, max_new_tokens=8)[0]
    stop = full[3]
    ((actual,),) = generate(gpt2, prompt, None, GenerationConfig(max_new_tokens=8, stop_ids=(stop, 99)))
    assert actual.ids == full[: full.index(stop)]
    assert actual.finish_reason == "stop"
    assert len(actual.logprobs) == len(actual.ids)


def test_changed_weights_are_used():
    model, prompt = network("gpt2"), texts([4])
    generate_ids(model, prompt, max_new_tokens=5)
    for weight in model.trainable_weights:
        weight.assign(-weight)
    assert generate_ids(model, prompt, max_new_tokens=5, bad_words=PADDING) == [greedy_decode(model, prompt[0], 5)]
