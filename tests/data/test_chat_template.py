"""Chat templates: rendering, pairs of prompt and answer, affixes of a prompt, mistakes."""

import pytest

from zoo.data.chat_template import CHATML, check_template, messages_of, prompt_affixes, prompt_answer_pairs, render

TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi?"},
    {"role": "assistant", "content": "Hello."},
    {"role": "user", "content": "Bye?"},
    {"role": "assistant", "content": "Ciao."},
]


def test_plain():
    assert prompt_answer_pairs(TALK, "plain") == [
        ("Be brief.\nUser: Hi?\nAssistant: ", "Hello.\n"),
        ("User: Bye?\nAssistant: ", "Ciao.\n"),
    ]


def test_chatml():
    first, second = prompt_answer_pairs(TALK, "chatml")
    assert first[1] == "Hello.<|im_end|>\n"
    assert second[0] == "<|im_start|>user\nBye?<|im_end|>\n<|im_start|>assistant\n"


@pytest.mark.parametrize("template", ["plain", "chatml", CHATML])
def test_prompts_and_answers_are_the_conversation(template):
    assert "".join(text for pair in prompt_answer_pairs(TALK, template) for text in pair) == render(
        TALK, template, False
    )


def test_a_record_is_a_conversation():
    record = {"instruction": "Translate.", "input": "Hund", "output": "dog"}
    assert messages_of(record) == [
        {"role": "user", "content": "Translate.\n\nHund"},
        {"role": "assistant", "content": "dog"},
    ]
    assert messages_of({"instruction": "Go.", "input": ""}) == [{"role": "user", "content": "Go."}]
    assert messages_of({"messages": TALK}) is TALK


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("chatlm", "one of plain, chatml. Received: template='chatlm'"),
        ("{{ message.text }}", "'message' is undefined"),
        ("{% for m in messages %}{{ m.contents }}{% endfor %}", "writes every message's content"),
        ("{% for m in messages %}", "fails: "),
        ("{{ messages | length }} {{ add_generation_prompt }}", "word for word"),
        ("{{ messages[0].role }}", "writes every message's content"),
        ("{{ messages.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_templates_that_do_not_work(template, reason):
    with pytest.raises(ValueError, match=reason):
        check_template(template)


@pytest.mark.parametrize("template", ["plain", "chatml"])
def test_affixes_of_a_prompt(template):
    prefix, suffix = prompt_affixes(template)
    question = " two\n\nlines {{ x }}"
    assert prefix + question + suffix == render([{"role": "user", "content": question}], template, True)


@pytest.mark.parametrize("change", ["message.content | trim", "message.content | upper", "message.content * 2"])
def test_a_template_that_changes_a_question_has_no_affixes(change):
    with pytest.raises(ValueError, match="Expected a template that writes a question as it is"):
        prompt_affixes("{% for message in messages %}{{ " + change + " }}\n{% endfor %}")
