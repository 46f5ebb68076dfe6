"""Conversations: each turn reads only what is new, and what is written is what reading all of it anew would write."""

from functools import cache

import keras
import pytest
from tiny import all_or_few, shrunk
from writers import PADDING, WRITERS, network, texts

from zoo.generation.batch import Batch
from zoo.generation.chat import Chat
from zoo.generation.generate import generate
from zoo.generation.generation_config import GenerationConfig
from zoo.generation.loop import TokenGenerator
from zoo.generation.prompt_cache import PromptCache
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.next_token import NextToken
from zoo.tokenizers.bytes import Bytes

TURNS = ("Hi", "Where is it?", "Größe")
READERS = [name for name in WRITERS if shrunk(name, causal=True, bidirectional=False).inputs()[0] != "source"]


@pytest.mark.parametrize("name", all_or_few(READERS))
def test_a_session_writes_what_the_whole_text_would_lead_to(name):
    model, settings = network(name), GenerationConfig(max_new_tokens=4, bad_words=PADDING)
    session, ids, reads = PromptCache(TokenGenerator.of(model), 32), [], 0
    for further in texts([1, 5, 3]):
        ids = [*ids, *further]
        batch = Batch(session.writer, [ids], None, settings, session.length)
        state = session.begin(batch)
        state = session.writer.advance(state, batch.given, settings.max_new_tokens)
        session.keep(state)
        (new,) = generate(model, [ids], max_new_tokens=4, bad_words=PADDING)
        assert batch.read(state)[0][0].ids == new
        ids += new
        assert session.ids == ids[:-1]
        assert session.reads == len(ids) - 1  # none twice
        reads = session.reads
    other = Batch(session.writer, [ids[1:]], None, settings, session.length)
    session.keep(session.begin(other))
    assert session.reads == reads + len(ids) - 1  # another text: all of it
    assert session.ids == ids[1:]


@cache
def untrained(name):
    """`(model, architecture, tokenizer)` of a network that reads bytes; the same one for all tests."""
    keras.utils.set_random_seed(1)
    tokenizer = Bytes().train()
    architecture = shrunk(name, vocabulary=tokenizer.vocabulary_size, length=480, bidirectional=False)
    return FollowInstructions().suit(architecture).model(architecture), architecture, tokenizer


def chat(name="gpt2", length=128, template="plain", **settings):
    """A `Chat` with a network that was never trained."""
    model, architecture, tokenizer = untrained(name)
    objective = FollowInstructions(length=length, template=template, max_new_tokens=12).suit(architecture)
    return Chat(model, objective, tokenizer, **settings)


@pytest.mark.parametrize("template", ["plain", "chatml"])
def test_turns_go_on_from_turns(template):
    talk, fresh = (chat(template=template, length=2**10, system="Be kind.", temperature=1.0) for _ in range(2))
    longest = 0
    for text in TURNS:
        fresh.turns = talk.turns
        fresh.session = PromptCache(talk.session.writer, talk.session.length)
        answer = talk.say(text)
        assert fresh.say(text) == answer == talk.messages[-1]["content"]
        assert talk.session.reads == len(talk.session.ids) > longest
        longest = len(talk.session.ids)
    assert [message["role"] for message in talk.messages] == ["system", *["user", "assistant"] * len(TURNS)]
    assert talk.forgotten == 0


def test_a_later_turn_compiles_nothing():
    talk = chat(length=2**10)
    talk.say("Hi there")
    talk.say("Hi there")
    before = talk.session.writer.compilations
    talk.say("Ho where")
    assert talk.session.writer.compilations == before


def test_the_oldest_turns_are_forgotten_as_a_whole():
    talk = chat(length=96, system="Kind.")
    for number in range(5):
        talk.say(f"This is turn {number}.")
    assert talk.forgotten > 0
    assert talk.messages[0] == {"role": "system", "content": "Kind."}
    assert talk.messages[1] == {"role": "user", "content": f"This is turn {talk.forgotten}."}
    kept = talk.messages
    with pytest.raises(ValueError, match="Expected a text of at most 84 tokens with all around it. Received: 2"):
        talk.say("a" * 200)
    assert talk.messages == kept


def test_an_answer_may_be_ended():
    talk = chat()
    whole = "".join(talk.stream("Hi"))
    talk.turns.clear()
    pieces, count = [], iter(range(100))
    for piece in talk.stream("Hi", ended=lambda: next(count) == 3):
        pieces.append(piece)
    assert whole.startswith("".join(pieces))
    assert talk.messages[-1]["content"] == "".join(pieces)
    assert len(talk.turns[-1]["ids"]) == 4 + 1  # and the line break that ends an answer
    reads = talk.session.reads
    talk.say("Go on")
    assert talk.session.reads < reads + 50


def test_an_encoder_reads_the_conversation():
    talk = chat("transformer", length=64)
    for text in TURNS:
        talk.say(text)
    assert talk.session is None
    assert talk.forgotten > 0


def test_mistakes():
    with pytest.raises(ValueError, match="new_tokens must leave room .* the 128 tokens .* Received: new_tokens=128."):
        chat(max_new_tokens=128)
    objective, tokenizer = NextToken(length=64), Bytes().train()
    model = objective.model(shrunk("gpt2", vocabulary=tokenizer.vocabulary_size))
    with pytest.raises(ValueError, match="Expected a model that follows instructions, .* one of NextToken"):
        Chat(model, objective, tokenizer)
