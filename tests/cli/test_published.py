"""Published weights on the command line: imported, trained further, exported for transformers."""

import json
from pathlib import Path

import pytest
from references import Golden, write_tokenizer
from safetensors.numpy import load_file


@pytest.fixture
def bert(cli):
    """A folder of transformers with a BERT that classifies."""
    write_tokenizer(Golden("bert").write(Path("bert")))
    return "bert"


def test_import_predict_and_export(cli, bert):
    done = cli("import", bert, "--to", "model")
    assert (done.status, done.out) == (0, "")
    assert "zoo train PRESET --from model" in done.err
    answer = json.loads(cli("predict", "model", "w7 w8", "--json").out)
    assert set(answer["probabilities"]) == {"LABEL_0", "LABEL_1", "LABEL_2"}
    done = cli("export", "model", "--format", "huggingface")
    assert (done.status, done.out) == (0, "model/huggingface\n")
    assert "from_pretrained" in done.err
    assert "classifier.weight" in load_file("model/huggingface/model.safetensors")


def test_training_from_a_folder(cli, bert):
    rows = "text\tlabel\n" + "w5 w6\tgood\nw7 w8\tbad\n" * 10
    Path("data.tsv").write_text(rows)
    settings = ("training.epochs=1", "training.batch_size=8", "objective.length=8")
    done = cli("train", "bert_sst2", "--from", bert, "--data", "data.tsv", "--to", "model", *settings)
    assert done.status == 0, done.err
    assert "Started from bert; new weights: logits/kernel, logits/bias." in " ".join(done.err.split())
    assert json.loads(Path("model/preset.json").read_text())["architecture"]["width"] == 16


def test_mistakes(cli, bert, check_refused):
    check_refused("Expected config.json in nowhere. Received: no such folder", cli, "import", "nowhere", "--to", "m")
    check_refused("Expected a new folder to save the model in. Received: bert", cli, "import", bert, "--to", bert)
    check_refused("Expected config.json in nowhere", cli, "train", "bert_sst2", "--from", "nowhere", "--data", "x.tsv")
    Path("bert/model.safetensors").write_bytes(b"1234")
    check_refused("Expected a whole safetensors file", cli, "import", bert, "--to", "m")


def test_an_unknown_format(cli, model_folder, check_refused):
    message = "Unknown format. Received: 'hugingface'. Did you mean 'huggingface'?"
    check_refused(message, cli, "export", model_folder, "--format", "hugingface", "--to", "out")


def test_an_adapter_is_learned_shipped_and_merged(cli, bert, check_refused):
    Path("data.tsv").write_text("text\tlabel\n" + "w5 w6\tgood\nw7 w8\tbad\n" * 10)
    settings = ("training.epochs=1", "training.batch_size=8", "objective.length=8", "lora.rank=2")
    done = cli("train", "bert_sst2", "--from", bert, "--data", "data.tsv", "--to", "model", *settings)
    assert done.status == 0, done.err
    Path("model/adapter.safetensors").rename("adapter.safetensors")
    done = cli("import", bert, "--adapter", "adapter.safetensors", "--to", "merged")
    assert done.status == 0, done.err
    result = [json.loads(cli("predict", item, "w5 w8", "--json").out)["probabilities"] for item in ("model", "merged")]
    assert result[0] == pytest.approx(result[1], rel=1e-5)
    message = "Expected an adapter, adapter.safetensors of a run with lora.rank. Received: nowhere"
    check_refused(message, cli, "import", bert, "--adapter", "nowhere", "--to", "m")


def test_import_ends_with_a_table(cli, bert):
    settings = json.loads(Path("bert/config.json").read_text())
    Path("bert/config.json").write_text(json.dumps(settings | {"layers_to_skip": [1]}))
    done = cli("import", bert, "--to", "model")
    assert done.status == 0
    assert "config.json: " in done.err
    assert "Differs from the defaults of transformers:" in done.err
    assert "Note: layers_to_skip is not known to the zoo" in done.err


def test_an_import_is_verified(cli, bert):
    pytest.importorskip("transformers")
    settings = json.loads(Path("bert/config.json").read_text())
    names = {"unk_token": "[UNK]", "pad_token": "[PAD]", "tokenizer_class": "PreTrainedTokenizerFast"}
    Path("bert/tokenizer_config.json").write_text(json.dumps(names))
    done = cli("import", bert, "--to", "model", "--verify")
    assert done.status == 0, done.err
    assert "Verified with 'The delivery arrived two days late.': 3 outputs, largest difference from" in done.err
    assert settings["architectures"] == ["BertForSequenceClassification"]


def test_pairs_and_columns_that_are_left_unread(cli, bert):
    Path("pairs.tsv").write_text("id\ttext\ttext_pair\tlabel\n" + "3\tw5 w6\tw7 w8\tLABEL_1\n4\tw9\tw7\tLABEL_0\n")
    assert cli("import", bert, "--to", "single").status == 0
    for arguments in (("evaluate", "single", "--data", "pairs.tsv"), ("predict", "single", "--file", "pairs.tsv")):
        done = cli(*arguments)
        assert "Columns left unread: text_pair. This model reads text. For pairs: zoo import --pair" in done.err
    assert cli("import", bert, "--to", "pairs", "--pair").status == 0
    done = cli("evaluate", "pairs", "--data", "pairs.tsv")
    assert (done.status, "left unread" in done.err) == (0, False)
    assert json.loads(cli("predict", "pairs", "w5", "w6", "--json").out)["text_pair"] == "w6"


def test_pair_of_another_head_is_refused(cli, check_refused):
    write_tokenizer(Golden("bert_masked_token").write(Path("mlm")))
    message = "Expected a head that classifies texts, for pairs of them. Received: one of masked_token (--pair)."
    check_refused(message, cli, "import", "mlm", "--to", "m", "--pair")
