"""Folders of sentence-transformers of every release: pooling, prompts, lengths, and what is refused by its name."""

import json

import pytest

from zoo.checkpoints import sentence_transformers as folders

TYPES = ["base.modules.transformer.Transformer", "sentence_transformer.modules.pooling.Pooling", "models.Normalize"]


@pytest.fixture
def notes(monkeypatch):
    """The lines that reading prints."""
    lines = []
    monkeypatch.setattr(folders, "print_once", lines.append)
    return lines


def write(folder, pooling, types=TYPES, path="1_Pooling", **files):
    modules = [
        {"idx": i, "name": str(i), "path": "", "type": f"sentence_transformers.{t}"} for i, t in enumerate(types)
    ]
    modules[1]["path"] = path
    (folder / path).mkdir()
    contents = {"modules.json": modules, f"{path}/config.json": pooling} | {f"{k}.json": v for k, v in files.items()}
    for name, value in contents.items():
        (folder / name).write_text(json.dumps(value))
    return folder


OLD = {f"pooling_mode_{name}": False for name in ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")}


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"embedding_dimension": 8, "pooling_mode": "mean", "include_prompt": True}, "mean"),
        ({"pooling_mode": "cls"}, "first"),
        ({"pooling_mode": ["max"]}, "max"),
        ({"pooling_mode": "lasttoken"}, "last"),
        ({"pooling_mode": "mean_sqrt_len_tokens"}, "mean"),
        (OLD | {"pooling_mode_cls_token": True}, "first"),
        (OLD | {"pooling_mode_mean_sqrt_len_tokens": True}, "mean"),
        ({"word_embedding_dimension": 8}, "mean"),
    ],
)
def test_pooling(tmp_path, pooling, expected):
    assert folders.read_pooling(write(tmp_path, pooling, path="2_Pool")) == expected


@pytest.mark.parametrize(
    ("pooling", "received"),
    [
        ({"pooling_mode": ["mean", "max"]}, "mean and max"),
        ({"pooling_mode": "weightedmean"}, "weightedmean"),
        ({"pooling_mode": "softmax"}, "softmax"),
        (OLD | {"pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": True}, "mean and max"),
        (OLD | {"pooling_mode_new": True}, "pooling_mode_new"),
        (OLD, "none"),
    ],
)
def test_other_poolings_are_refused_by_name(tmp_path, pooling, received):
    with pytest.raises(ValueError, match=rf"Expected one pooling mode of cls, mean, .* Received: {received}\."):
        folders.read_pooling(write(tmp_path, pooling))


def test_other_modules_are_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"Expected only Transformer, Pooling, Normalize in .* Received: Dense\."):
        folders.read_pooling(write(tmp_path, {"pooling_mode": "mean"}, types=[*TYPES, "models.Dense"]))


def test_a_folder_without_normalize_is_said(tmp_path, notes):
    folders.read_pooling(write(tmp_path, {"pooling_mode": "mean"}, types=TYPES[:2]))
    assert "has no Normalize module" in notes[0]


def test_prompts(tmp_path, notes):
    prompts = {"prompts": {"query": "what is ", "passage": "this is "}, "default_prompt_name": "query"}
    settings = prompts | {"similarity_fn_name": "dot", "new_key": 1}
    folder = write(tmp_path, {"pooling_mode": "mean"}, config_sentence_transformers=settings)
    assert folders.read_embedder(folder) == {"pooling": "mean", "prompt": "what is "}
    assert "(passage)" in notes[0]
    assert "by dot; zoo by their cosine" in notes[1]
    assert "sets new_key=1" in notes[2]


def test_a_prompt_that_is_not_pooled_is_refused(tmp_path):
    prompts = {"prompts": {"query": "what is "}, "default_prompt_name": "query"}
    pooling = {"pooling_mode": "mean", "include_prompt": False}
    folder = write(tmp_path, pooling, config_sentence_transformers=prompts)
    with pytest.raises(ValueError, match="Expected pooling over the prompt as well"):
        folders.read_pooling(folder)


def test_length(tmp_path, notes):
    folder = write(tmp_path, {"pooling_mode": "mean"}, sentence_bert_config={"do_lower_case": True, "new": 2})
    assert folders.read_length(folder) is None
    assert len(notes) == 2
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 1e30}))
    assert folders.read_length(folder) is None
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 256}))
    assert folders.read_length(folder) == 256
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 128}))
    assert folders.read_length(folder) == 128
