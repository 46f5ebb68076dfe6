"""Extractive question answering: every compatible architecture, long contexts, no answer, scores, answers."""

import gzip
import json
from dataclasses import replace

import numpy as np
import pytest
from tiny import all_on_torch, compatible, decide, overfit, shrink

import zoo
from zoo import catalog
from zoo.data.opening import open_dataset
from zoo.data.qa_windows import BEGIN, CANDIDATE, END, NO_ANSWER
from zoo.objectives import build_model
from zoo.objectives.find_span import FindSpan
from zoo.presets import Data, Preset, Training
from zoo.tokenizers.words import Words

LONG = (
    "The blue door stays shut on rainy days, and the red one on Sundays. The key of the green gate hangs at the mill."
)
SMALL = FindSpan(length=24, question_length=12, stride=6, answer_length=8, allow_no_answer="yes")


def question(text, answer=None, context=LONG):
    answers = [{"text": answer, "start": context.index(answer)}] if answer else []
    return {"context": context, "question": text, "answers": answers}


RECORDS = [
    question("When is the blue door shut?", "rainy days"),
    question("When is the red door shut?", "Sundays"),
    question("Where is the key?", "the mill"),
    question("Which gate has a key?", "green gate"),
    question("Who paints the doors?"),
    question("Who is at the mill?", context="Ann is at the mill."),
    question("Where is Ann?", "the mill", context="Ann is at the mill."),
    question("Who is it?", "Łucja", context="Łucja!"),
]


def tokenizer(name="words", **settings):
    return catalog.load("tokenizers", name)(**settings).train(
        [t for r in RECORDS for t in SMALL.tokenizer_texts(r)] * 2
    )


@pytest.mark.parametrize("name", all_on_torch(compatible(SMALL)))
def test_every_architecture_learns_eight_records_by_heart(name):
    objective, trained = SMALL, tokenizer()
    if name == "conv":  # whose features here reach two tokens, not the question
        objective = replace(objective, match_question=True)
    if name == "lstm_cnn":  # which reads bytes
        objective, trained = replace(SMALL, length=160, question_length=32, answer_length=12), tokenizer("bytes")
    size = {"width": 32, "units": 24, "length": objective.length}
    _, predictions = overfit(objective, name, RECORDS, trained, epochs=120, rate=0.01, **size)
    right = [right_answer(*pair) for pair in zip(predictions, RECORDS, strict=True)]
    assert SMALL.scores(predictions, RECORDS)["exact_match"] == pytest.approx(np.mean(right))
    assert sum(right) >= 6


def right_answer(prediction, record):
    return SMALL.answer(prediction, record)["answer"] == (record["answers"][0]["text"] if record["answers"] else "")


@pytest.mark.parametrize("name", ["bytes", "characters", "byte_pairs", "word_pieces"])
def test_every_tokenizer_will_do(name):
    trained = tokenizer(name, **({"vocabulary": 300} if name in ("byte_pairs", "word_pieces") else {}))
    objective = replace(SMALL, length=72, question_length=30, stride=30, answer_length=12, match_question=True)
    _, predictions = overfit(objective, "lstm", RECORDS, trained, 120, 0.01, bidirectional=True, width=32, units=24)
    assert sum(right_answer(*pair) for pair in zip(predictions, RECORDS, strict=True)) >= 5


def test_architectures_that_cannot_are_refused():
    assert not {"mlp", "averaging", "text_cnn", "transformer"} & set(compatible(SMALL))
    with pytest.raises(
        ValueError, match="find_span needs a feature vector per token. Received: MLP, which has one per text"
    ):
        build_model(SMALL, shrink("mlp"))
    with pytest.raises(
        ValueError, match="reads one sequence of tokens. Received: Transformer, which reads source and tar"
    ):
        build_model(SMALL, shrink("transformer"))


def test_examples_are_windows_with_the_answer_where_it_stands():
    trained = tokenizer()
    rows = list(SMALL.examples(RECORDS[2:3], trained))
    assert len(rows) > 1
    for row in rows:
        assert list(row) == ["tokens", "segments", "labels"]
        assert len({len(array) for array in row.values()}) == 1
        assert row["tokens"][0] == trained.start
        is_candidate = row["labels"] & CANDIDATE > 0
        assert is_candidate[NO_ANSWER]
        assert (row["tokens"][1:][is_candidate[1:]] != trained.end).all()
        assert not is_candidate[1:][row["segments"][1:] == 0].any()
        begin, end = (int(np.flatnonzero(row["labels"] & bit)[0]) for bit in (BEGIN, END))
        span = trained.decode(row["tokens"][begin : end + 1])
        assert span == "the mill" if "mill" in trained.decode(row["tokens"]) else (begin, end) == (NO_ANSWER, NO_ANSWER)
    unlabelled = list(SMALL.examples([{"context": LONG, "question": "Where?"}], trained, train=False))
    assert all(list(row) == ["tokens", "segments"] for row in unlabelled)


