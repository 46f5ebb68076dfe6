"""Columns of a run: which mapping reaches which data, and settings and errors that follow from a mapped field."""

import dataclasses

import pytest

import zoo
from zoo import catalog
from zoo.data.fields import FIELDS
from zoo.presets import Data
from zoo.readers.memory import to_spec
from zoo.runtime.errors import UserError
from zoo.training.data_columns import reading_objective
from zoo.training.setup import resolve_preset

TABLES = {
    "own.tsv": "text\tlabel\ngood film\tyes\n",
    "mapped.tsv": "tokens\tintent\ngood film\tyes\n",
    "both.tsv": "text\tlabel\tintent\ngood film\tyes\tno\n",
}


@pytest.fixture
def tables(tmp_path):
    for name, content in TABLES.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def resolve(preset, data=None, columns=None, *overrides):
    return resolve_preset(preset, to_spec(data), columns, list(overrides))[1]


@pytest.mark.parametrize(
    ("name", "columns"),
    [("own.tsv", {}), ("mapped.tsv", {"text": "tokens", "label": "intent"}), ("both.tsv", {})],
)
def test_a_mapping_of_a_preset_reaches_only_data_that_needs_it(tables, name, columns, capsys):
    assert resolve("mlp_snips", tables / name).data.columns == columns
    assert ("text from 'tokens'" in capsys.readouterr().err) == bool(columns)


def test_a_preset_keeps_its_mapping_for_its_own_data(tables):
    name = "lstm_cnn_helpdesk_classify_and_tag"
    assert resolve(name).data.columns == {"label": "intent"}
    assert resolve(name, "sample:helpdesk#train").data.columns == {"label": "intent"}
    assert resolve(name, tables / "both.tsv").data.columns == {}


def test_columns_of_the_user_take_the_place_of_the_preset_s(tables):
    assert resolve("mlp_snips", tables / "both.tsv", {"label": "intent"}).data.columns == {"label": "intent"}
    changed = resolve("mlp_snips", tables / "both.tsv", None, "data.columns.label=intent")
    assert changed.data.columns == {"label": "intent"}


def test_a_mapped_field_turns_on_the_setting_that_reads_it(capsys):
    columns = {"text": "subject", "text_pair": "body", "label": "y"}
    assert resolve("text_cnn_sst2", "data.tsv", columns).objective.pair
    assert "objective.pair=True" in capsys.readouterr().err
    assert resolve("text_cnn_sst2", "data.tsv", {"labels": "y"}).objective.multi_label
    with pytest.raises(UserError, match=r"reads: text, label\. Received: 'text_pair'"):
        resolve("text_cnn_sst2", "data.tsv", columns, "objective.pair=False")
    with pytest.raises(UserError, match=r"reads: text, labels\. Received: 'label'"):
        resolve("text_cnn_sst2", "data.tsv", {"labels": "y", "label": "z"})


@pytest.mark.parametrize("name", catalog.names("objectives"))
def test_every_objective_refuses_fields_that_it_does_not_read(name):
    objective = catalog.create("objectives", name)
    read = objective.fields.train
    assert reading_objective(objective, dict.fromkeys(read, "column")) == objective
    unread = [field for field in FIELDS if field not in (*read, *objective.reads_by)]
    assert unread
    for field in unread:
        with pytest.raises(UserError, match=f"reads: {', '.join(read)}. Received: '{field}'"):
            reading_objective(objective, {field: "column"})
    for field in objective.reads_by:
        assert field in reading_objective(objective, {field: "column"}).fields.train


def test_own_presets_with_a_field_that_is_not_read_are_refused(tiny):
    preset = dataclasses.replace(tiny, data=Data(spec=tiny.data.spec, columns={"text_pair": "x"}))
    with pytest.raises(UserError, match="reads: text, label"):
        resolve(preset)


def test_a_model_reads_other_data_by_its_standard_names(reviews, tmp_path, tiny):
    rows = [line.split("\t") for line in (reviews / "train.tsv").read_text().splitlines()[1:]]
    table = tmp_path / "reviews.tsv"
    table.write_text("body\ty\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
    preset = dataclasses.replace(tiny, training=dataclasses.replace(tiny.training, epochs=1))
    pipeline = zoo.train(preset, to=tmp_path / "m", data=table, columns={"text": "body", "label": "y"})
    (tmp_path / "lines.txt").write_text("a great film\n")
    (tmp_path / "mapped.tsv").write_text("text\tbody\nno\ta great film\n")
    for name in ("lines.txt", "mapped.tsv"):
        assert [record["text"] for record in pipeline.records_of(tmp_path / name)] == ["a great film"]
    assert pipeline.evaluate(reviews)  # columns text and label
    assert pipeline.evaluate(table, columns={"text": "body", "label": "y"})
    (tmp_path / "other.tsv").write_text("x\ny\n")
    with pytest.raises(UserError, match="Expected a column 'body' in the header"):
        list(pipeline.records_of(tmp_path / "other.tsv"))
    with pytest.raises(UserError, match="reads: text, label. Received: 'source'"):
        list(pipeline.records_of(table, {"source": "body"}))
