"""Chat templates as transformers renders them, and templates that fail, never end or fill the memory."""

import time

import pytest

from zoo.data.chat_template import render, with_special_tokens

QUESTION = [{"role": "user", "content": "Where is my bike?"}]
TALK = [
    {"role": "system", "content": "Be < brief"},
    {"role": "user", "content": " a\n b "},
    {"role": "assistant", "content": "x"},
]
INDENTED = """{%- if messages[0].role == 'system' %}
    {{- '<|sys|>' + messages[0].content + '\\n' }}
{%- endif %}
{% for message in messages %}
    {% if message.role == 'user' %}
<|user|>{{ message.content }}
    {% elif message.role == 'assistant' %}
<|bot|>{{ message.content }}
    {% endif %}
{% endfor %}
{% if add_generation_prompt %}
<|bot|>
{%- endif %}
"""
TEMPLATES = {
    "indented": INDENTED,
    "lines": "\n{% for m in messages %}\n<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{% if tools %}t{% endif %}\n\n",
    "begin": "  {% if bos_token is defined %}{{ bos_token }}{% endif %}\n{{ eos_token }}{{ messages | length }}",
    "tags": "{% for m in messages %}{% generation %}{% set k = 1 %}{{ m | tojson }}{% endgeneration %}{{ k }}"
    "{% if loop.last %}{% break %}{% endif %}{% continue %}{% endfor %}",
    "functions": "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + loop.index %}{{ m.none }}"
    "{{ m.content | trim ~ loop.length ~ '\u00e9<' }}{% endfor %}{{ ns.n }}{{ strftime_now('%Y') }}"
    "{{ tools is defined }}"
    "{{ {'b': 1, 'a': ['\u00e9']} | tojson(indent=2) }}{{ '{:>5}|%s'.format(1) }}{{ 'a' * 3 }}{{ documents is none }}",
}


@pytest.mark.parametrize("prompt", [True, False])
@pytest.mark.parametrize("messages", [QUESTION, TALK])
@pytest.mark.parametrize("name", TEMPLATES)
def test_the_text_is_that_of_transformers(name, messages, prompt):
    transformers = pytest.importorskip("transformers")
    import tokenizers

    backend = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<s>": 0, "</s>": 1}, unk_token="<s>"))
    roles = {"bos_token": "<s>", "eos_token": "</s>"}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **roles)
    template = TEMPLATES[name]
    expected = tokenizer.apply_chat_template(
        messages, chat_template=template, tokenize=False, add_generation_prompt=prompt
    )
    assert render(messages, with_special_tokens(template, roles), prompt) == expected


DOUBLED = "{% set ns = namespace(x='a') %}{% for i in range(60) %}{% set ns.x = GROW %}{% endfor %}{{ ns.x }}"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ 1 / 0 }}", "ZeroDivisionError: division by zero"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "RecursionError"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "RecursionError|MemoryError|SyntaxError"),
        ("{{ raise_exception('no\nsystem') }}", "fails: no system"),
        ("{{ messages.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 + 'a' }}", "TypeError"),
        ("{% include 'x' %}", "no loader"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "more than 200,000 steps"),
        ("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}", "200,000 steps"),
        ("{% for a in range(9999) %}{{ range(99999) | sum }}{% endfor %}", "more than 200,000 steps"),
        ("{{ 'a' * 9000000000 }}", "more than 10,000,000 characters"),
        ("{{ 'a'.ljust(9000000000) }}{{ x }}", "more than 10,000,000 characters"),
        ("{{ 'a' | center(9000000000) }}", "more than 10,000,000 characters"),
        ("{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}", "more than 10,000,000 characters"),
        ("{{ '%9000000000d' % 1 }}", "more than five digits"),
        ("{{ '{:>{}}'.format(1, 900000000) }}", "a width that is an argument"),
        (DOUBLED.replace("GROW", "ns.x + ns.x"), "more than 10,000,000 characters"),
        (DOUBLED.replace("GROW", "ns.x ~ ns.x"), "more than 10,000,000 characters"),
        (DOUBLED.replace("GROW", "[ns.x, ns.x]"), "more than 10,000,000 characters"),
    ],
)
def test_a_template_that_fails_is_one_line(template, reason):
    start = time.monotonic()
    with pytest.raises(ValueError, match=reason) as error:
        render(QUESTION, template, True)
    assert "\n" not in str(error.value)
    assert time.monotonic() - start < 20
