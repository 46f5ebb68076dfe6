"""Published heads: classes without names, one logit, pairs, problem types, output layers of their own, refusals."""

import json

import numpy as np
import pytest
from keras import ops
from references import Golden, write_tokenizer

from zoo.checkpoints.folder import import_folder, read_published
from zoo.checkpoints.hf_export import write_huggingface

NAMES = ("id2label", "label2id", "num_labels", "problem_type")


@pytest.fixture
def write(tmp_path):
    """A function that writes the golden BERT with a classifier of some rows, and with other settings."""

    def write(rows=3, drop=NAMES, name="bert", **config):
        golden = Golden(name)
        tensors = golden.part("tensor")
        for key in ("classifier.weight", "classifier.bias"):
            if key in tensors:
                tensors[key] = np.resize(tensors[key], (rows, *tensors[key].shape[1:]))
        folder = golden.write(tmp_path / "published", tensors, **config)
        settings = {key: value for key, value in (golden.config | config).items() if key not in drop or key in config}
        (folder / "config.json").write_text(json.dumps(settings))
        write_tokenizer(folder, padding=golden.config["pad_token_id"] or 0)
        return folder

    return write


@pytest.mark.parametrize("rows", [2, 3])
def test_classes_without_names_are_numbered(write, rows):
    labels = tuple(f"LABEL_{i}" for i in range(rows))
    assert import_folder(write(rows)).objective.labels == labels
    assert import_folder(write(rows, num_labels=rows)).objective.labels == labels
    tagger = import_folder(write(rows, name="bert_tag_tokens"))
    assert tagger.objective.tags == labels


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"num_labels": 3}, r"Expected num_labels=2 in config.json, as the head has outputs. Received: 3"),
        ({"num_labels": "two"}, r"Expected num_labels=2 .* Received: 'two'"),
        ({"id2label": {"0": "a"}}, r"Expected id2label in config.json to name the classes 0 to 1"),
        ({"id2label": {"0": "a", "2": "b"}}, r"Expected id2label .* to name the classes 0 to 1"),
        ({"id2label": {"0": "a", "1": "a"}}, r"Expected different names in id2label .* Received: 'a' more than once"),
        ({"id2label": [1]}, r"Expected an object of number: name as id2label .* Received: \[1\]"),
        ({"id2label": {"x": "a", "1": "b"}}, r"Expected an object of number: name as id2label"),
        ({"id2label": {"0": None, "1": "b"}}, r"Expected names of classes in id2label"),
        ({"problem_type": "ranking"}, r"Expected problem_type of regression.* Received: 'ranking'"),
        ({"problem_type": "regression"}, r"Expected one output of a regression .* Received: 2 outputs"),
    ],
)
def test_names_that_do_not_fit_are_refused(write, config, match):
    with pytest.raises(ValueError, match=match):
        import_folder(write(2, **config))


def test_numbers_are_names_and_label2id_decides_nothing(write):
    folder = write(2, id2label={"1": 5, "0": 3}, label2id={"5": 0, "3": 1})
    assert import_folder(folder).objective.labels == ("3", "5")


def scored(folder, pair=None):
    """(pipeline, the logit of two texts as the classifier computes it) of a folder with one output."""
    pipeline = import_folder(folder, pair)
    logits = []
    for text in (("w7 w8", "w9"), ("w20 w21", "w5 w6")):
        encoding = pipeline.tokenizer.encode(*text)
        inputs = {"tokens": encoding.ids[None], "segments": encoding.segments[None].astype("int32")}
        logits.append(ops.convert_to_numpy(pipeline.model(inputs, training=False))[0, 0])
    return pipeline, logits


def test_one_logit_is_the_sigmoid_of_a_pair(write):
    pipeline, logits = scored(write(1))
    answers = pipeline.predict([("w7 w8", "w9"), ("w20 w21", "w5 w6")])
    assert [answer["score"] for answer in answers] == pytest.approx([1 / (1 + np.exp(-x)) for x in logits], rel=1e-4)