def test_an_answer_cut_by_the_edge_of_a_window_is_not_in_it():
    trained = tokenizer()
    rows = list(replace(SMALL, length=16, stride=1).examples([RECORDS[0]], trained))
    halves = [row for row in rows if "days" in (text := trained.decode(row["tokens"])) and "rainy" not in text]
    assert halves
    assert all(row["labels"][NO_ANSWER] == CANDIDATE | BEGIN | END for row in halves)


def test_the_batch_is_collated_for_the_loss():
    target = np.array([[CANDIDATE, 0, CANDIDATE | BEGIN, CANDIDATE | END, -1]])
    inputs, targets, weights = SMALL.collate({"tokens": np.ones((1, 5)), "labels": target}, None)
    assert list(inputs) == ["tokens"]
    assert targets[0].tolist() == [[1, 0, 0], [0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 0, 0]]
    assert weights.tolist() == [1]


def decision(objective, *spans):
    """The decision about a context whose spans, ((first character, past-the-last), log-odds), end at one token."""
    logits = np.full((1, 2 + len(spans), 2), -np.inf, "float32")
    logits[0, 0] = 0
    for i, (_, score) in enumerate(spans, start=1):
        logits[0, i, 0] = score
    if spans:
        logits[0, len(spans), 1] = 0
    token = np.arange(-1, 1 + len(spans))[None]
    token[0, -1] = -1
    context = np.arange(len(spans) + 1)[None] < len(spans)
    record = np.zeros(1, "int32")
    (actual,) = decide(objective, {"logits": logits, "record": record, "token": token, "context": context})
    exists = actual["best_first"] >= 0
    offsets = np.array([offsets for offsets, _ in spans], int).reshape(-1, 2)
    return actual | {"best_scores": actual["best_scores"][exists], "spans": offsets[actual["best_first"][exists]]}


def test_an_answer_has_offsets_and_n_best():
    record, spans = {"context": "Ann is in Rome.", "question": "?"}, (((7, 14), 1.0), ((10, 14), 2.0))
    answer = SMALL.answer(decision(SMALL, *spans), record)
    shares = np.exp([2, 1, 0]) / np.exp([2, 1, 0]).sum()
    assert answer == {
        "answer": "Rome",
        "score": pytest.approx(shares[0]),
        "start": 10,
        "end": 14,
        "n_best": [
            {"answer": "Rome", "score": pytest.approx(shares[0]), "start": 10, "end": 14},
            {"answer": "in Rome", "score": pytest.approx(shares[1]), "start": 7, "end": 14},
        ],
        "no_answer": pytest.approx(shares[2]),
    }
    assert SMALL.format(answer) == "Rome  0.665"
    json.dumps(answer)
    strict = replace(SMALL, threshold=0.05)
    none = strict.answer(decision(strict, *spans), record)
    assert (none["answer"], none["start"], none["end"], len(none["n_best"])) == ("", None, None, 2)
    assert none["score"] == none["no_answer"]
    assert SMALL.format(none) == "(no answer)  0.090"
    always = replace(strict, allow_no_answer="no")
    sure = always.answer(decision(always, *spans), record)
    assert (sure["answer"], sure["no_answer"]) == ("Rome", 0)
    assert SMALL.answer(decision(SMALL), {"context": " "})["answer"] == ""


def test_scores_are_those_of_the_first_squad_and_of_the_second_where_answers_lack():
    answerable, none = question("?", "Rome", "Ann is in Rome."), question("?", context="Ann is in Rome.")
    always = replace(SMALL, allow_no_answer="no")
    sure, unsure = (decision(always, ((10, 14), score)) for score in (5.0, -5.0))
    assert always.scores([sure, unsure], [answerable, answerable]) == {"exact_match": 1.0, "f1": 1.0}
    actual = always.scores([sure, unsure], [answerable, none])
    assert (actual["exact_match"], actual["answerable_f1"], actual["unanswerable_f1"]) == (0.5, 1, 0)
    assert "best_f1" not in actual
    sure, unsure = (decision(SMALL, ((10, 14), score)) for score in (5.0, -5.0))
    actual = SMALL.scores([sure, unsure], [answerable, none])
    assert (actual["f1"], actual["best_f1"], actual["unanswerable_exact_match"]) == (1, 1, 1)
    assert SMALL.selection_key(actual) == (1,)


