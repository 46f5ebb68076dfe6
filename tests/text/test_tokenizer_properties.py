"""Properties of every tokenizer: those of the catalog, BERT's, GPT-2's and RoBERTa's."""

import time
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zoo.text.template import truncated_lengths
from zoo.text.tokenizer import Tokenizer
from zoo.tokenizers._tokenizer import END, MASK, PAD, SPECIAL_TOKENS, START, UNKNOWN
from zoo.tokenizers.byte_pairs import BytePairs
from zoo.tokenizers.bytes import Bytes
from zoo.tokenizers.characters import Characters
from zoo.tokenizers.word_pieces import WordPieces
from zoo.tokenizers.words import Words

FUZZ = settings(max_examples=30, suppress_health_check=list(HealthCheck))
TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
KNOWN_TEXT = "def f(x):\n    return x  # the sum, isn't it? naïve 中文"


def equal(a, b):
    return all(np.array_equal(getattr(a, field.name), getattr(b, field.name)) for field in fields(a))


def test_separators_are_all_characters_but_letters_their_marks_and_digits():
    text = "a-é9_ \n,。«नि"  # the last letter has a vowel sign
    for make in (Characters, Bytes):
        tokenizer = make().train([text])
        separators = {tokenizer.decode([i]) for i in tokenizer.separators}
        assert separators & set(text) == set("-_ \n,。«" if make is Characters else "-_ \n,")


def test_special_tokens_come_first(corpus):
    for make in (Words, Characters, Bytes, WordPieces, BytePairs):
        tokenizer = make().train(corpus)
        assert [tokenizer.token(i) for i in range(5)] == list(SPECIAL_TOKENS)
        actual = (tokenizer.pad, tokenizer.unknown, tokenizer.start, tokenizer.end, tokenizer.mask)
        assert actual == (PAD, UNKNOWN, START, END, MASK)
        assert [tokenizer.id(token) for token in SPECIAL_TOKENS] == [PAD, UNKNOWN, START, END, MASK]


@pytest.mark.parametrize("make", [Words, Characters, WordPieces, BytePairs])
def test_the_vocabulary_is_at_most_its_setting(make, corpus):
    assert make(vocabulary=400).train(corpus).vocabulary_size <= 400
    minimum = {BytePairs: 261}.get(make, 6)
    with pytest.raises(
        ValueError, match=f"{make.__name__} needs vocabulary of at least {minimum}. Received: vocabulary=5"
    ):
        make(vocabulary=5).train(corpus)


@pytest.mark.parametrize("make", [Words, Characters, WordPieces, BytePairs])
def test_training_is_deterministic(make, corpus):
    first, second = (make(vocabulary=500).train(iter(corpus)).backend.to_str() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("make", [Words, Characters, WordPieces])
def test_invalid_training_texts_are_refused(make):
    with pytest.raises(ValueError, match="No token was learned: the texts to train on are empty or blank"):
        make().train([""])
    with pytest.raises(ValueError, match=r"Expected a list of texts, not one text. Received: texts='one'"):
        make().train("one")
    with pytest.raises(ValueError, match=r"A text must be str or bytes. Received: text=1 of type int"):
        make().train([1])


def test_save_and_load(tokenizer, lines, tmp_path):
    tokenizer.save(tmp_path)
    (tmp_path / "other").mkdir()
    tokenizer.save(tmp_path / "other" / "name.json")
    for path in (tmp_path, tmp_path / "tokenizer.json", tmp_path / "other" / "name.json"):
        loaded = Tokenizer.load(path)
        assert (loaded.vocabulary_size, loaded.template, loaded.lossless) == (
            tokenizer.vocabulary_size,
            tokenizer.template,
            tokenizer.lossless,
        )
        for a, b in zip(loaded.encode_batch(lines[:200]), tokenizer.encode_batch(lines[:200]), strict=True):
            assert equal(a, b)
    names = ["other", "tokenizer.json", *(["tokenizer_config.json"] if tokenizer.settings else [])]
    assert sorted(path.name for path in tmp_path.iterdir()) == names


def test_encode_equals_encode_batch(tokenizer, lines):
    subset = lines[:60]
    for text, pair, row in zip(
        subset, subset[::-1], tokenizer.encode_batch(subset, subset[::-1], length=12), strict=True
    ):
        assert equal(tokenizer.encode(text, pair, length=12), row)
    assert tokenizer.encode_batch([]) == []


def test_shapes_and_types(tokenizer):
    encoding = tokenizer.encode("one two", "three")
    assert encoding.ids.dtype == encoding.segments.dtype == encoding.offsets.dtype == np.int32
    assert encoding.ids.shape == encoding.segments.shape == (len(encoding),)
    assert encoding.offsets.shape == (len(encoding), 2)
    assert encoding.ids.max() < tokenizer.vocabulary_size


def test_special_tokens_are_those_of_the_template(tokenizer):
    inner, other = (tokenizer.encode(text, special=False).ids.tolist() for text in ("one two", "three"))
    first, last = tokenizer.start, tokenizer.end
    if first is None:  # GPT-2
        assert tokenizer.encode("one two", "three").ids.tolist() == inner + other
        return
    assert tokenizer.encode("one two").ids.tolist() == [first, *inner, last]
    middle = [last] * (2 if tokenizer.token(last) == "</s>" else 1)
    encoding = tokenizer.encode("one two", "three")
    assert encoding.ids.tolist() == [first, *inner, *middle, *other, last]
    assert encoding.segments.tolist() == [0] * (1 + len(inner) + len(middle)) + [1] * (len(other) + 1)
    assert encoding.offsets[0].tolist() == encoding.offsets[-1].tolist() == [0, 0]


def test_text_never_becomes_a_special_token(tokenizer, lines):
    special = {token.content for token in tokenizer.backend.get_added_tokens_decoder().values()}
    ids = {tokenizer.id(token) for token in special} - {tokenizer.unknown}
    for text in [*special, "a " + " b".join(special) + " c", *lines[:500]]:
        assert not ids & set(tokenizer.encode(text, special=False).ids.tolist())


def test_empty_text(tokenizer):
    assert tokenizer.encode("", special=False).ids.tolist() == []
    assert tokenizer.encode("", special=False).offsets.shape == (0, 2)
    assert len(tokenizer.encode("")) == sum(map(len, tokenizer.template.single))
    assert tokenizer.decode([]) == ""


@FUZZ
@given(text=TEXT, pair=st.binary(max_size=20))
def test_any_text_is_encoded(tokenizer, text, pair):
    encoding = tokenizer.encode(text, pair)
    assert tokenizer.decode(encoding.ids, skip_special=True) is not None
    for part, full in enumerate((text, pair.decode("utf-8", "replace"))):
        offsets = encoding.offsets[encoding.segments == part]
        assert (offsets >= 0).all()
        assert (offsets <= len(full)).all()
        assert (offsets[:, 0] <= offsets[:, 1]).all()


@FUZZ
@given(text=TEXT)
def test_decode_inverts_encode_if_lossless(tokenizer, text):
    if tokenizer.lossless:
        text = "".join("\ufffd" if 0xD800 <= ord(character) < 0xE000 else character for character in text)
        if tokenizer.backend.pre_tokenizer is None:  # Characters, whose vocabulary lacks some of them
            text = "".join(character for character in text if tokenizer.id(character) is not None)
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_lossless_tokenizers(corpus):
    lossless = {make: make().train(corpus).lossless for make in (Words, Characters, Bytes, WordPieces, BytePairs)}
    assert lossless == {Words: False, Characters: True, Bytes: True, WordPieces: False, BytePairs: True}
    assert not Characters(lower=True).train(corpus).lossless


def test_offsets_point_at_the_token(tokenizer):
    text = KNOWN_TEXT if tokenizer.lossless else KNOWN_TEXT.encode("ascii", "ignore").decode()
    encoding = tokenizer.encode(text, special=False)
    covered = np.zeros(len(text), bool)
    for id, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
        covered[start:end] = True
        decoded, piece = tokenizer.decode([id]), text[start:end]
        if not tokenizer.lossless:
            decoded, piece = decoded.lower().strip().removeprefix("##"), piece.lower().strip()
        if id != tokenizer.unknown and "\ufffd" not in decoded:  # half a character
            assert piece == decoded
    assert all(covered) or not tokenizer.lossless


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 30))
def test_a_pair_loses_the_end_of_the_longer_text(first, second, room):
    counts = [first, second]
    while sum(counts) > room:
        counts[0 if counts[0] > counts[1] else 1] -= 1
    assert truncated_lengths([first, second], room) == counts


