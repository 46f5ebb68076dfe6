"""Chat: each turn processes only new tokens, and answers as without the prompt cache."""

from functools import lru_cache

import keras
import pytest
from causal_models import CAUSAL, PADDING, generate_ids, network, texts
from tiny import all_or_few, shrink

from zoo.generation.batch import Batch
from zoo.generation.chat import Chat
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import token_generator
from zoo.generation.prompt_cache import PromptCache
from zoo.objectives import build_model
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.next_token import NextToken
from zoo.tokenizers.bytes import Bytes

TURNS = ("Hi", "Where is it?", "Größe")
DECODER_ONLY = [name for name in CAUSAL if shrink(name, causal=True, bidirectional=False).inputs()[0] != "source"]


@pytest.mark.parametrize("name", all_or_few(DECODER_ONLY))
def test_generation_with_a_prompt_cache_equals_generation_without(name):
    model, settings = network(name), GenerationConfig(max_new_tokens=4, bad_words=PADDING)
    cache, ids, processed = PromptCache(token_generator(model), 32), [], 0
    for further in texts([1, 5, 3]):
        ids = [*ids, *further]
        batch = Batch(cache.generator, [ids], None, settings, cache.length)
        state = cache.prefill(batch)
        state = cache.generator.decode(state, batch.controls, settings.max_new_tokens)
        cache.store(state)
        (new,) = generate_ids(model, [ids], max_new_tokens=4, bad_words=PADDING)
        assert batch.completions(state)[0][0].ids == new
        ids += new
        assert cache.ids == ids[:-1]
        assert cache.tokens_processed == len(ids) - 1  # no token twice
        processed = cache.tokens_processed
    other = Batch(cache.generator, [ids[1:]], None, settings, cache.length)
    cache.store(cache.prefill(other))
    assert cache.tokens_processed == processed + len(ids) - 1  # another text: all of its tokens
    assert cache.ids == ids[1:]


@lru_cache
def untrained_model(name):
    """`(model, architecture, tokenizer)` of a network of bytes, the same for all tests."""
    keras.utils.set_random_seed(1)
    tokenizer = Bytes().train()
    architecture = shrink(name, vocabulary=tokenizer.vocabulary_size, length=480, bidirectional=False)
    return build_model(FollowInstructions().preparation(architecture).objective, architecture), architecture, tokenizer


def chat(name="gpt2", length=128, template="plain", system="", **settings):
    """A `Chat` with a network that was never trained."""
    model, architecture, tokenizer = untrained_model(name)
    objective = (
        FollowInstructions(length=length, template=template, max_new_tokens=12).preparation(architecture).objective
    )
    config = GenerationConfig(**{"max_new_tokens": objective.max_new_tokens} | settings)
    return Chat(model, objective, tokenizer, system, config)


@pytest.mark.parametrize("template", ["plain", "chatml"])
def test_a_turn_answers_as_without_the_prompt_cache(template):
    settings = {"template": template, "length": 2**10, "system": "Be kind.", "temperature": 1.0}
    conversation, reference = chat(**settings), chat(**settings)
    previous_length = 0
    for text in TURNS:
        reference.turns = conversation.turns
        reference.cache = PromptCache(conversation.cache.generator, conversation.cache.length)
        answer = conversation.say(text)
        assert reference.say(text) == answer == conversation.messages[-1]["content"]
        assert conversation.cache.tokens_processed == len(conversation.cache.ids) > previous_length
        previous_length = len(conversation.cache.ids)
    assert [message["role"] for message in conversation.messages] == ["system", *["user", "assistant"] * len(TURNS)]
    assert conversation.dropped_turns == 0


def test_a_later_turn_compiles_nothing():
    conversation = chat(length=2**10)
    conversation.say("Hi there")
    conversation.say("Hi there")
    before = conversation.cache.generator.compilations
    conversation.say("Ho where")
    assert conversation.cache.generator.compilations == before


def test_the_oldest_turns_are_dropped():
    conversation = chat(length=96, system="Kind.")
    for number in range(5):
        conversation.say(f"This is turn {number}.")
    assert conversation.dropped_turns > 0
    assert conversation.messages[0] == {"role": "system", "content": "Kind."}
    assert conversation.messages[1] == {"role": "user", "content": f"This is turn {conversation.dropped_turns}."}
    history = conversation.messages
    with pytest.raises(ValueError, match="Expected a text of at most 84 tokens, the template's included. Received: 2"):
        conversation.say("a" * 200)
    assert conversation.messages == history


def test_should_stop_ends_an_answer():
    conversation = chat()
    full = "".join(conversation.stream("Hi"))
    conversation.turns.clear()
    pieces, count = [], iter(range(100))
    for piece in conversation.stream("Hi", should_stop=lambda: next(count) == 3):
        pieces.append(piece)
    assert full.startswith("".join(pieces))
    assert conversation.messages[-1]["content"] == "".join(pieces)
    assert len(conversation.turns[-1]["ids"]) == 4 + 1  # and the line break of the template after an answer
    processed = conversation.cache.tokens_processed
    conversation.say("Go on")
    assert conversation.cache.tokens_processed < processed + 50


def test_an_encoder_decoder_has_no_prompt_cache():
    conversation = chat("transformer", length=64)
    for text in TURNS:
        conversation.say(text)
    assert conversation.cache is None
    assert conversation.dropped_turns > 0


def test_mistakes():
    with pytest.raises(
        ValueError, match="max_new_tokens must leave room .* of 128 tokens. Received: max_new_tokens=128."
    ):
        chat(max_new_tokens=128)
    objective, tokenizer = NextToken(length=64), Bytes().train()
    model = build_model(objective, shrink("gpt2", vocabulary=tokenizer.vocabulary_size))
    with pytest.raises(ValueError, match="Expected a model that follows instructions, .* one of NextToken"):
        Chat(model, objective, tokenizer)
