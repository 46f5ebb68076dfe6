"""Sequence to sequence: teacher forcing, label smoothing, greedy decoding, scores."""

import keras
import numpy as np
import pytest
from causal_models import logits as logits_after
from causal_models import padded
from tiny import compatible, overfit, shrink

import zoo
from zoo.data.opening import open_dataset
from zoo.metrics.text import text_scores
from zoo.objectives import build_model
from zoo.objectives.translate import Translate
from zoo.pipeline import predictor
from zoo.tokenizers.words import Words

PAIRS = [
    ("ein hund", "a dog"),
    ("eine katze", "a cat"),
    ("ein rotes haus", "a red house"),
    ("das haus ist rot", "the house is red"),
    ("der hund sieht brot", "the dog sees bread"),
    ("gute nacht", "good night"),
    ("brot", "bread"),
    ("ein tag", "one day"),
]
RECORDS = [{"source": source, "target": target} for source, target in PAIRS]
OBJECTIVE = Translate(length=16, target_length=12, label_smoothing=0.0)
ENCODER_DECODERS = compatible(OBJECTIVE)


@pytest.fixture(scope="module")
def words():
    return Words().train(text for record in RECORDS for text in OBJECTIVE.tokenizer_texts(record))


@pytest.mark.parametrize("name", ENCODER_DECODERS)
def test_every_encoder_decoder_learns_eight_pairs_by_heart(name, words):
    objective = OBJECTIVE.preparation(shrink(name)).objective
    _, actual = overfit(objective, name, RECORDS, words, epochs=150, rate=0.005)
    assert [OBJECTIVE.answer(*pair) for pair in zip(actual, RECORDS, strict=True)] == [
        {"text": target} for _, target in PAIRS
    ]
    scores = OBJECTIVE.scores(actual, RECORDS)
    assert scores["perplexity"] < 1.2
    assert scores["rouge1"] == scores["rougeL"] == 1


def test_compatible_architectures():
    assert {"transformer", "rnn_seq2seq"} <= set(ENCODER_DECODERS)
    assert not {"transformer_encoder", "lstm", "mlp", "bert", "gpt2"} & set(ENCODER_DECODERS)


def test_incompatible_architectures_are_refused():
    with pytest.raises(ValueError, match="reads source and target. Received: LSTM, which reads tokens"):
        build_model(OBJECTIVE, shrink("lstm"))


def test_the_target_is_the_labels_shifted_right(words):
    row = next(OBJECTIVE.examples(RECORDS[2:3], words))
    assert words.decode(row["source"], skip_special=False) == "[CLS] ein rotes haus [SEP]"
    assert words.decode(row["target"], skip_special=False) == "[CLS] a red house"
    assert words.decode(row["labels"], skip_special=False) == "a red house [SEP]"
    question = next(OBJECTIVE.examples([{"source": "ein"}], words, train=False))
    assert words.decode(question["target"], skip_special=False) == "[CLS]"


def test_padding_is_never_learned(words):
    batch = {"source": np.ones((2, 3)), "target": np.ones((2, 4)), "labels": np.array([[7, 8, 3, -1], [7, 3, -1, -1]])}
    inputs, targets, weights = OBJECTIVE.collate(batch, None)
    assert set(inputs) == {"source", "target"}
    assert targets.min() >= 0
    np.testing.assert_array_equal(weights, [[1, 1, 1, 0], [1, 1, 0, 0]])


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_smoothed_labels_share_the_likelihood_but_not_at_padding(smoothing, words):
    logits = np.random.default_rng(0).normal(size=(2, 4, 9)).astype("float32")
    labels, weights = np.array([[7, 8, 3, 0], [7, 3, 0, 0]]), np.array([[1, 1, 1, 0], [1, 1, 0, 0]], "float32")
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    expected = -((1 - smoothing) * np.take_along_axis(logs, labels[..., None], -1)[..., 0] + smoothing * logs.mean(-1))
    loss = Translate(label_smoothing=smoothing).loss(None)(labels, logits, sample_weight=weights)
    assert float(loss) * weights.size == pytest.approx((expected * weights).sum(), rel=1e-5)


def test_long_texts_are_cut(words):
    long = {"source": "hund " * 50, "target": "dog " * 50}
    row = next(OBJECTIVE.examples([long], words))
    assert (len(row["source"]), len(row["target"]), len(row["labels"])) == (16, 12, 12)
    assert row["labels"][-1] == words.end


@pytest.fixture(scope="module")
def model(words):
    keras.utils.set_random_seed(0)
    return build_model(OBJECTIVE, shrink("transformer", vocabulary=words.vocabulary_size))


def test_perplexity_is_that_of_all_target_tokens(model, words):
    actual = predictor.predict(model, OBJECTIVE, words, RECORDS)
    nats, tokens = 0.0, 0
    for row in OBJECTIVE.examples(RECORDS, words):
        inputs = {name: np.array([padded(row[name])], "int32") for name in ("source", "target")}
        logits = keras.ops.convert_to_numpy(model(inputs))[0, : len(row["labels"])].astype("float64")
        logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        nats, tokens = nats - logs[np.arange(len(row["labels"])), row["labels"]].sum(), tokens + len(row["labels"])
    scores = OBJECTIVE.scores(actual, RECORDS)
    assert scores["perplexity"] == pytest.approx(np.exp(nats / tokens), rel=1e-4)
    output = text_scores([item["text"] for item in actual], [target for _, target in PAIRS])
    assert scores == {"loss": scores["loss"], "perplexity": scores["perplexity"]} | output