@pytest.mark.parametrize(
    "config",
    [
        {"problem_type": "regression"},
        {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"},
        {"sentence_transformers": {"activation_fn": "torch.nn.modules.linear.Identity", "version": "5.0"}},
    ],
)
def test_one_logit_is_the_score_where_the_folder_says_so(write, config):
    pipeline, logits = scored(write(1, **config))
    answers = pipeline.predict([("w7 w8", "w9"), ("w20 w21", "w5 w6")])
    assert [answer["score"] for answer in answers] == pytest.approx(logits, rel=1e-4)


def test_one_logit_of_single_texts_and_of_several_labels(write):
    assert import_folder(write(1), pair=False).predict("w7 w8")["score"] > 0
    multi_label = import_folder(write(1, problem_type="multi_label_classification"))
    assert set(multi_label.predict("w7 w8")["probabilities"]) == {"LABEL_0"}
    with pytest.raises(ValueError, match=r"Expected an activation of Identity or Sigmoid .* Received: 'a.b.ReLU'"):
        import_folder(write(1, sbert_ce_default_activation_function="a.b.ReLU"))


def test_a_score_is_exported_as_one_output(write, tmp_path):
    for number, config in enumerate(({}, {"problem_type": "regression"})):
        pipeline = import_folder(write(1, **config))
        again = import_folder(write_huggingface(pipeline, tmp_path / f"exported{number}"))
        assert again.predict(("w7", "w8 w9")) == pytest.approx(pipeline.predict(("w7", "w8 w9")), rel=1e-4)


def test_pairs_of_texts_are_said(write):
    pipeline = import_folder(write(3), pair=True)
    assert pipeline.objective.pair
    assert pipeline.predict(("w7 w8", "w9"))["probabilities"] != pipeline.predict(("w7 w8", "w10"))["probabilities"]
    with pytest.raises(ValueError, match=r"Expected a head that classifies texts, for pairs .* tag_tokens \(--pair\)"):
        import_folder(write(3, name="bert_tag_tokens"), pair=True)
    with pytest.raises(ValueError, match=r"Expected a head that classifies texts in .* Received: none \(--pair\)"):
        import_folder(write(3, architectures=["BertModel"]), pair=True)


def test_dropout_of_the_head_is_that_of_the_folder(write):
    assert import_folder(write(3, classifier_dropout=0.3)).objective.dropout == 0.3
    assert import_folder(write(3, classifier_dropout=None, hidden_dropout_prob=0.2)).objective.dropout == 0.2


def test_a_span_has_two_outputs(tmp_path):
    golden = Golden("bert_find_span")
    tensors = {k: x[:1] if k.startswith("qa_outputs") else x for k, x in golden.part("tensor").items()}
    write_tokenizer(golden.write(tmp_path, tensors))
    with pytest.raises(ValueError, match=r"Expected two classes .*, for the start and the end"):
        import_folder(tmp_path)


def test_a_class_without_an_objective_is_named(write, tmp_path):
    note = read_published(write(3, architectures=["BertForMultipleChoice"])).note
    assert note == "BertForMultipleChoice has no objective in the zoo: its head is left out"
    for name, cls in (("bart", "BartForQuestionAnswering"), ("t5", "T5EncoderModel"), ("gpt2", "GPT2DoubleHeadsModel")):
        folder = Golden(name).write(tmp_path / name, architectures=[cls])
        write_tokenizer(folder, padding=Golden(name).config["pad_token_id"] or 0)
        with pytest.raises(ValueError, match=rf"Expected .* as architectures in config.json.* Received: {cls}"):
            import_folder(folder)
    folder = write(3, architectures=3)
    with pytest.raises(ValueError, match=r"Expected a list of class names as architectures .* Received: 3"):
        import_folder(folder)
