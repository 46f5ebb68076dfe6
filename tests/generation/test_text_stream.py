"""Streaming detokenization: pieces add up to the text that all tokens have together."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from zoo.generation.text_stream import TextStream
from zoo.tokenizers.byte_pairs import BytePairs
from zoo.tokenizers.bytes import Bytes
from zoo.tokenizers.word_pieces import WordPieces

TEXTS = ["the printer of Größe €5 is out of paper", "who can I ask about 漢字 and 🙂 faces?", "a long story " * 9]
TOKENIZERS = [Bytes().train(), BytePairs(vocabulary=300).train(TEXTS), WordPieces(vocabulary=120).train(TEXTS)]


def expected_text(tokenizer, prompt, ids):
    before, text = tokenizer.decode(prompt), tokenizer.decode([*prompt, *ids])
    return text[len(before) :] if text.startswith(before) else tokenizer.decode(ids)


@settings(max_examples=60)
@given(st.sampled_from(TOKENIZERS), st.text(max_size=120), st.sampled_from(TEXTS), st.integers(0, 10**6))
def test_the_text_is_that_of_all_tokens_together(tokenizer, text, prompt, seed):
    prompt_ids = tokenizer.encode(prompt, special=False).ids.tolist()
    ids = tokenizer.encode((text + TEXTS[seed % 3]) * 3, special=False).ids.tolist()
    stream, pieces = TextStream(tokenizer, prompt_ids), []
    for id in ids:
        stream.push([id])
        pieces.append(stream.text_before_stop(final=False))
        assert not pieces[-1].endswith("\ufffd")
    assert stream.text_before_stop(final=True) == expected_text(tokenizer, prompt_ids, ids)
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(pieces))


def test_few_tokens_of_a_long_text_are_decoded():
    class Counting(type(TOKENIZERS[0])):
        longest = 0

        def decode(self, ids, skip_special=True):
            Counting.longest = max(Counting.longest, len(ids))
            return super().decode(ids, skip_special)

    tokenizer = Counting(TOKENIZERS[0].backend)
    stream = TextStream(tokenizer, tokenizer.encode("a prompt", special=False).ids.tolist())
    for id in tokenizer.encode("words and more words " * 40, special=False).ids.tolist():
        stream.push([id])
    assert stream.text_before_stop(final=True) == "words and more words " * 40
    assert Counting.longest < 80


def test_a_stop_string_ends_the_text():
    stream = TextStream(TOKENIZERS[0], (), ("END",))
    texts = []
    for id in TOKENIZERS[0].encode("one ENd two END three", special=False).ids.tolist():
        stream.push([id])
        texts.append(stream.text_before_stop(final=False))
    assert stream.stopped
    assert texts[-1] == "one ENd two "
    assert "one E" not in texts
    assert "one ENd" in texts