def test_generation_is_greedy(model, words):
    (actual,) = predictor.predict(model, OBJECTIVE, words, [{"source": "ein hund"}])
    source, ids = words.encode("ein hund").ids, [words.start]
    while len(ids) <= OBJECTIVE.target_length and ids[-1] != words.end:
        ids.append(int(logits_after(model, ids, source).argmax()))
    assert actual == {"text": words.decode(ids)}


def test_during_training_few_texts_are_generated(model, words):
    objective = Translate(length=16, target_length=12, eval_samples=3)
    actual = predictor.predict(model, objective, words, RECORDS, during_training=True)
    assert [item["text"] is None for item in actual] == [False] * 3 + [True] * 5
    scores = objective.scores(actual, RECORDS)
    assert {"perplexity", "bleu"} <= scores.keys()
    output = text_scores([item["text"] for item in actual[:3]], [target for _, target in PAIRS[:3]])
    assert scores["chrf"] == output["chrf"]


def test_the_best_weights_are_those_with_the_best_monitored_score():
    early, late = {"loss": 1.0, "bleu": 0.1}, {"loss": 2.0, "bleu": 0.2}
    assert Translate().selection_key(early) > Translate().selection_key(late)
    assert Translate(monitor="bleu").selection_key(late) > Translate(monitor="bleu").selection_key(early)
    assert Translate(monitor="bleu").selection_key(early | {"bleu": 0.2}) > Translate(monitor="bleu").selection_key(
        late
    )


def test_an_unknown_monitor_is_refused():
    with pytest.raises(ValueError, match="Unknown monitor. Received: 'blue'. Did you mean 'bleu'?"):
        Translate(monitor="blue")
    with pytest.raises(
        ValueError, match="monitor='chrf' needs generated texts: eval_samples of at least 1. Received: e"
    ):
        Translate(monitor="chrf", eval_samples=0)


def test_without_records_scores_are_zero():
    assert OBJECTIVE.scores([], []) == {"loss": 0, "perplexity": 1}


def parallel(folder, sources, targets):
    (folder / "train.de").write_text("\n".join(sources) + "\n")
    (folder / "train.en").write_text("\n".join(targets) + "\n")
    return open_dataset(str(folder / "train.{de,en}"), required=OBJECTIVE.fields.required, split_strategy="")


def test_an_empty_target_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"Expected a target at .*train.de:2. Received: target='  '"):
        OBJECTIVE.prepare(parallel(tmp_path, ["hund", "katze"], ["dog", "  "]), shrink("transformer"))


def test_files_of_two_lengths_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"as many lines in .*train.en ends after line 1"):
        OBJECTIVE.prepare(parallel(tmp_path, ["hund", "katze"], ["dog"]), shrink("transformer"))


def test_a_tokenizer_without_an_end_is_refused():
    words = Words().train(["a"])
    words.end = None
    with pytest.raises(ValueError, match="needs a tokenizer with a token that ends texts"):
        next(OBJECTIVE.examples(RECORDS, words))


@pytest.mark.parametrize(("name", "expected"), [("t5", "[PAD]"), ("bart", "[SEP] [CLS]"), ("transformer", "[CLS]")])
def test_targets_begin_with_the_decoder_start(name, expected, words):
    objective = OBJECTIVE.preparation(shrink(name)).objective
    row = next(objective.examples(RECORDS, words))
    assert words.decode(row["target"], skip_special=False) == f"{expected} a dog"
    assert words.decode(row["labels"], skip_special=False) == f"{expected} a dog [SEP]".partition(" ")[2]


def test_a_target_longer_than_the_length_is_refused():
    with pytest.raises(ValueError, match="Expected target_length from 2 to length=16. Received: target_length=17"):
        Translate(length=16, target_length=17)


def test_from_files_to_answers(tmp_path):
    dataset = tmp_path / "data"
    dataset.mkdir()
    for split in ("train", "valid", "test"):
        for i, language in enumerate(("de", "en")):
            rows = "".join(f"{pair[i].title()}\n" for pair in PAIRS)
            (dataset / f"{split}.{language}").write_text(rows * (10 if split == "train" else 1))
    preset = zoo.Preset(
        architecture=shrink("transformer", dropout=0.0, norm="pre"),
        objective=Translate(length=16, target_length=8, label_smoothing=0.0, ignore_case=True, eval_samples=2),
        tokenizer=Words(),
        data=zoo.Data(spec=f"{dataset}.{{de,en}}"),
        training=zoo.Training(epochs=6, batch_size=8, learning_rate=0.02, schedule="constant", patience=0),
    )
    pipeline = zoo.train(preset, to=tmp_path / "model")
    assert pipeline.scores["test"]["bleu"] == pytest.approx(1)
    loaded = zoo.load(tmp_path / "model")
    assert loaded.predict(["Ein Hund", "Brot"]) == [{"text": "a dog"}, {"text": "bread"}]
    assert loaded.evaluate()["chrf"] == pytest.approx(1)
