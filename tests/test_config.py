"""Presets as JSON and as assignments."""

from dataclasses import replace

import pytest

from zoo import catalog, config
from zoo.architectures import bert, gpt2
from zoo.presets import Preset


@pytest.mark.parametrize("name", catalog.names("presets"))
def test_every_preset_survives_json(name):
    preset = catalog.load("presets", name)
    assert isinstance(preset, Preset)
    assert config.from_json(config.to_json(preset)) == preset


def test_fields_are_overridden_by_path(tiny):
    changed = config.override(
        tiny,
        [
            "training.max_steps=50",
            "architecture.kernels=3,4",
            "objective.multi_label=true",
            "data.columns.text=sentence",
        ],
    )
    assert changed.training.max_steps == 50
    assert changed.architecture.kernels == (3, 4)
    assert changed.objective.multi_label is True
    assert changed.data.columns == {"text": "sentence"}
    assert config.differences(tiny, changed) == [
        *("architecture.kernels", "data.columns", "data.columns.text", "objective.multi_label", "training.max_steps")
    ]


def test_a_part_is_replaced_by_another_with_its_defaults(tiny):
    changed = config.override(tiny, ["architecture=averaging", "architecture.width=7"])
    assert changed.architecture == replace(catalog.load("architectures", "averaging")(), width=7)


def test_a_named_size_replaces_a_part(tiny):
    changed = config.override(tiny, ["architecture=bert:small", "architecture.dropout=0.2"])
    assert changed.architecture == replace(bert.SMALL, dropout=0.2)
    assert config.override(tiny, ["architecture=gpt2"]).architecture == gpt2.TINY


def test_fields_that_hang_together_are_checked_after_all_are_set(tiny):
    settings = ["architecture=lstm", "architecture.tied=true", "architecture.bidirectional=false"]
    changed = config.override(tiny, [*settings, "architecture.width=24", "architecture.units=24"])
    assert changed.architecture.width == changed.architecture.units == 24
    with pytest.raises(ValueError, match="width"):
        config.override(tiny, [*settings, "architecture.width=24", "architecture.units=25"])


def test_values_have_the_annotated_type_whatever_their_default(tiny):
    changed = config.override(tiny, ["objective.labels=a,b", "objective.pooling=max", "training.learning_rate=1"])
    assert changed.objective.labels == ("a", "b")
    assert changed.objective.pooling == "max"
    assert changed.training.learning_rate == 1.0
    assert config.override(changed, ["objective.pooling=none", "objective.labels="]) == replace(
        changed, objective=replace(changed.objective, pooling=None, labels=())
    )


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.stepz=5", r"Unknown field 'training.stepz'. Received: 'stepz'. Did you mean 'max_steps'\?"),
        ("trainin.steps=5", r"Unknown field 'trainin.steps'. Received: 'trainin'. Did you mean 'training'\?"),
        ("training.max_steps=many", r"Expected a whole number for training.max_steps. Received: 'many'."),
        ("objective.multi_label=maybe", r"Expected true or false for objective.multi_label. Received: 'maybe'."),
        ("training.max_steps", r"Expected path.to.field=value. Received: 'training.max_steps'."),
        ("architecture=bert:tinny", r"Unknown size of bert. Received: 'tinny'. Did you mean 'tiny'\?"),
        ("architecture.causal=true", r"Unknown field 'architecture.causal'. Received: 'causal'"),
        ("architecture=text_cn", r"Unknown architecture. Received: 'text_cn'. Did you mean 'text_cnn'\?"),
        ("training=fast", r"Expected a field of training, as in training.FIELD=value. Received: training=fast."),
        ("training.max_steps.more=1", r"'max_steps.more' goes too deep: 'max_steps' is a value."),
    ],
)
def test_mistakes_name_the_nearest_legal_thing(tiny, assignment, message):
    with pytest.raises(ValueError, match=message):
        config.override(tiny, [assignment])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"format": 2',
            '"format": 1',
            "Expected preset format 2. Received: 1, written by zoo .*. Train the model again",
        ),
        (
            '"name": "text_cnn"',
            '"name": "text_cmm"',
            "Unknown architecture. Received: 'text_cmm'. Did you mean 'text_cnn'",
        ),
        ('"filters"', '"filterz"', "Unknown field of architecture. Received: 'filterz'. Did you mean 'filters'"),
        ('"training"', '"trainings"', "Expected the parts of a preset. Received: none for training."),
        ("{", "", "Expected the JSON of a preset."),
        ('"lora": {', '"lora": 8, "note": {', "Expected a JSON object with the fields of lora. Received: lora=8"),
    ],
)
def test_a_preset_file_that_is_not_ours(tiny, old, new, message):
    with pytest.raises(ValueError, match=message):
        config.from_json(config.to_json(tiny).replace(old, new, 1))


@pytest.mark.parametrize("order", [1, -1])
def test_fields_that_hang_together_are_changed_together(order):
    """A tied output layer needs width and units to be equal."""
    preset = catalog.load("presets", "lstm_helpdesk_next_token")
    changed = config.override(preset, ["architecture.width=24", "architecture.units=24"][::order])
    assert (changed.architecture.width, changed.architecture.units) == (24, 24)
    with pytest.raises(ValueError, match="width and units"):
        config.override(preset, ["architecture.width=24"])
