"""Baselines of every objective, against scores that are known or computed in another way."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

import zoo
from zoo.data.masking import mask_examples
from zoo.data.record_sample import RecordSample
from zoo.metrics.text import bleu
from zoo.objectives import Objective
from zoo.objectives.classify_and_tag import ClassifyAndTag
from zoo.objectives.classify_text import ClassifyText
from zoo.objectives.embed_text import EmbedText
from zoo.objectives.find_span import FindSpan
from zoo.objectives.masked_token import MaskedToken
from zoo.objectives.next_sentence import NextSentence
from zoo.objectives.next_token import NextToken
from zoo.objectives.score_pair import ScorePair
from zoo.objectives.tag_tokens import TagTokens
from zoo.objectives.translate import Translate
from zoo.presets import Preset
from zoo.tokenizers.words import Words
from zoo.training.baselines import BaselineData, baselines_of, scoring_baselines
from zoo.training.baselines.scoring_baselines import baseline_scores

WORDS = {"red": "rose lips brick fire", "blue": "sky sea jeans ice", "green": "leaf moss lime grass"}


def data_of(train, test, examples=None, tokenizer=None):
    """`BaselineData` of lists of records."""
    splits = {"validation": test, "test": test}
    return BaselineData(RecordSample(train), splits, SimpleNamespace(values=examples), tokenizer)


def scores_of(objective, *data, **options):
    """{name of a baseline: score} on the test split, of all metrics."""
    by_metric = baseline_scores(objective, data_of(*data, **options))["test"]
    return {name: score for scores in by_metric.values() for name, score in scores.items()}


def colours(rows, seed):
    """Texts of three words of a colour and three of any, labelled with the colour; red is the most frequent."""
    rng = np.random.default_rng(seed)
    records = []
    for _ in range(rows):
        label = rng.choice(list(WORDS), p=[0.5, 0.3, 0.2])
        words = [*rng.choice(WORDS[label].split(), 3), *rng.choice(" ".join(WORDS.values()).split(), 3)]
        records.append({"text": " ".join(words), "label": str(label)})
    return records


TRAIN, TEST = colours(90, 0), colours(60, 1)


def test_text_classification():
    scores = scores_of(ClassifyText(labels=tuple(WORDS)), TRAIN, TEST)
    assert scores["chance"] == pytest.approx(np.mean([record["label"] == "red" for record in TEST]))
    vectorizer = TfidfVectorizer()
    model = LogisticRegression().fit(vectorizer.fit_transform([r["text"] for r in TRAIN]), [r["label"] for r in TRAIN])
    expected = model.score(vectorizer.transform([r["text"] for r in TEST]), [r["label"] for r in TEST])
    assert scores["TF-IDF with logistic regression"] == pytest.approx(expected, abs=0.02)
    assert expected > scores["chance"]


def test_a_sample_is_named():
    data = replace(data_of(TRAIN, TEST), sample=RecordSample(TRAIN, 40))
    names = set(baselines_of(ClassifyText(labels=tuple(WORDS)), data))
    assert names == {"chance", "TF-IDF with logistic regression on 40 of 90 records"}
    objective = ClassifyAndTag(labels=("a", "b"), tags=("O", "B-city", "I-city", "B-name", "I-name"), scheme="bio")
    data = replace(data_of(TAGGED, TAGGED), sample=RecordSample(TAGGED * 5, 6))
    name = "TF-IDF with logistic regression and the most frequent tag of each word on 6 of 15 records"
    assert set(baselines_of(objective, data)) == {"chance", name}


def test_several_labels_and_pairs_of_texts():
    multi = [[record | {"labels": [record["label"]]} for record in records] for records in (TRAIN, TEST)]
    scores = scores_of(ClassifyText(labels=tuple(WORDS), multi_label=True), *multi)
    assert scores["TF-IDF with logistic regression"] > scores["chance"] > 0.4
    second = [[{**record, "text": "same", "text_pair": record["text"]} for record in part] for part in (TRAIN, TEST)]
    pairs = scores_of(ClassifyText(labels=tuple(WORDS), pair=True), *second)
    single = scores_of(ClassifyText(labels=tuple(WORDS)), TRAIN, TEST)
    assert pairs == pytest.approx(single, abs=0.05)


def tagged(text, label="x"):
    pairs = [word.split("/") for word in text.split()]
    return {"tokens": [word for word, _ in pairs], "tags": [tag for _, tag in pairs], "label": label}


TAGGED = [
    tagged("New/B-city York/I-city is/O big/O", "a"),
    tagged("York/B-city York/I-city and/O Ann/B-name", "b"),
    tagged("she/O saw/O York/I-city", "a"),
]


def test_tags_in_a_span_scheme():
    objective = TagTokens(tags=("O", "B-city", "I-city", "B-name", "I-name"), scheme="bio")
    test = [tagged("Ann/B-name saw/O New/B-city York/I-city"), tagged("Bob/B-name is/O York/B-city")]
    # "Bob" is unknown and so outside, the lone I-city of "York" is repaired to a span
    assert scores_of(objective, TAGGED, test) == {
        "chance": 0.0,
        "the most frequent tag of each word": pytest.approx(2 * 3 / (4 + 3)),
    }


def test_plain_tags():
    train, test = [tagged("a/D dog/N runs/V a/D run/N runs/N runs/V")], [tagged("a/D cat/N runs/V run/V")]
    objective = TagTokens(tags=("D", "N", "V"), scheme="plain")
    assert scores_of(objective, train, test) == {"chance": 0.25, "the most frequent tag of each word": 0.75}


def test_labels_and_tags_together():
    objective = ClassifyAndTag(labels=("a", "b"), tags=("O", "B-city", "I-city", "B-name", "I-name"), scheme="bio")
    scores = scores_of(objective, TAGGED * 5, [TAGGED[0], tagged("all/O is/O big/O", "a")])
    name = "TF-IDF with logistic regression and the most frequent tag of each word"
    assert scores == {"chance": 0.5, name: 1.0}


ANSWERED = {
    "context": "Ann lives in Rome. Bob lives in Paris. Rome is old.",
    "question": "Who lives in Paris?",
    "answers": [{"text": "Bob", "start": 19}],
}


def test_answers():
    assert scores_of(FindSpan(allow_no_answer="no"), [ANSWERED], [ANSWERED]) == {
        "the sentence most like the question by TF-IDF": pytest.approx(2 / (4 + 1))
    }


def test_no_answer():
    unanswered = {"context": "Rain. Snow.", "question": "Who lives?", "answers": []}
    scores = scores_of(FindSpan(allow_no_answer="yes"), [ANSWERED, unanswered], [ANSWERED, unanswered, unanswered])
    assert scores == {
        "no answer everywhere": pytest.approx(2 / 3),
        "the sentence most like the question by TF-IDF": pytest.approx((2 + 0.4) / 3),
    }


def pair(text, text_pair, label=0.0):
    return {"text": text, "text_pair": text_pair, "label": label}


PAIRS = [pair("red rose", "rose red", 5), pair("red rose", "blue rose", 3), pair("blue sky", "old car", 0)]


def test_similarity_of_pairs():
    scores = scores_of(ScorePair(mean=2.0, std=1.0), PAIRS, PAIRS)
    assert scores["chance"] == 0
    assert scores["the cosine of TF-IDF"] > 0.9


def test_retrieval():
    test = [pair("red rose", "rose red"), pair("blue sky", "the sky"), pair("an old car", "nothing")]
    assert scores_of(EmbedText(), PAIRS + test, test) == {
        "chance": pytest.approx(1 / 3),
        "the cosine of TF-IDF": pytest.approx(2 / 3),
    }


def test_next_sentences():
    train = [{"text": ". ".join(f"{word} number {i}" for i in "abcde") + "."} for word in WORDS["red"].split()]
    test = [{"text": ". ".join(f"{word} number {i}" for i in "fghij") + "."} for word in WORDS["red"].split()]
    scores = scores_of(NextSentence(), train, test)
    assert scores["the cosine of TF-IDF"] == 1
    pairs = NextSentence().pairs(test)
    assert scores["chance"] in (share := np.mean([p.follows for p in pairs]), 1 - share)


TOKENIZER = Words().train(["a b b c", "c d"])


def perplexity_of(counts, ids):
    """Of the unigram model with one added to each count."""
    total = sum(counts.values()) + TOKENIZER.vocabulary_size
    return np.exp(-np.mean([np.log((counts[i] + 1) / total) for i in ids]))


def test_next_tokens():
    train, test = [{"text": "a b b c"}], [{"text": "b c d"}, {"text": "a"}]
    objective = NextToken(length=3)
    labels = [np.concatenate([e["labels"] for e in objective.examples(rows, TOKENIZER)]) for rows in (train, test)]
    scores = scores_of(objective, train, test, examples={"labels": labels[0]}, tokenizer=TOKENIZER)
    assert scores["chance"] == pytest.approx(TOKENIZER.vocabulary_size)
    expected = perplexity_of(Counter(labels[0].tolist()), labels[1].tolist())
    assert scores["unigram frequencies"] == pytest.approx(expected)


def test_masked_tokens():
    train, test, objective = [{"text": "b b c b"}] * 4, [{"text": "b b b b"}], MaskedToken(length=7, mask_rate=0.2)
    examples = list(objective.examples(train, TOKENIZER))
    values = {key: np.concatenate([example[key] for example in examples]) for key in ("tokens", "word_ids")}
    scores = scores_of(objective, train, test, examples=values, tokenizer=TOKENIZER)
    b, c = TOKENIZER.encode("b c", special=False).ids.tolist()
    counts = Counter({b: 12, c: 4, TOKENIZER.end: 4})  # of line breaks, not of the ends of examples
    (masked,) = (e["labels"].tolist() for e in mask_examples(objective.examples(test, TOKENIZER), objective.masking))
    assert scores["unigram frequencies"] == pytest.approx(perplexity_of(counts, masked))
    assert scores["chance"] == pytest.approx(TOKENIZER.vocabulary_size)


def test_copies_of_the_source():
    rows = [{"source": "a b c d b", "target": "a b c d d"}, {"source": "a", "target": "b"}]
    objective = Translate(length=16, target_length=8, decoder_start=("end",))
    labels = np.concatenate([example["labels"] for example in objective.examples(rows, TOKENIZER)])
    by_metric = baseline_scores(objective, data_of(rows, rows, {"labels": labels}, TOKENIZER))["test"]
    expected = bleu([row["source"] for row in rows], [row["target"] for row in rows])
    assert by_metric["bleu"] == {"a copy of the source": pytest.approx(expected)}
    assert set(by_metric["perplexity"]) == {"chance", "unigram frequencies"}


def test_every_objective_of_the_catalog_has_baselines():
    for name in zoo.names("objectives"):
        objective = zoo.catalog.load("objectives", name)
        assert baselines_of.dispatch(objective) is not baselines_of.dispatch(Objective), name


def test_an_objective_of_another_type_has_none():
    class Other(Objective):
        fields: ClassVar = ClassifyText().fields

    Other.__abstractmethods__ = frozenset()
    assert scores_of(Other(), TRAIN, TEST) == {}


def test_a_run_outlives_its_baselines(tiny, monkeypatch, tmp_path, capsys):
    def fail(*arguments):
        raise ZeroDivisionError("of a library")

    monkeypatch.setattr(scoring_baselines, "baseline_scores", fail)
    preset = Preset(**vars(tiny) | {"training": zoo.Training(epochs=1)})
    pipeline = zoo.train(preset, to=tmp_path / "model")
    assert "No baselines: ZeroDivisionError: of a library" in capsys.readouterr().err
    assert pipeline.scores["test"]
    assert pipeline.baselines["test"].baselines == {}
