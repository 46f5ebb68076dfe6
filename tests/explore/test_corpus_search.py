"""The search of a corpus: a planted pattern, exact neighbours, contexts, tags, and the text itself left out."""

import numpy as np
import pytest
from explore_corpora import ENDINGS, PLANTED, QUERY, corpus_lines, small_pipeline

from zoo.explore import corpus_search
from zoo.explore.corpus_index import build_index
from zoo.explore.corpus_occurrences import same_tokens
from zoo.explore.corpus_search import nearest, search
from zoo.explore.text_run import TextRun, run_text
from zoo.runtime.errors import UserError

BANK = QUERY.split().index("bank") + 1  # after [CLS]
SENTENCES = [  # words with their tags; "don't" is two words of one text
    ("I don't see it", ["I", "do", "n't", "see", "it"], ["PRON", "AUX", "PART", "VERB", "PRON"]),
    ("she saw it", ["she", "saw", "it"], ["PRON", "VERB", "PRON"]),
    ("the saw", ["the", "saw"], ["DET", "NOUN"]),
]


@pytest.fixture(scope="module")
def bert():
    return small_pipeline("bert", labels=("a", "b"))


@pytest.fixture(scope="module")
def run(bert):
    return run_text(bert, {"text": QUERY})


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.txt"
    path.write_text("\n".join(corpus_lines()) + "\n")
    return path


def conllu(path):
    lines = []
    for text, words, tags in SENTENCES:
        lines += [f"# text = {text}"]
        rows = enumerate(zip(words, tags, strict=True), start=1)
        lines += ["\t".join([str(i), word, "_", tag, *"_" * 6]) for i, (word, tag) in rows] + [""]
    path.write_text("\n".join(lines))
    return path


def contexts(neighbours):
    return [neighbour.before + neighbour.text + neighbour.after for neighbour in neighbours]


def test_a_planted_pattern_is_found(corpus, tmp_path):
    """Lines that differ from the text after a word, among others with that word: equal in a causal network."""
    assert sum("bank" in line.split() for line in corpus_lines()) > 2 * len(PLANTED)
    pipeline = small_pipeline("gpt2", labels=("a", "b"))
    run = run_text(pipeline, {"text": QUERY})
    index = build_index(pipeline, corpus, [1], [(1, 1)], cache=tmp_path)
    layer, head = search(run, index, [1], [(1, 1)], top=len(PLANTED))
    assert (layer.layer, layer.head, layer.sequence) == ("1: norm", None, "tokens")
    assert (head.layer, head.head) == ("1: block0_attention", 1)
    for result in (layer, head):
        assert len(result.neighbours) == len(result.summary) == len(run.sequences["tokens"])
        assert set(contexts(result.neighbours[BANK])) == set(PLANTED)
        assert [n.similarity for n in result.neighbours[BANK]] == pytest.approx([1] * len(PLANTED), abs=1e-3)
    assert {neighbour.before for neighbour in layer.neighbours[BANK]} == {"we saw the old "}
    assert {neighbour.after for neighbour in layer.neighbours[BANK]} == {f" {ending}" for ending in ENDINGS}
    summary = layer.summary[BANK]
    assert (summary["token"], summary["previous token"]) == ({"bank": 1.0}, {"old": 1.0})
    assert summary["next token"] == dict.fromkeys(ENDINGS, pytest.approx(1 / len(ENDINGS)))


def test_the_same_occurrence_is_left_out(run, tmp_path):
    lines = [QUERY, *corpus_lines(), QUERY]
    index = build_index(run.pipeline, [{"text": line} for line in lines], [1], cache=tmp_path)
    (result,) = search(run, index, [1], top=len(index.tokens))
    for token, neighbours in zip(run.sequences["tokens"], result.neighbours, strict=True):
        same = [n for n in neighbours if QUERY in n.before + n.text + n.after and n.text == token.text.strip()]
        assert (same, len(neighbours)) == ([], len(index.tokens) - 2)
    others = build_index(run.pipeline, [{"text": f"{QUERY} again"}, {"text": "old"}], [1], cache=tmp_path)
    assert not same_tokens(run, others)[BANK].size


