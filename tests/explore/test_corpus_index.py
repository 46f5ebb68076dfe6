"""The index of a corpus: vectors of every layer and head, reuse, and what an interruption or a change leaves."""

import os
from pathlib import Path

import keras
import numpy as np
import pytest
from explore_corpora import corpus_lines, small_pipeline
from tiny import all_on_torch

from zoo import catalog
from zoo.explore import corpus_index, vector_file
from zoo.explore.corpus_index import build_index
from zoo.explore.token_vectors import VectorSource
from zoo.runtime.errors import UserError
from zoo.transforms.graph import capture

LABELS = {"labels": ("a", "b")}


@pytest.fixture(scope="module")
def bert():
    return small_pipeline("bert", **LABELS)


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(corpus_lines()) + "\n")
    return path


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def padded_window(index):
    """(ids, rows of vectors) of a window of 7 ids, which is padded to 8."""
    window = np.flatnonzero(np.diff(index.tokens.windows) == 7)[0]
    start, end = index.tokens.windows[window : window + 2]
    return index.tokens.ids[start:end], slice(start, end)


def test_vectors_are_the_outputs_of_layers_and_heads(bert, corpus, tmp_path):
    index = build_index(bert, corpus, [0, 1], [(1, 0), (1, 1)], cache=tmp_path)
    names = {"layer0": "embedding_dropout", "layer1": "block0_feed_forward_norm"}
    attention = bert.model.get_layer("block0_attention")
    ids, rows = padded_window(index)
    inputs = {"tokens": ids[None], "segments": np.zeros_like(ids[None])}
    inputs = {name: keras.ops.convert_to_tensor(array) for name, array in inputs.items()}
    captured = capture(bert.model, inputs, [*names.values(), "block0_attention"])
    for source in index.sources[:2]:
        expected = keras.ops.convert_to_numpy(captured[names[source.name]][2])[0]
        np.testing.assert_allclose(index.vectors(source)[rows], unit(expected), atol=2e-3)
    args, kwargs, output = captured["block0_attention"]
    heads = attention.head_outputs(*args, **kwargs)
    projected = attention.out(keras.ops.reshape(heads, (1, len(ids), -1)))
    np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (projected, output)), atol=1e-5)
    for head in (0, 1):
        expected = keras.ops.convert_to_numpy(heads)[0, :, head]
        np.testing.assert_allclose(index.vectors(VectorSource(1, head))[rows], unit(expected), atol=2e-3)


@pytest.mark.parametrize("name", all_on_torch([n for n in catalog.names("architectures") if n != "mlp"], ["lstm"]))
def test_every_architecture_with_features_of_tokens_has_an_index(name, corpus, tmp_path):
    if "source" in catalog.load("architectures", name).inputs():
        pipeline = small_pipeline(name, "translate", target_length=8)
    else:
        pipeline = small_pipeline(name, **LABELS)
    index = build_index(pipeline, corpus, cache=tmp_path)
    vectors = index.vectors(index.sources[0]).astype("float32")
    assert len(vectors) == len(index.tokens)
    norms = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(norms[norms > 0], 1, atol=2e-3)
    assert (norms > 0).mean() > 0.9  # ReLU makes some zeros


def test_networks_without_vectors_of_tokens_and_unknown_layers_are_refused(bert, corpus, tmp_path):
    with pytest.raises(UserError, match="a vector for each token.*Received: MLP"):
        build_index(small_pipeline("mlp", **LABELS), corpus, cache=tmp_path)
    for layers, heads, message in (
        ([2], [], "layers of BERT from 0 to 1. Received: 2"),
        ([], [(0, 0)], "with attention: from 1 to 1. Received: 0.0"),
        ([], [(1, 2)], "a head from 0 to 1 of layer 1 of BERT. Received: 1.2"),
    ):
        with pytest.raises(UserError, match=message):
            build_index(bert, corpus, layers, heads, cache=tmp_path)
    assert not list(tmp_path.glob("corpus-*"))


def files(folder):
    """{name: time of the last change} of the files of an index."""
    return {path.name: os.stat(path).st_mtime_ns for path in folder.iterdir()}


def test_an_index_is_used_again_until_the_model_or_the_corpus_changes(corpus, tmp_path):
    pipeline = small_pipeline("bert", folder=tmp_path / "models" / "bert", **LABELS)
    index = build_index(pipeline, corpus, [1])
    assert index.folder.parent == tmp_path / "models" / ".cache"
    before = files(index.folder)
    assert set(before) == {"tokens.npz", "layer1.npy"}
    more = build_index(pipeline, corpus, [0, 1])
    assert {**files(more.folder), "layer0.npy": None} == {**before, "layer0.npy": None}
    weight = pipeline.model.get_layer("block0_attention").query.kernel
    weight.assign(weight + 0.01)
    assert build_index(pipeline, corpus, [1]).folder != index.folder
    corpus.write_text(corpus.read_text() + "one more line\n")
    assert len(build_index(pipeline, corpus, [1]).tokens) > len(index.tokens)


def test_a_damaged_file_is_built_again(bert, corpus, tmp_path):
    index = build_index(bert, corpus, [1], cache=tmp_path)
    path, expected = index.folder / "layer1.npy", np.array(index.vectors(VectorSource(1)))
    path.write_bytes(path.read_bytes()[:-100])
    np.testing.assert_array_equal(build_index(bert, corpus, [1], cache=tmp_path).vectors(VectorSource(1)), expected)


def test_ctrl_c_leaves_nothing_broken(bert, corpus, tmp_path, monkeypatch):
    write, calls = vector_file.VectorWriter.write, []

    def interrupted(self, row, vectors):
        calls.append(row)
        if len(calls) == 30:
            raise KeyboardInterrupt
        write(self, row, vectors)

    with monkeypatch.context() as patch:
        patch.setattr(vector_file.VectorWriter, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build_index(bert, corpus, [0, 1], cache=tmp_path)
    (folder,) = tmp_path.glob("corpus-*")
    assert [path.name for path in folder.iterdir()] == ["tokens.npz"]
    index = build_index(bert, corpus, [0, 1], cache=tmp_path)
    assert index.folder == folder
    assert all(np.abs(np.array(index.vectors(source))).sum(axis=1).all() for source in index.sources)


def test_memory_holds_a_part_of_the_vectors(bert, corpus, tmp_path, monkeypatch):
    expected = np.array(build_index(bert, corpus, [1], cache=tmp_path / "a").vectors(VectorSource(1)))
    monkeypatch.setattr(corpus_index, "CHUNK", 40)
    index = build_index(bert, corpus, [1], cache=tmp_path / "b")
    np.testing.assert_allclose(index.vectors(VectorSource(1)), expected, atol=2e-3)


def test_texts_are_cut_into_windows_and_lose_no_token(bert, tmp_path):
    text = " ".join(corpus_lines())
    index = build_index(bert, [{"text": text}], [0], cache=tmp_path)
    sizes = np.diff(index.tokens.windows)
    assert sizes.max() == bert.objective.length
    words = [text[start:end] for start, end in index.tokens.offsets if end > start]
    assert words == text.split()


def test_a_corpus_without_text_is_refused(bert, tmp_path):
    Path(tmp_path / "blank.csv").write_text('text,label\n" ",1\n')
    with pytest.raises(UserError, match="Expected a corpus with text"):
        build_index(bert, tmp_path / "blank.csv", cache=tmp_path)
