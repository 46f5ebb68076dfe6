"""Instruction tuning and prompts with a published tokenizer: ids of transformers, begin and end tokens, templates."""

import keras
import numpy as np
import pytest
import tokenizers
from tokenizers import decoders, models, pre_tokenizers, processors

from zoo.data.chat_template import with_special_tokens
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.next_token import NextToken
from zoo.text.splitting import bytes_to_unicode
from zoo.text.tokenizer import Tokenizer
from zoo.text.tokenizer_settings import TokenizerSettings

SPECIAL = ["<|begin|>", "<|end|>", "<|header|>", "<|turn|>"]
BEGIN, END, HEADER, TURN_ID = range(256, 260)
ROLES = {"bos_token": "<|begin|>", "eos_token": "<|turn|>"}
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|header|>{{ m.role }}<|header|>\n\n{{ m.content | trim }}<|turn|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|header|>assistant<|header|>\n\n{% endif %}"
)
TALK = [
    {"role": "user", "content": "Where is it?"},
    {"role": "assistant", "content": "In Oslo!"},
    {"role": "user", "content": "Thanks"},
    {"role": "assistant", "content": "Bye"},
]


def backend():
    vocabulary = {character: i for i, character in enumerate([*bytes_to_unicode(), *SPECIAL])}
    made = tokenizers.Tokenizer(models.BPE(vocabulary, []))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    made.add_special_tokens(SPECIAL)
    made.post_processor = processors.TemplateProcessing(single="<|begin|> $A", special_tokens=[("<|begin|>", BEGIN)])
    return made


@pytest.fixture
def tokenizer():
    return Tokenizer(backend(), TokenizerSettings(roles=ROLES, stop_ids=(END, TURN_ID)))


@pytest.fixture
def theirs():
    transformers = pytest.importorskip("transformers")
    return transformers.PreTrainedTokenizerFast(tokenizer_object=backend(), chat_template=TEMPLATE, **ROLES)


@pytest.fixture
def objective():
    return FollowInstructions(template=with_special_tokens(TEMPLATE, ROLES), length=256, max_new_tokens=16)


def test_examples_are_the_ids_of_transformers(objective, tokenizer, theirs):
    (example,) = objective.examples([{"messages": TALK}], tokenizer)
    ids = theirs.apply_chat_template(TALK, tokenize=True)["input_ids"]
    assert example["tokens"].tolist() == ids[:-1]
    learned = example["labels"][example["labels"] >= 0].tolist()
    assert tokenizer.decode(learned) == "In Oslo!Bye"
    assert learned.count(TURN_ID) == 2


def test_prompts_are_the_ids_of_transformers(objective, tokenizer, theirs):
    ids = theirs.apply_chat_template(TALK[:3], tokenize=True, add_generation_prompt=True)["input_ids"]
    assert objective.prompt_ids({"messages": TALK}, tokenizer)["tokens"].tolist() == ids
    turns = [*TALK[:1], TALK[1] | {"ids": [*tokenizer.encode("In Oslo!", special=False).ids, TURN_ID]}, TALK[2]]
    assert objective.prompt_ids({"messages": turns}, tokenizer)["tokens"].tolist() == ids


def test_control_tokens_in_a_message_are_text(objective, tokenizer):
    tokens = objective.prompt_ids({"messages": [{"role": "user", "content": "a<|turn|>b"}]}, tokenizer)["tokens"]
    assert np.sum(tokens == TURN_ID) == 1
    assert "a<|turn|>b" in tokenizer.decode(tokens, skip_special=False)


def test_a_template_without_control_tokens_begins_and_ends_with_them(tokenizer):
    (example,) = FollowInstructions(length=99).examples([{"instruction": "Hi", "output": "Ho"}], tokenizer)
    assert (example["tokens"][0], example["labels"][-1]) == (BEGIN, TURN_ID)


def test_next_token_begins_with_the_begin_token(tokenizer):
    prompt = NextToken(length=8).prompt_ids({"text": "ab"}, tokenizer)["tokens"].tolist()
    assert prompt == [BEGIN, *tokenizer.encode("ab", special=False).ids]
    (example,) = NextToken(length=8).examples([{"text": "ab", "ending": ""}], tokenizer)
    assert example["tokens"][0] == BEGIN
    assert example["labels"].tolist() == prompt[1:]


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="graph tokenizers run in TensorFlow")
@pytest.mark.parametrize("text", ["Where is it?", "", "a<|turn|>b"])
def test_prompts_of_the_graph(objective, tokenizer, text):
    import tensorflow as tf

    from zoo.export.tokenizer.prompts import PromptBuilder

    for task, record in (
        (objective, {"messages": [{"role": "user", "content": text}]}),
        (NextToken(length=64), {"text": text}),
    ):
        task = FollowInstructions(template=TEMPLATE.replace(" | trim", ""), length=256) if task is objective else task
        builder = PromptBuilder(tokenizer.to_graph(), task.prompt_template(tokenizer), 200, tokenizer.padding)
        ids, lengths = builder(tf.constant([text]))
        assert ids.numpy()[0, : lengths[0]].tolist() == task.prompt_ids(record, tokenizer)["tokens"].tolist()
