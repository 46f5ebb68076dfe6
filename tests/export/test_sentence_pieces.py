"""SentencePiece tokenizers inside a TensorFlow graph: Unigram, spaces, character maps, as the library has them."""

import keras
import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers

from zoo.text.charsmap import encode_charsmap, read_charsmap
from zoo.text.tokenizer import Tokenizer
from zoo.text.tokenizer_settings import TokenizerSettings

ENTRIES = {  # a few of NFKC and of SentencePiece's own: controls are deleted, white space becomes a space
    **{chr(code): " " for code in (9, 10, 13, 0xA0, 0x2028, 0x3000, 0x200B)},
    **{chr(code): "" for code in (1, 0x1B, 0x7F, 0xAD)},
    **{"\uff41": "a", "\ufb01": "fi", "\u2122": "TM", "\u2460": "1", "\ufdfa": "\u0635\u0644\u0649 abc"},
    **{"e\u0301": "\u00e9", "a\u0308": "\u00e4", "a\u0308\u0304": "\u01df", "\u00e4\u0304": "\u01df"},
}
CHARSMAP = encode_charsmap({key.encode(): value.encode() for key, value in ENTRIES.items()})
CHARACTERS = "abcd \u2581\u00e9e\u0301a\u0308\u0304\t\r\n\u0e33\u0600\u200d\u2122\u2764\U0001f1e6"
CHARACTERS += "\uac00\u1100\u1161\x01\uff41\ufb01"
TEXTS = st.lists(st.text("abcd \u2581\u00e9", max_size=25) | st.text(CHARACTERS, max_size=12), min_size=20, max_size=60)
FEW = settings(max_examples=2)

tensorflow = pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="graph tokenizers run in TensorFlow")


def unigram(rng, byte_fallback=False):
    """A Unigram model of random pieces, with scores that are often equal."""
    words = ["".join(rng.choices("abcd\u00e9", k=rng.randint(1, 5))) for _ in range(40)]
    pieces = [
        "\u2581",
        *"abc"[: rng.randint(0, 3)],
        *(("\u2581" if rng.random() < 0.4 else "") + word for word in words),
    ]
    vocabulary = [("<unk>", 0.0), *((piece, -rng.choice([1.0, 2.0, 2.5, 7.3])) for piece in dict.fromkeys(pieces))]
    vocabulary += [(f"<0x{byte:02X}>", -5.0) for byte in range(256)] if byte_fallback else []
    return models.Unigram(vocabulary, 0, byte_fallback)


def build(model, normalizer=None, whitespace=True, scheme="always", split=True, added=(), markers=()):
    backend = tokenizers.Tokenizer(model)
    if normalizer:
        backend.normalizer = normalizer
    metaspace = pre_tokenizers.Metaspace("\u2581", scheme, split)
    parts = [pre_tokenizers.WhitespaceSplit(), metaspace]
    backend.pre_tokenizer = pre_tokenizers.Sequence(parts) if whitespace else metaspace
    backend.decoder = decoders.Metaspace("\u2581", scheme, split)
    backend.add_tokens([AddedToken(token, normalized=False) for token in added])
    return Tokenizer(backend, TokenizerSettings(markers=tuple(markers)))


def test_the_character_map_is_read():
    assert read_charsmap(CHARSMAP) == {key.encode(): value.encode() for key, value in ENTRIES.items()}
    normalizer = normalizers.Precompiled(CHARSMAP)
    assert normalizer.normalize_str("\uff41\ufb01 e\u0301\u2122") == "afi \u00e9TM"


@pytest.mark.parametrize("data", [b"\xff\xff\xff\xff", b"\x03\x00\x00\x00abc"])
def test_a_damaged_character_map(data):
    with pytest.raises(ValueError, match="its character map is damaged"):
        read_charsmap(data)


@tensorflow
@FEW
@given(rng=st.randoms(use_true_random=False), texts=TEXTS, fallback=st.booleans(), whitespace=st.booleans())
@pytest.mark.parametrize("scheme", ["always", "first", "never"])
@pytest.mark.parametrize("split", [True, False])
def test_pieces_and_offsets(split, scheme, rng, texts, fallback, whitespace):
    from graph_assertions import Exported, assert_same_characters

    tokenizer = build(unigram(rng, fallback), None, whitespace, scheme, split)
    exported = Exported(tokenizer.to_graph())
    assert_same_characters(tokenizer, exported.ragged_ids, [text.encode() for text in texts])


NORMALIZERS = {
    "map": normalizers.Precompiled(CHARSMAP),
    "converted": normalizers.Sequence(
        [
            normalizers.Precompiled(CHARSMAP),
            normalizers.Strip(left=False, right=True),
            normalizers.Replace(Regex(" {2,}"), "\u2581"),
        ]
    ),
    "lower": normalizers.Sequence([normalizers.Lowercase(), normalizers.Strip(), normalizers.Precompiled(CHARSMAP)]),
}


@tensorflow
@FEW
@given(rng=st.randoms(use_true_random=False), texts=TEXTS, whitespace=st.booleans())
@pytest.mark.parametrize("name", NORMALIZERS)
def test_normalised_texts(name, rng, texts, whitespace):
    from graph_assertions import Exported, assert_same

    tokenizer = build(unigram(rng), NORMALIZERS[name], whitespace)
    exported = Exported(tokenizer.to_graph())
    assert_same(tokenizer, exported.serve, [b"", *(text.encode() for text in texts)])


@tensorflow
@FEW
@given(
    rng=st.randoms(use_true_random=False), texts=st.lists(st.lists(st.sampled_from(["<x0>", "<x0", "a", " ", "b>"])))
)
def test_sentinels(rng, texts):
    from graph_assertions import assert_same_characters

    tokenizer = build(unigram(rng), added=["<x0>", "<x"], markers=["<x0>"])
    texts = ["".join(parts).encode() for parts in texts]
    assert_same_characters(tokenizer, tokenizer.to_graph().ragged_ids, [b"a<x0> b", *texts])


@tensorflow
def test_a_prefix_of_the_first_word_alone_does_not_go_with_added_tokens():
    tokenizer = build(models.Unigram([("<unk>", 0.0)], 0), scheme="first", added=["<x>"])
    with pytest.raises(ValueError, match="its words begin otherwise after added tokens"):
        tokenizer.to_graph()


@tensorflow
@FEW
@given(rng=st.randoms(use_true_random=False), rows=st.lists(st.lists(st.integers(0, 20), max_size=8), min_size=1))
def test_text_of_pieces(rng, rows):
    import tensorflow as tf

    from zoo.export.tokenizer.detokenizer import Detokenizer

    tokenizer = build(unigram(rng))
    ids = [[id % tokenizer.vocabulary_size for id in row] for row in rows]
    table = tf.ragged.constant(ids, tf.int32, ragged_rank=1)
    prompts = tf.zeros([len(ids), 0], tf.int32)
    actual = Detokenizer(tokenizer, tokenizer.vocabulary_size)(table.to_tensor(0), table.row_lengths(), prompts)
    assert [text.decode() for text in actual.numpy()] == [tokenizer.decode(row) for row in ids]
