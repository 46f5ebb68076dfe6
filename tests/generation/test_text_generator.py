"""The text generator: streaming, stop strings, bad words, log-probabilities."""

import numpy as np
import pytest
from causal_models import text_generator
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from tiny import shrink

from zoo.generation.text_generator import TextGenerator
from zoo.generation.text_stream import cut_at_stop
from zoo.objectives import build_model
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.next_token import NextToken
from zoo.objectives.translate import Translate
from zoo.tokenizers.bytes import Bytes

LETTERS = st.text("ab", min_size=1, max_size=4)


@pytest.fixture(scope="module")
def generator():
    """Makes a `TextGenerator` whose network was never trained: its bytes are seldom whole characters."""
    objective, tokenizer = NextToken(length=64), Bytes().train()
    model = build_model(objective, shrink("gru", vocabulary=tokenizer.vocabulary_size, bidirectional=False))
    return lambda **options: text_generator(model, objective, tokenizer, **options)


@pytest.mark.parametrize("settings", [{}, {"temperature": 1.0, "seed": 3}, {"temperature": 1.0, "stop": "a"}])
def test_a_stream_yields_the_text_in_pieces(generator, settings):
    generator = generator(max_new_tokens=40, **settings)
    record = generator.objective.fields.record("Größe €")
    pieces = list(generator.stream(record))
    ((full,),) = generator.generate([record])
    assert "".join(pieces) == full.text
    assert not any(piece.endswith("\ufffd") for piece in pieces)


SAMPLED = {"max_new_tokens": 24, "temperature": 1.0}
FEW = settings(max_examples=12)


@FEW
@given(data=st.data())
def test_a_text_ends_before_a_stop_string(generator, data):
    record = generator().objective.fields.record("Once")
    ((full,),) = generator(**SAMPLED).generate([record])
    begin = data.draw(st.integers(0, len(full.text) - 1))
    stop = full.text[begin : data.draw(st.integers(begin + 1, len(full.text)))]
    ((actual,),) = generator(**SAMPLED, stop=(stop, "never written")).generate([record])
    assert actual.text == full.text[: full.text.index(stop)]
    assert actual.finish_reason == "stop"
    assert actual.ids == full.ids[: len(actual.ids)]
    assert len(actual.logprobs) == len(actual.ids)


@FEW
@given(data=st.data())
def test_bad_words_are_never_generated(generator, data):
    record = generator().objective.fields.record("Once")
    ((full,),) = generator(**SAMPLED).generate([record])
    begin = data.draw(st.integers(0, len(full.text) - 2))
    word = full.text[begin : begin + 2]
    ((actual,),) = generator(**SAMPLED, bad_words=word).generate([record])
    assert word not in actual.text or "\ufffd" in word


@FEW
@given(texts=st.lists(st.text("abc", min_size=1, max_size=8), min_size=1, max_size=4, unique=True), data=st.data())
def test_a_prompt_is_sampled_alike_in_any_batch(generator, texts, data):
    """In whatever order, and with whatever other prompts."""
    generator = generator(**SAMPLED)
    batched = generator.generate([generator.objective.fields.record(text) for text in texts])
    order = data.draw(st.permutations(range(len(texts))))
    subset = order[: data.draw(st.integers(1, len(order)))]
    again = generator.generate([generator.objective.fields.record(texts[i]) for i in subset])
    assert [completion.ids for (completion,) in again] == [batched[i][0].ids for i in subset]


def test_logprobs_are_those_of_the_network(generator):
    generator = generator(max_new_tokens=6, temperature=2.0, top_k=3)
    record = generator.objective.fields.record("Once")
    ((actual,),) = generator.generate([record])
    prompt = generator.objective.prompt_ids(record, generator.tokenizer)["tokens"]
    ids = np.array([[*prompt, *actual.ids]], "int32")
    logits = ops.convert_to_numpy(generator.model({"tokens": ids}, training=False))[0]
    scores = logits[len(prompt) - 1 : -1].astype("float64")
    scores -= np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    np.testing.assert_allclose(actual.logprobs, scores[np.arange(len(actual.ids)), actual.ids], atol=1e-4)


@given(text=st.text("ab", max_size=20), stops=st.lists(LETTERS, max_size=3), data=st.data())
def test_streamed_text_is_never_taken_back(text, stops, data):
    """In whatever pieces a text is decoded, the streamed text ends before the first complete stop string."""
    streamed, stopped = "", False
    for end in sorted({*data.draw(st.lists(st.integers(0, len(text)))), len(text)}):
        if not stopped:
            piece, stopped = cut_at_stop(text[:end], stops, final=end == len(text))
            assert piece.startswith(streamed)
            streamed = piece
    cuts = [cut_at_stop(text[:end], stops, final=False) for end in range(len(text) + 1)]
    first = next((piece for piece, ended in cuts if ended), None)
    if first is None:
        assert streamed == text
        assert not any(stop in text for stop in stops)
    else:
        assert stopped
        assert streamed == cut_at_stop(text, stops, final=True)[0] == first
        assert not any(stop in streamed for stop in stops)


def test_a_source_is_translated():
    objective, tokenizer = Translate(length=32, target_length=8), Bytes().train()
    model = build_model(objective, shrink("transformer", vocabulary=tokenizer.vocabulary_size))
    records = [objective.fields.record(text) for text in ("one", "two and three")]
    batched = TextGenerator(model, objective, tokenizer).generate(records)
    for record, (completion,) in zip(records, batched, strict=True):
        assert TextGenerator(model, objective, tokenizer).generate([record])[0][0].ids == completion.ids
    assert all(len(completion.ids) <= 8 for (completion,) in batched)
    assert TextGenerator(model, objective, tokenizer).generate([]) == []


@pytest.mark.parametrize("setting", ["stop", "bad_words"])
def test_empty_texts_are_refused(generator, setting):
    with pytest.raises(
        ValueError, match=f"Texts of {setting} must have at least one character. Received: an empty text."
    ):
        generator(**{setting: ("a", "")})


@pytest.mark.parametrize("token", [10_000, -1, "a"])
def test_biases_of_unknown_tokens_are_refused(generator, token):
    with pytest.raises(ValueError, match=rf"Expected token ids from 0 to \d+ in logit_bias. Received: {token!r}."):
        generator(logit_bias={3: 1.0, token: 1.0})


def test_a_model_that_answers_does_not_generate():
    objective, tokenizer = ClassifyText(labels=("a", "b")), Bytes().train()
    model = build_model(objective, shrink("gru", vocabulary=tokenizer.vocabulary_size))
    with pytest.raises(ValueError, match="Expected a model that generates text. Received: one of ClassifyText"):
        TextGenerator(model, objective, tokenizer)
