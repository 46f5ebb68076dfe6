"""Word vectors: every form of file, perhaps compressed; the lookup of words; folders; broken files."""

import numpy as np
import pytest
from keras import ops
from references import Golden, write_tokenizer
from safetensors.numpy import load_file
from word_vector_files import compress, random_vectors, write_binary, write_fasttext, write_glove, write_text

import zoo
from zoo.checkpoints.word_vectors import frequent_words, open_word_vectors, read_word_vectors
from zoo.runtime.errors import UserError

VECTORS = random_vectors(["the", ",", "London", "café", "the\u3000end", "paris", "Paris", "PARIS", "naïve"])
FORMS = {"glove": write_glove, "text": write_text, "binary": write_binary}


def write(form, path, vectors=VECTORS):
    FORMS[form](path, vectors)
    return path


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_file_has_the_same_vectors(form, packed, tmp_path):
    path = write(form, tmp_path / "vectors")
    path = compress(path) if packed else path
    source = open_word_vectors(path)
    assert (source.width, frequent_words(source, 3)) == (4, ["the", ",", "London"])
    words = ["naïve", "nothing", *VECTORS]
    vectors = source.read(words)
    assert vectors.covered.tolist() == [word in VECTORS for word in words]
    assert not vectors.by_subwords.any()
    np.testing.assert_array_equal(vectors.matrix[2:], list(VECTORS.values()))
    np.testing.assert_array_equal(vectors.matrix[:2], [VECTORS["naïve"], np.zeros(4)])


def test_a_word_is_looked_up_as_it_is_then_in_lower_case_then_in_any_case(tmp_path):
    path = write("glove", tmp_path / "vectors")
    words = {"THE": "the", "london": "London", "paris": "paris", "Paris": "Paris", "pARIS": "paris", "CAFÉ": "café"}
    vectors = read_word_vectors(path, list(words))
    np.testing.assert_array_equal(vectors.matrix, [VECTORS[word] for word in words.values()])


def test_words_with_spaces_as_in_glove_840b(tmp_path):
    vectors = VECTORS | random_vectors([". . .", "at name@domain.com", "0.1 0.2"])
    path = write("glove", tmp_path / "vectors", dict(reversed(vectors.items())))
    actual = read_word_vectors(path, list(vectors))
    assert actual.covered.all()
    np.testing.assert_array_equal(actual.matrix, list(vectors.values()))


def test_binary_files_of_gensim_have_no_line_breaks(tmp_path):
    write_binary(tmp_path / "vectors", VECTORS, line_break=b"")
    np.testing.assert_array_equal(read_word_vectors(tmp_path / "vectors", list(VECTORS)).matrix, [*VECTORS.values()])


def test_a_binary_file_that_is_longer_than_a_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.checkpoints.vector_files.CHUNK", 7)
    path = write("binary", tmp_path / "vectors")
    np.testing.assert_array_equal(read_word_vectors(path, list(VECTORS)).matrix, list(VECTORS.values()))


# computeSubwords and hash of fastText's dictionary.cc, byte by byte
def buckets_of(word, count, shortest, longest):
    data, buckets = f"<{word}>".encode(), []
    for i in range(len(data)):
        if data[i] & 0xC0 == 0x80:
            continue
        j, n, gram = i, 1, b""
        while j < len(data) and n <= longest:
            gram, j = gram + data[j : j + 1], j + 1
            while j < len(data) and data[j] & 0xC0 == 0x80:
                gram, j = gram + data[j : j + 1], j + 1
            if n >= shortest and not (n == 1 and (i == 0 or j == len(data))):
                buckets.append(hash_of(gram) % count)
            n += 1
    return buckets


def hash_of(data):
    value = np.uint32(2166136261)
    for byte in np.frombuffer(data, "int8"):
        value ^= np.uint32(np.int64(byte) & 0xFFFFFFFF)
        value = np.uint32(int(value) * 16777619 & 0xFFFFFFFF)
    return int(value)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("grams", [(3, 6), (1, 2), (0, 0)])
def test_fasttext_models_have_vectors_of_unknown_words(grams, packed, tmp_path):
    words, buckets = ["</s>", "the", "Straße", "日本"], 50
    matrix = np.random.default_rng(1).normal(size=(len(words) + buckets, 5)).astype("float32")
    write_fasttext(tmp_path / "model.bin", words, matrix, buckets, grams)
    path = compress(tmp_path / "model.bin") if packed else tmp_path / "model.bin"
    asked = ["the", "Straße", "日本", "straße", "the", "unheard", "x", "日"]
    vectors = read_word_vectors(path, asked)
    for word, actual, covered in zip(asked, vectors.matrix, vectors.covered, strict=True):
        entry = "Straße" if word == "straße" else word
        rows = [words.index(entry)] if entry in words else []
        assert covered == bool(rows)
        rows += [len(words) + bucket for bucket in buckets_of(entry, buckets, *grams)]
        np.testing.assert_allclose(actual, matrix[rows].mean(0) if rows else np.zeros(5), rtol=1e-5, atol=1e-6)
    assert vectors.by_subwords.tolist() == [False] * 5 + [grams[1] > 0] * 3
    assert frequent_words(open_word_vectors(path), 9) == words