def test_truncation_keeps_beginnings(tokenizer):
    text, pair = "one two three four five six seven", "eight nine ten eleven twelve"
    for texts in ([text], [text, pair]):
        full = tokenizer.encode(*texts)
        special = sum(map(len, tokenizer.template.special_ids(len(texts))))
        for length in range(special, len(full) + 3):
            truncated = tokenizer.encode(*texts, length=length)
            assert len(truncated) == min(length, len(full))
            for part, source in enumerate(texts):
                ids = truncated.ids[(truncated.segments == part) & (truncated.offsets[:, 1] > 0)]
                assert ids.tolist() == tokenizer.encode(source, special=False).ids[: len(ids)].tolist()
        if special:
            with pytest.raises(
                ValueError, match=f"length must be at least {special}, for the special tokens. Received"
            ):
                tokenizer.encode(*texts, length=special - 1)


def test_invalid_texts_are_refused(tokenizer):
    with pytest.raises(ValueError, match=r"A text must be str or bytes. Received: text=5 of type int"):
        tokenizer.encode(5)
    with pytest.raises(ValueError, match="Expected a list of texts, not one text"):
        tokenizer.encode_batch("text")
    with pytest.raises(ValueError, match=r"texts and pairs must be equally many. Received: 2 and 1"):
        tokenizer.encode_batch(["a", "b"], ["c"])


def test_bytes_surrogates_and_nul():
    tokenizer = Bytes().train()
    assert tokenizer.decode(tokenizer.encode(b"a\xff\xe4\xb8b\x00").ids) == "a\ufffd\ufffdb\x00"
    assert tokenizer.decode(tokenizer.encode("a\ud800b").ids) == "a\ufffdb"
    assert tokenizer.encode("é\x00", special=False).ids.tolist() == [0xC3 + 5, 0xA9 + 5, 5]


def test_words_split():
    tokenizer = Words(lower=True).train(["don't"])
    text = "Don't 'stop' n't it's—名前 e\u0301te\u0301 x_1 ٣٤ 👍🏽!!"
    pieces = [text[a:b] for a, b in tokenizer.encode(text, special=False).offsets]
    assert "|".join(pieces) == "Don't|'|stop|'|n't|it's|—|名|前|e\u0301te\u0301|x_1|٣٤|👍|🏽|!|!"
    assert tokenizer.encode(text).ids.tolist() == [2, 5, *[1] * 15, 3]


def test_words_below_minimum_count_are_unknown():
    tokenizer = Words(minimum_count=2).train(["a a b"])
    assert tokenizer.encode("a b", special=False).ids.tolist() == [5, UNKNOWN]


def test_a_megabyte_in_bounded_time(tokenizer, corpus):
    start = time.process_time()
    tokenizer.encode("\n".join(corpus * 4)[:500_000] + "ab" * 250_000, length=128)
    assert time.process_time() - start < 30