def test_the_threshold_is_calibrated_on_validation():
    answerable, none = question("?", "Rome", "Ann is in Rome."), question("?", context="Ann is in Rome.")
    predictions = [decision(SMALL, ((10, 14), score)) for score in (3.0, -1.0, -1.1, -4.0)]
    records = [answerable, answerable, none, none]
    assert SMALL.scores(predictions, records)["f1"] == 0.75
    calibrated = SMALL.calibrate(predictions, records)
    low, high = (1 / (1 + np.exp(score)) for score in (-1.0, -1.1))
    assert calibrated.threshold == pytest.approx((low + high) / 2)
    assert calibrated.scores(predictions, records)["f1"] == 1
    assert replace(SMALL, allow_no_answer="no").calibrate(predictions, records).threshold == 0.5


def write_squad(path, records):
    questions = [
        {**r, "id": f"q{i}", "answers": [{**a, "answer_start": a["start"]} for a in r["answers"]]}
        for i, r in enumerate(records)
    ]
    data = [
        {"paragraphs": [{"context": r["context"], "qas": [{k: r[k] for k in ("id", "question", "answers")}]}]}
        for r in questions
    ]
    for row in data:
        for answer in row["paragraphs"][0]["qas"][0]["answers"]:
            del answer["start"]
    path.write_bytes(gzip.compress(json.dumps({"data": data}).encode()))


def test_training_on_squad_files(tmp_path, capsys):
    """From the files to answers, saved and loaded; wrong offsets are reported."""
    wrong = {**question("Where is the gate?", "the mill"), "answers": [{"text": "the mill", "start": 3}]}
    for split, records in {"train": [*RECORDS, wrong], "dev": RECORDS, "test": RECORDS[:4]}.items():
        write_squad(tmp_path / f"{split}.json.gz", records)
    preset = Preset(
        architecture=shrink("conv", width=32, depth=2, dropout=0.0, embedding_dropout=0.0, word_dropout=0.0),
        objective=replace(SMALL, allow_no_answer="auto", match_question=True),
        tokenizer=Words(),
        data=Data(spec=str(tmp_path)),
        training=Training(epochs=30, batch_size=8, learning_rate=2e-2, patience=0),
    )
    pipeline = zoo.train(preset, to=tmp_path / "model")
    assert "1 answers whose text is not at their offset in the context" in capsys.readouterr().err
    assert pipeline.objective.allow_no_answer == "yes"
    assert pipeline.scores["validation"]["best_f1"] > 0.6
    assert pipeline.scores["test"]["f1"] > 0.6
    pairs = [(record["question"], record["context"]) for record in RECORDS]
    answers = zoo.load(tmp_path / "model").predict(pairs)
    assert answers == pipeline.predict(pairs)
    for answer, (_, context) in zip(answers, pairs, strict=True):
        for item in answer["n_best"]:
            assert context[item["start"] : item["end"]] == item["answer"]


def test_allow_no_answer_comes_from_training_data(tmp_path):
    for records, expected in ((RECORDS, "yes"), (RECORDS[:4], "no")):
        write_squad(tmp_path / "train.json.gz", records)
        dataset = open_dataset(tmp_path / "train.json.gz", split_strategy="")
        assert FindSpan().prepare(dataset, shrink("bert")).allow_no_answer == expected
        assert FindSpan(allow_no_answer="no").prepare(dataset, shrink("bert")).allow_no_answer == "no"


@pytest.mark.parametrize("field", ["stride", "question_length", "answer_length", "n_best"])
def test_settings_below_one_are_refused(field):
    with pytest.raises(ValueError, match=f"Expected {field} to be 1 or more. Received: {field}=0"):
        FindSpan(**{field: 0})


def test_an_unknown_allow_no_answer_is_refused():
    with pytest.raises(ValueError, match="Unknown allow_no_answer. Received: 'maybe'.* Known: auto, yes, no"):
        FindSpan(allow_no_answer="maybe")


def test_a_length_without_room_for_the_context_is_refused_whatever_the_question():
    with pytest.raises(ValueError, match=r"Expected objective.length of at least 68.* Received: length=67\."):
        list(FindSpan(length=67, question_length=64).examples(RECORDS[:1], tokenizer()))
