"""The folders of `zoo serve`: a base folder, a single SavedModel, a folder of several models; and what is refused."""

import pytest

from zoo import UserError
from zoo.serving.server_settings import ServerSettings
from zoo.serving.versions.model_loading import open_service
from zoo.serving.versions.model_source import model_sources
from zoo.serving.versions.version_policy import parse_policy


def make(folder, *paths):
    """Empty files, each with its folders."""
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch()


def described(*folders):
    return [(source.name, source.version, sorted(source.version_folders())) for source in model_sources(folders)]


def test_kinds_of_folders(tmp_path, monkeypatch):
    make(tmp_path, "base/1/saved_model.pb", "base/12/saved_model.pb", "base/preset.json", "base/logs/x")
    make(tmp_path, "single/saved_model.pb", "all/a/1/saved_model.pb", "all/b/3/saved_model.pb", "all/notes/readme.md")
    make(tmp_path, "odd=name/1/saved_model.pb")
    monkeypatch.chdir(tmp_path)
    assert described("base") == [("base", None, [1, 12])]
    assert described("base/") == [("base", None, [1, 12])]
    assert described("base/12") == [("base", 12, [12])]
    assert described("single") == [("single", 1, [1])]
    assert described("all") == [("a", None, [1]), ("b", None, [3])]
    assert described("x=base", "y=single") == [("x", None, [1, 12]), ("y", 1, [1])]
    assert described("odd=name") == [("odd=name", None, [1])]
    monkeypatch.chdir(tmp_path / "base")
    assert described(".") == [("base", None, [1, 12])]


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["missing"], "Received: missing, which does not exist"),
        (["x=missing"], "Received: missing, which does not exist"),
        (["file"], "which is a file"),
        (["empty"], "neither saved_model.pb nor a folder such as 1"),
        (["model"], "which has no export yet: zoo export model"),
        (["base", "all/base"], "for 'base'; name one of them: NAME=FOLDER"),
        (["a:b=base"], "Expected a model name without / and :"),
        (["all", "base"], "name one of them"),
    ],
)
def test_what_cannot_be_served_is_one_line(tmp_path, monkeypatch, folders, message):
    make(tmp_path, "file", "empty/x", "model/preset.json", "base/1/saved_model.pb", "all/base/1/saved_model.pb")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as error:
        model_sources(folders)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["newest", "latest:0", "latest:", "3,", "-1", "3;5", ""])
def test_other_version_policies_are_refused(text):
    with pytest.raises(UserError, match=r"Expected --versions latest, latest:N, all or numbers such as 3,5"):
        parse_policy(text)


def test_labels_that_would_be_ignored_are_refused(tmp_path):
    make(tmp_path, "first/1/saved_model.pb", "second/1/saved_model.pb")
    with pytest.raises(UserError, match=r"Expected each label once. Received: 'm:canary=2' after version 1\."):
        parse_policy("latest", ["m:canary=1", "canary=2", "m:canary=2"])
    with pytest.raises(UserError, match=r"served: first, second. Received: 'frist'\. Did you mean 'first'\?"):
        open_service([str(tmp_path)], policy=parse_policy("latest", ["second:canary=1", "frist:canary=1"]))


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_times_that_are_none_are_refused(tmp_path, seconds):
    make(tmp_path, "m/1/saved_model.pb")
    with pytest.raises(UserError, match="Expected --poll-seconds above 0, and finite. Received: "):
        open_service([str(tmp_path / "m")], poll_seconds=seconds)
    with pytest.raises(UserError, match="Received: request_timeout="):
        ServerSettings(request_timeout=seconds)


@pytest.mark.parametrize("label", ["canary", "canary=x", "=3", "a/b=3", "a:b:c=3"])
def test_other_labels_are_refused(label):
    with pytest.raises(UserError, match="Expected a label such as canary=2"):
        parse_policy("latest", [label])
