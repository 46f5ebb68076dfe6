"""Recipes: presets that are legal for every kind of data, chosen by rows, lengths, pretrained weights and budget."""

from dataclasses import replace

import pytest

from zoo import catalog, config
from zoo.architectures.bert import BERT
from zoo.architectures.gpt2 import GPT2
from zoo.architectures.lstm import LSTM
from zoo.architectures.mlp import MLP
from zoo.architectures.t5 import T5
from zoo.data.statistics import DataStatistics, LengthPercentiles
from zoo.recipes import Resources
from zoo.runtime.errors import UserError
from zoo.training.finetuning import check_tuning
from zoo.training.setup import check_lora, check_training

FIELDS = {
    "classify_text": ("text", "label"),
    "classify_and_tag": ("tokens", "label", "tags"),
    "tag_tokens": ("tokens", "tags"),
    "find_span": ("context", "question", "answers"),
    "translate": ("source", "target"),
    "next_token": ("text",),
    "follow_instructions": ("instruction", "input", "output"),
    "embed_text": ("text", "text_pair"),
    "score_pair": ("text", "text_pair", "label"),
}
ENCODER = BERT(width=384, depth=6, heads=12, hidden=1536, length=512)
NETWORKS = {"translate": T5(), "next_token": GPT2(), "follow_instructions": GPT2()}


def statistics(fields, rows=1000, words=12, labels=("a", "b", "c")):
    texts = [field for field in fields if field not in ("label", "tags", "answers")]
    return DataStatistics(
        rows={"train": rows, "validation": rows // 10},
        fields=fields,
        words={field: LengthPercentiles(words, 2 * words, 3 * words) for field in texts},
        characters={field: LengthPercentiles(6 * words, 12 * words, 18 * words) for field in texts},
        label_counts={
            field: {label: rows // len(labels) for label in labels} for field in ("label", "tags") if field in fields
        },
    )


def choose(recipe, data=None, **resources):
    return catalog.load("recipes", recipe)().choose(data or statistics(FIELDS[recipe]), Resources(**resources))


def test_every_recipe_has_fields_here():
    assert FIELDS.keys() == set(catalog.names("recipes"))


@pytest.mark.parametrize("words", [3, 40, 700])
@pytest.mark.parametrize("rows", [30, 1000, 200_000])
@pytest.mark.parametrize("name", FIELDS)
def test_a_preset_from_scratch_is_legal_for_data_of_every_size(name, rows, words):
    choice = choose(name, statistics(FIELDS[name], rows, words))
    preset = choice.preset
    check_training(preset.training)
    check_lora(preset)
    check_tuning(preset)
    preset.objective.check_architecture(preset.architecture)
    assert config.from_json(config.to_json(preset)) == preset
    assert choice.reasons
    assert choice.reasons[0].startswith("trains from scratch: no pretrained weights")


@pytest.mark.parametrize("name", FIELDS)
def test_pretrained_weights_are_fine_tuned_where_they_suit(name):
    network = NETWORKS.get(name, ENCODER)
    choice = choose(name, init="FOLDER", name="FOLDER", pretrained=network, gpu=True)
    assert choice.preset.training.init == "FOLDER"
    assert choice.preset.architecture == network
    assert choice.reasons[0] == "fine-tunes FOLDER"
    choice.preset.objective.check_architecture(network)
    check_tuning(choice.preset)


def test_an_encoder_is_not_fine_tuned_to_generate():
    choice = choose("next_token", init="FOLDER", name="FOLDER", pretrained=ENCODER)
    assert not choice.preset.training.init
    assert "FOLDER does not suit" in choice.reasons[0]


def test_weights_that_the_user_asked_for_are_always_used():
    weights = {"init": "FOLDER", "name": "FOLDER", "pretrained": ENCODER, "requested": True}
    data = statistics(FIELDS["classify_text"], rows=50_000, words=100)
    assert choose("classify_text", data, budget=10, tokens_per_word=9.0, **weights).preset.training.epochs == 1
    with pytest.raises(UserError, match="causal"):
        choose("next_token", **weights)


@pytest.mark.parametrize("network", [MLP(), LSTM(bidirectional=True)])
def test_networks_without_blocks_are_fine_tuned_too(network):
    choice = choose("classify_text", init="FOLDER", name="FOLDER", pretrained=network, requested=True)
    assert choice.preset.training.init == "FOLDER"


def test_the_budget_decides_between_fine_tuning_and_scratch():
    data = statistics(FIELDS["classify_text"], rows=50_000, words=100)
    weights = {"init": "FOLDER", "name": "FOLDER", "pretrained": ENCODER}
    short, long = (choose("classify_text", data, budget=budget, **weights) for budget in (60, 86_400))
    assert not short.preset.training.init
    assert "--budget" in short.reasons[0]
    assert long.preset.training.init
    middle = choose("classify_text", data, budget=20_000, **weights)
    assert 2 <= middle.preset.training.epochs <= long.preset.training.epochs


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_the_budget_bounds_training_from_scratch(name):
    data = statistics(FIELDS[name], rows=200_000, words=10)
    training = [choose(name, data, budget=budget).preset.training for budget in (1, 400, 1e9)]
    lengths = [settings.max_steps or settings.epochs for settings in training]
    assert lengths[0] <= lengths[1] <= lengths[2]
    assert lengths[0] < lengths[2]


def test_weights_of_another_language_are_not_used():
    choice = choose("classify_text", init="FOLDER", name="FOLDER", pretrained=ENCODER, tokens_per_word=4.0)
    assert not choice.preset.training.init
    assert "another language" in choice.reasons[0]


def test_wide_networks_are_fine_tuned_at_a_lower_rate():
    small, base, large = (
        choose(
            "classify_text", init="FOLDER", name="FOLDER", pretrained=replace(ENCODER, width=width), gpu=True
        ).preset.training
        for width in (384, 768, 1024)
    )
    assert small.learning_rate > base.learning_rate > large.learning_rate


def test_half_precision_where_the_processor_computes_in_it():
    weights = {"init": "FOLDER", "name": "FOLDER", "pretrained": ENCODER}
    assert choose("classify_text", bfloat16=True, **weights).preset.training.precision == "mixed_bfloat16"
    assert choose("classify_text", bfloat16=False, **weights).preset.training.precision == "float32"


def test_long_texts_are_bags_of_words_and_short_ones_of_characters():
    short, long = (choose("classify_text", statistics(FIELDS["classify_text"], words=words)) for words in (8, 200))
    assert catalog.name_of("tokenizers", short.preset.tokenizer) == "characters"
    assert catalog.name_of("tokenizers", long.preset.tokenizer) == "words"
    assert long.preset.objective.length >= 400  # the 95th percentile


def test_spans_are_tagged_with_a_crf_and_parts_of_speech_without():
    tags = {"entities": ("O", "B-x", "I-x"), "parts of speech": ("NOUN", "VERB")}
    entities, speech = (choose("tag_tokens", statistics(("tokens", "tags"), labels=names)) for names in tags.values())
    assert entities.preset.objective.crf
    assert not speech.preset.objective.crf


def test_pairs_and_several_labels():
    pair = choose("classify_text", statistics(("text", "text_pair", "label")))
    assert pair.preset.objective.pair
    multi_label = replace(statistics(("text", "labels")), label_counts={"labels": {"a": 3, "b": 4}})
    assert choose("classify_text", multi_label).preset.objective.multi_label