def test_pruned_and_quantised_models_of_fasttext(tmp_path):
    path, matrix = tmp_path / "model.bin", np.arange(12.0).reshape(3, 4)
    write_fasttext(path, ["the"], matrix, 100, (3, 3), pruned={buckets_of("a", 100, 3, 3)[0]: 1})
    vectors = read_word_vectors(path, ["a", "b"])
    np.testing.assert_array_equal(vectors.matrix, [matrix[2], np.zeros(4)])
    assert vectors.by_subwords.tolist() == [True, False]
    write_fasttext(path, ["the"], matrix, 100, quantized=1)
    with pytest.raises(UserError, match=r"a model that is not quantised. Received: .*model.bin"):
        read_word_vectors(path, ["a"])
    write_fasttext(path, ["the"], matrix, 100, version=13)
    with pytest.raises(UserError, match="version 11 or 12 of fastText's format. Received: 13"):
        open_word_vectors(path)


def test_input_embeddings_of_published_weights(tmp_path):
    folder = Golden("bert").write(tmp_path / "bert")
    write_tokenizer(folder, 38)
    source = open_word_vectors(folder)
    assert frequent_words(source, 2) == ["w5", "w6"]
    vectors = source.read(["w6", "☃", "w5 w8"])
    assert (vectors.covered.tolist(), vectors.by_subwords.tolist()) == ([1, 0, 0], [0, 0, 1])
    tensors = load_file(folder / "model.safetensors")
    table = next(array for name, array in tensors.items() if name.endswith("word_embeddings.weight"))
    np.testing.assert_allclose(vectors.matrix, [table[6], 0 * table[6], table[[5, 8]].mean(0)], rtol=1e-6)


def test_input_embeddings_of_a_model_of_the_zoo(model_folder):
    pipeline = zoo.load(model_folder)
    vectors = read_word_vectors(model_folder, ["great", "Film", "unheard", "great film"])
    table = ops.convert_to_numpy(pipeline.model.get_layer("embedding").embeddings)
    ids = [pipeline.tokenizer.id(word) for word in ("great", "film")]
    np.testing.assert_allclose(vectors.matrix[[0, 1, 3]], [*table[ids], table[ids].mean(0)], rtol=1e-6)
    assert (vectors.covered.tolist(), vectors.by_subwords.tolist()) == ([1, 1, 0, 0], [0, 0, 0, 1])


BROKEN = {
    "of another form": b"These are sentences.\nThey have no numbers.\n",
    "which is empty": b"",
    "a zip archive: unpack it first": b"PK\x03\x04rest",
    "a pickle, which is never read": b"\x80\x04rest",
    "is truncated or damaged": b"\x1f\x8b\x08rest",
}


@pytest.mark.parametrize("reason", BROKEN)
def test_files_of_another_kind(reason, tmp_path):
    (tmp_path / "vectors").write_bytes(BROKEN[reason])
    with pytest.raises(UserError, match=rf"Received: .*vectors.*{reason}"):
        open_word_vectors(tmp_path / "vectors")


def test_missing_and_truncated_files(tmp_path):
    write("glove", tmp_path / "glove.txt")
    with pytest.raises(UserError, match=r"which does not exist. Did you mean 'glove.txt'\?"):
        open_word_vectors(tmp_path / "glov.txt")
    contents = {form: write(form, tmp_path / form).read_bytes() for form in FORMS}
    for form in ("binary", "text"):
        (tmp_path / form).write_bytes(contents[form][:-12])
        with pytest.raises(
            UserError, match=rf"Received: .*{form}, which is truncated|in line 10 of .*{form}. Received"
        ):
            read_word_vectors(tmp_path / form, list(VECTORS))
    compressed = compress(tmp_path / "glove")
    compressed.write_bytes(compressed.read_bytes()[:-20])
    with pytest.raises(UserError, match="which is truncated or damaged"):
        read_word_vectors(compressed, list(VECTORS))
    write_fasttext(tmp_path / "model.bin", ["the"], np.ones((3, 4)), 2)
    (tmp_path / "model.bin").write_bytes((tmp_path / "model.bin").read_bytes()[:-5])
    with pytest.raises(UserError, match="which is truncated"):
        read_word_vectors(tmp_path / "model.bin", ["unheard"])
    (tmp_path / "glove").write_bytes(contents["glove"].replace(b"paris ", b"paris x"))
    with pytest.raises(UserError, match=r"Expected numbers after 'paris' .* Received: 'x"):
        read_word_vectors(tmp_path / "glove", ["paris"])
