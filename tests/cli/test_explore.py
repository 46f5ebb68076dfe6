"""`zoo explore`: one page of some texts, a summary of the answers, and what is refused before a model is loaded."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from zoo.cli import explore_command
from zoo.explore.explanation_page import Explanation
from zoo.explore.views import Attribution, AttributionMethod, ModelExplanation, TextExplanation, Token
from zoo.pipeline.pipeline import Pipeline

PAGE = "<!doctype html>"


@dataclass
class FakeExplain:
    """In place of `Pipeline.explain`: what a tiny model would have."""

    calls: list = field(default_factory=list)

    def __call__(self, pipeline, texts, compare=None, **options):
        self.calls.append((texts, options))
        models = [self._model(each, texts) for each in (pipeline, compare) if each]
        return Explanation(models, notes=["Left out: beams."])

    def _model(self, pipeline, texts):
        records = pipeline.objective.fields.records(texts)
        answers = [pipeline.objective.format(answer) for answer in pipeline.answers(records)]
        return ModelExplanation(
            pipeline.folder.name,
            "classify_text",
            "averaging",
            [self._text(record, answer) for record, answer in zip(records, answers, strict=True)],
        )

    def _text(self, record, answer):
        words = " ".join(record.values()).split()
        tokens = [Token("[CLS]", special=True), *(Token(f" {word}") for word in words)]
        values = np.array([np.arange(len(tokens)), np.zeros(len(tokens))])
        methods = [AttributionMethod(name, {"tokens": values}) for name in ("integrated gradients", "occlusion")]
        attribution = Attribution(["label good", "label bad"], np.zeros(2), [0], [0, 0], methods)
        return TextExplanation(record, answer, {"tokens": tokens}, attribution=attribution)


@pytest.fixture
def explain_calls(monkeypatch):
    """The calls of `explain`."""
    explain = FakeExplain()
    monkeypatch.setattr(Pipeline, "explain", lambda *args, **options: explain(*args, **options))
    return explain.calls


def test_a_page_and_a_summary(cli, model_folder, explain_calls):
    result = cli("explore", model_folder, "a great film", "an awful film", "--to", "page.html")
    assert result.status == 0
    assert Path("page.html").read_text().startswith(PAGE)
    first, tokens, *others = result.out.splitlines()
    assert first.startswith("good ")
    assert first.endswith("  a great film")
    assert tokens == "  strongest tokens: film +3  great +2  a +1"
    assert len(others) == 2
    assert result.err.splitlines() == ["Left out: beams.", "Saved in page.html."]
    assert "Replaced page.html." in cli("explore", model_folder, "a great film", "--to", "page.html").err
    texts, options = explain_calls[0]
    assert texts == ["a great film", "an awful film"]
    assert options == {"layers": (), "heads": (), "corpus": None, "tagger": None, "max_new_tokens": 16, "beams": 4}


def test_the_page_is_in_the_model_folder(cli, model_folder, explain_calls):
    page = model_folder / "explore.html"
    assert cli("explore", model_folder, "a great film").status == 0
    assert page.read_text().startswith(PAGE)
    assert cli("predict", model_folder, "a great film").status == 0
    page.unlink()


def test_json_lines(cli, model_folder, explain_calls):
    result = cli("explore", model_folder, "a great film", "--compare", model_folder, "--json", "--to", "page.html")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [row["model"] for row in rows] == ["tiny", "tiny"]
    assert rows[0]["text"] == "a great film"
    assert rows[0]["answer"].startswith("good")
    assert rows[0]["strongest_tokens"] == [["film", 3.0], ["great", 2.0], ["a", 1.0]]
    assert rows[0]["page"] == "page.html"


def test_options(cli, model_folder, explain_calls):
    Path("texts.tsv").write_text("sentence\na great film\n")
    options = ["--corpus", "texts.tsv", "--layers", "3, 7", "--heads", "3.5,3.0", "--tagger", "tagger"]
    options += ["--neurons", "0", "--mask", "1,2", "--max-new-tokens", "3", "--to", "page.html"]
    result = cli("explore", model_folder, "--file", "texts.tsv", "--columns", "text=sentence", *options)
    assert result.status == 0
    ((texts, received),) = explain_calls
    assert texts == ["a great film"]
    searched = {"corpus": "texts.tsv", "layers": (3, 7), "heads": ((3, 5), (3, 0)), "tagger": Path("tagger")}
    assert received == searched | {"neurons": (0,), "mask": (1, 2), "max_new_tokens": 3, "beams": 4}
    cli("explore", model_folder, "a film", "--mask", "none", "--neurons", "none", "--to", "page.html")
    assert (explain_calls[1][1]["mask"], explain_calls[1][1]["neurons"]) == ((), ())


def test_pairs(cli, pair_folder, explain_calls, check_refused):
    result = cli("explore", pair_folder, "a film", "the film", "--to", "page.html")
    assert explain_calls[0][0] == [("a film", "the film")]
    assert result.out.splitlines()[0].endswith("  a film | the film")
    Path("page.html").unlink()
    check_refused("Expected text and text_pair", cli, "explore", pair_folder, "a film", "--to", "page.html")


def test_texts_that_are_cut_are_said(cli, model_folder, explain_calls):
    result = cli("explore", model_folder, "film " * 40, "--to", "page.html")
    assert "Truncated: 1 of 1 texts are longer than 16 tokens (objective.length)." in result.err


def test_a_browser_opens_where_a_display_is(cli, model_folder, explain_calls, monkeypatch):
    pages = []
    monkeypatch.setattr(explore_command.webbrowser, "open", pages.append)
    monkeypatch.setattr(explore_command.sys, "platform", "linux")
    for name in explore_command.DISPLAYS:
        monkeypatch.delenv(name, raising=False)
    command = ("explore", model_folder, "a film", "--to", "page.html")
    assert "no display" in cli(*command, "--open").err
    monkeypatch.setenv("DISPLAY", ":0")
    cli(*command)  # standard output is no terminal
    cli(*command, "--no-open")
    assert pages == []
    cli(*command, "--open")
    assert pages == [Path("page.html").resolve().as_uri()]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--file", "a.txt"], "Expected texts or --file, not both. Received: 1 texts and --file a.txt."),
        (["a", "--layers", "3"], "Expected --corpus beside --layers. Received: --layers 3 alone."),
        (["a", "--tagger", "folder"], "Expected --corpus beside --tagger."),
        (
            ["a", "--corpus", "c.txt", "--layers", "three"],
            "Expected numbers such as 3,7 in --layers. Received: 'three'.",
        ),
        (["a", "--corpus", "c.txt", "--heads", "3"], "Expected heads as LAYER.HEAD, such as 3.5,3.0"),
        (["a", "--mask", "-1"], "Expected numbers such as 3,7 in --mask."),
        (["a", "--to", "page.pdf"], "Expected a .html file in --to. Received: page.pdf. The nearest: page.html."),
        (["a", "--to", "missing/page.html"], "missing/page.html, where missing is no folder."),
        (["a", "--compare", "missing"], "missing"),
    ],
)
def test_mistakes(cli, model_folder, explain_calls, check_refused, arguments, message):
    to = [] if "--to" in arguments else ["--to", "page.html"]
    check_refused(message, cli, "explore", model_folder, *arguments, *to)


def test_no_text_is_refused(cli, model_folder, check_refused):
    check_refused("Expected a text to explain. Received: none.", cli, "explore", model_folder, "--to", "page.html")


def test_strongest_tokens_of_terms_and_of_nothing():
    text = SimpleNamespace(attribution=None, terms=None)
    assert explore_command.strongest_tokens(text) == []
    text.attribution = SimpleNamespace(chosen=[1], methods=[])
    assert explore_command.strongest_tokens(text) == []
    text.terms = SimpleNamespace(terms=["a film", "film"], contribution=np.array([[9, 9], [1, -2]]))
    assert explore_command.strongest_tokens(text) == [("film", -2.0), ("a film", 1.0)]
