"""The context of a network: new tokens that fit into it, and a window that slides over longer texts."""

import re

import numpy as np
import pytest
from causal_models import PADDING, generate_ids, network, text_generator, texts
from keras import ops
from tiny import shrink

from zoo.generation.chat import Chat
from zoo.generation.context import sliding_window
from zoo.objectives import build_model
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.next_token import NextToken
from zoo.tokenizers.bytes import Bytes

CONTEXT = 32  # tokens, of the network `gpt2`
SLIDING = {"truncation_side": "left", "bad_words": PADDING}
PROMPTS = texts([3, 31, 20, 60, 3])  # the fourth is longer than the context


def decode_greedily(model, prompt, number):
    """Greedy decoding without caches; where the context is full, it begins with the last half of it."""
    ids, context = [], prompt[-CONTEXT // 2 :] if len(prompt) + number > CONTEXT else list(prompt)
    for _ in range(number):
        context = context if len(context) < CONTEXT else context[-CONTEXT // 2 :]
        logits = ops.convert_to_numpy(model({"tokens": np.array([context])}))[0, -1]
        logits[0] = -np.inf  # padding
        ids.append(int(logits.argmax()))
        context = [*context, ids[-1]]
    return ids


def test_the_window_slides_over_long_texts(gpt2):
    actual = generate_ids(gpt2, PROMPTS, max_new_tokens=70, **SLIDING)
    assert actual == [decode_greedily(gpt2, prompt, 70) for prompt in PROMPTS]


@pytest.mark.parametrize("settings", [{"temperature": 1.0, "seed": 5}, {"top_k": 3, "contrastive_alpha": 0.5}])
def test_a_prompt_has_the_same_text_in_any_batch(gpt2, settings):
    batched = generate_ids(gpt2, PROMPTS[:4], max_new_tokens=50, **SLIDING, **settings)
    assert batched == [generate_ids(gpt2, [row], max_new_tokens=50, **SLIDING, **settings)[0] for row in PROMPTS[:4]]
    assert [len(ids) for ids in batched] == [50] * 4


def test_a_draft_and_the_fewest_tokens(gpt2):
    draft = network("gpt2", width=8, heads=1)
    plain = generate_ids(gpt2, PROMPTS, max_new_tokens=70, **SLIDING)
    assert generate_ids(gpt2, PROMPTS, draft=draft, max_new_tokens=70, **SLIDING) == plain
    stop = {"stop_ids": tuple(range(1, 23)), "min_tokens": 45}  # before the 45th, only the last token is allowed
    rows = generate_ids(gpt2, PROMPTS[:2], max_new_tokens=70, **SLIDING, **stop)
    assert all(set(ids[:45]) == {23} and 45 <= len(ids) < 70 for ids in rows)


def test_rows_that_end_early_stay_as_they_are(gpt2):
    """The stop id of the first row ends it in the first window, and others in later ones or never."""
    plain = generate_ids(gpt2, PROMPTS, max_new_tokens=70, **SLIDING)
    stop = plain[0][4]
    expected = [row[: row.index(stop)] if stop in row else row for row in plain]
    assert generate_ids(gpt2, PROMPTS, max_new_tokens=70, stop_ids=(stop,), **SLIDING) == expected


def test_as_many_new_tokens_as_fit(gpt2):
    prompts = texts([3, 30, 31, 12])
    rows = generate_ids(gpt2, prompts, max_new_tokens=20, fit_context=True, bad_words=PADDING)
    assert [len(ids) for ids in rows] == [20, 2, 1, 20]
    assert rows[1] == generate_ids(gpt2, prompts[1:2], max_new_tokens=2, bad_words=PADDING)[0]
    beams = generate_ids(gpt2, prompts, max_new_tokens=20, fit_context=True, beams=2)
    assert beams[1] == generate_ids(gpt2, prompts[1:2], max_new_tokens=2, beams=2)[0]
    with pytest.raises(ValueError, match="Received: 32 and 1, 1 too many, in prompt 0. truncation_side='left' cuts"):
        generate_ids(gpt2, texts([32]), max_new_tokens=20, fit_context=True)
    assert len(generate_ids(gpt2, texts([32]), max_new_tokens=20, fit_context=True, truncation_side="left")[0]) == 20


def test_what_does_not_slide(gpt2):
    with pytest.raises(ValueError, match="The context of a beam search does not slide: lower max_new_tokens."):
        generate_ids(gpt2, texts([3]), max_new_tokens=40, beams=2, truncation_side="left")
    assert sliding_window([1], 1) == [1]


@pytest.fixture(scope="module")
def generator():
    """Makes a `TextGenerator` of an untrained GPT-2 with a context of 32 bytes."""
    objective, tokenizer = NextToken(length=CONTEXT), Bytes().train()
    architecture = shrink("gpt2", vocabulary=tokenizer.vocabulary_size, length=CONTEXT)
    model = build_model(objective, architecture)
    return lambda **options: text_generator(model, objective, tokenizer, **options)


@pytest.mark.parametrize("options", [{}, {"temperature": 1.0}, {"regex": "(ab|cd)*", "temperature": 1.0}])
def test_a_stream_slides_too(generator, options):
    generator = generator(max_new_tokens=80, truncation_side="left", **options)
    record = generator.objective.fields.record("Once")
    ((full,),) = generator.generate([record])
    assert "".join(generator.stream(record)) == full.text
    if "regex" in options:
        assert re.fullmatch(options["regex"], full.text)
    assert full.finish_reason == "stop" or len(full.ids) == 80


def test_a_stop_string_in_a_later_window(generator):
    record = generator().objective.fields.record("Once")
    settings = {"max_new_tokens": 80, "truncation_side": "left", "temperature": 1.0}
    ((full,),) = generator(**settings).generate([record])
    stop = full.text[-6:]
    ((actual,),) = generator(**settings, stop=(stop,)).generate([record])
    assert actual.text == full.text[: full.text.index(stop)]


def test_a_chat_has_room_for_questions():
    """The objective's answers would fill the context."""
    objective, tokenizer = FollowInstructions(length=CONTEXT, max_new_tokens=128), Bytes().train()
    model = build_model(objective, shrink("gpt2", vocabulary=tokenizer.vocabulary_size, length=CONTEXT))
    chat = Chat(model, objective, tokenizer)
    assert chat.max_prompt_tokens == CONTEXT // 2