def test_neighbours_are_exact(monkeypatch):
    monkeypatch.setattr(corpus_search, "PART", 7)
    random = np.random.default_rng(0)
    vectors = corpus_search.np.float16(unit(random.normal(size=(50, 6))))
    queries, excluded = unit(random.normal(size=(4, 6))).astype("float32"), {1: np.array([3, 20, 21])}
    cosines = queries @ vectors.astype("float32").T
    cosines[1, excluded[1]] = -2
    expected = np.argsort(-cosines, axis=1)[:, :9]
    rows, values = nearest(queries, vectors, excluded, 9)
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_allclose(values, np.take_along_axis(cosines, expected, 1), atol=1e-6)
    assert nearest(queries, vectors, excluded, 100)[0].shape == (4, 47)


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_tags_of_the_corpus(tmp_path):
    tokens = ["I", "don't", "do", "n't", "see", "it", "she", "saw", "the"]
    pipeline = small_pipeline("averaging", labels=("a", "b"), words=tokens)
    index = build_index(pipeline, conllu(tmp_path / "corpus.conllu"), [0], cache=tmp_path)
    tags = index.tags["tag"]
    of_token = {}
    for row, (start, end) in enumerate(index.tokens.offsets):
        text = index.tokens.text(index.tokens.text_of_window[index.tokens.window_of(row)])
        of_token.setdefault(text[start:end], set()).add(str(tags.names[tags.ids[row]]))
    assert of_token.pop("", {""}) == {""}  # special tokens
    assert of_token["she"] == {"PRON"}
    assert of_token["saw"] == {"VERB", "NOUN"}
    run = run_text(pipeline, {"text": "it saw"})
    (result,) = search(run, index, [0], top=2)
    summary = result.summary[2]  # [CLS] it saw
    assert {neighbour.tags["tag"] for neighbour in result.neighbours[2]} == {"VERB", "NOUN"}
    assert summary["tag"] == {"VERB": 0.5, "NOUN": 0.5}
    assert summary["previous tag"] == {"PRON": 0.5, "DET": 0.5}
    assert summary["next tag"] == {"PRON": 0.5}


def test_tags_of_a_tagger(run, tmp_path):
    tagger = small_pipeline("conv", "tag_tokens", tmp_path / "tagger", tags=("X", "Y", "Z"), scheme="plain")
    lines = corpus_lines(12)
    corpus = [{"text": line} for line in lines]
    index = build_index(run.pipeline, corpus, [0], tagger=tmp_path / "tagger", cache=tmp_path)
    tags, answers = index.tags["predicted tag"], tagger.predict(lines)
    names = [tags.names[i] for i, (start, end) in zip(tags.ids, index.tokens.offsets, strict=True) if end > start]
    assert names == [word["tag"] for answer in answers for word in answer]
    assert len({*names}) > 1
    (path,) = index.folder.glob("tags-*")
    before = path.stat().st_mtime_ns
    build_index(run.pipeline, corpus, [0], tagger=tmp_path / "tagger", cache=tmp_path)
    assert path.stat().st_mtime_ns == before


def test_other_folders_are_no_taggers(run, corpus, tmp_path):
    small_pipeline("averaging", folder=tmp_path / "classifier", labels=("a", "b"))
    for name, message in (
        ("classifier", "tags tokens as the tagger.*ClassifyText"),
        ("nothing", "without model.keras"),
    ):
        with pytest.raises(UserError, match=message):
            build_index(run.pipeline, corpus, [0], tagger=tmp_path / name, cache=tmp_path)


def test_lines_of_running_text_have_the_lines_around_them_as_context(tmp_path):
    pipeline = small_pipeline("gpt2", "next_token")
    path = tmp_path / "corpus.txt"
    path.write_text("we saw the old\nbank\nof a river\n\nwe ran\n")
    index = build_index(pipeline, path, [1], cache=tmp_path)
    ids = pipeline.objective.prompt_ids({"text": "old bank we"}, pipeline.tokenizer)["tokens"]
    run = TextRun(pipeline, {"text": "old bank"}, pipeline.model, {"tokens": ids[None]}, "we", len(ids) - 1)
    (result,) = search(run, index, [1], top=len(index.tokens))
    assert len(result.neighbours) == len(ids) == 3
    assert {"we saw the old bank of a river we ran"} <= {*map(str.strip, contexts(result.neighbours[0]))}


def test_encoder_decoders_search_by_their_sources(tmp_path):
    pipeline = small_pipeline("transformer", "translate", target_length=8)
    index = build_index(pipeline, [{"source": line} for line in corpus_lines(20)], [1], cache=tmp_path)
    ids = pipeline.objective.prompt_ids({"source": QUERY}, pipeline.tokenizer)
    run = TextRun(pipeline, {"source": QUERY}, pipeline.model, {name: array[None] for name, array in ids.items()}, "")
    (result,) = search(run, index, [1], top=3)
    assert result.sequence == "source"
    assert len(result.neighbours) == len(run.sequences["source"])
    bank = [token.text.strip() for token in run.sequences["source"]].index("bank")
    assert set(contexts(result.neighbours[bank])) <= {*PLANTED}
