"""Constrained decoding: automata, JSON schemas, token tables, and generated texts that fulfil a constraint."""

import json
import re
import sys
from functools import cache

import keras
import numpy as np
import pytest
from causal_models import text_generator
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import TRAINABLE, shrink

from zoo import catalog
from zoo.generation.constraints.automaton import from_choices, from_regex
from zoo.generation.constraints.json_schema import DEPTH, schema_to_regex
from zoo.generation.constraints.token_table import constraint_for
from zoo.generation.loop import token_generator
from zoo.objectives import build_model
from zoo.objectives.next_token import NextToken
from zoo.tokenizers.bytes import Bytes

TEXTS = ['a cat, a mat and "the" größte [1, 23] {"b": -4.5} true', "on the mat: null 67 890 aa bb ab €"]
LETTERS = ["a", "b", "ö", "€"]


def accepts(automaton, text):
    state = 0
    for byte in text.encode():
        state = automaton.transitions[state, byte]
        if state < 0:
            return False
    return bool(automaton.accepting[state])


def regexes():
    """Regular expressions that Python and Rust read alike."""
    parts = st.sampled_from([*LETTERS, ".", "[ab]", "[^a]", "[a-ö]"])
    return st.recursive(
        parts,
        lambda item: st.one_of(
            st.lists(item, min_size=1, max_size=3).map("".join),
            st.lists(item, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
            st.tuples(item, st.sampled_from("*+?")).map(lambda pair: f"(?:{pair[0]}){pair[1]}"),
            item.map(lambda part: f"(?:{part}){{1,2}}"),
        ),
        max_leaves=5,
    )


@given(regex=regexes(), texts=st.lists(st.text([*LETTERS, "c"], max_size=5), max_size=8))
def test_an_automaton_of_a_regex_accepts_what_it_matches(regex, texts):
    automaton = from_regex(regex)
    for text in texts:
        assert accepts(automaton, text) == bool(re.fullmatch(regex, text))


@given(choices=st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=6), text=st.text(LETTERS))
def test_an_automaton_of_choices_accepts_only_them(choices, text):
    automaton = from_choices(choices)
    assert all(accepts(automaton, choice) for choice in choices)
    assert accepts(automaton, text) == (text in choices)


@cache
def trained_tokenizer(name):
    return catalog.load("tokenizers", name)().train(TEXTS)


@pytest.mark.parametrize("name", TRAINABLE)
@given(data=st.data())
def test_token_bytes_add_up_to_the_decoded_text(name, data):
    tokenizer = trained_tokenizer(name)
    first, later = tokenizer.token_bytes
    ids = data.draw(
        st.lists(st.integers(0, tokenizer.vocabulary_size - 1).filter(lambda id: later[id]), min_size=1, max_size=8)
    )
    text_bytes = first[ids[0]] + b"".join(later[id] for id in ids[1:])
    assert tokenizer.decode(ids) == text_bytes.decode("utf-8", "replace")


def random_ids(constraint, max_tokens, random):
    """At most `max_tokens` ids of a random path through a constraint's table, without the stop id."""
    transitions, tokens_to_end = constraint.arrays["transitions"], constraint.arrays["tokens_to_end"]
    ids, state, end = [], 0, np.flatnonzero(tokens_to_end == 0)[-1]
    for new in range(max_tokens):
        next_states = transitions[state, constraint.arrays["classes"]]
        fits = tokens_to_end[np.maximum(next_states, 0)] < max_tokens - new
        token = random.choice(np.flatnonzero((next_states >= 0) & fits))
        state = next_states[token]
        if state == end:
            return ids
        ids.append(token)
    return ids


REGEX = "(a|the) (cat|mat)( and (a|the) mat)*"
CONSTRAINTS = {  # (arguments, regex of the texts), for texts that all tokenizers can spell: words with spaces between
    "choices": ({"choices": ("a mat", "the cat and")}, "a mat|the cat and"),
    "regex": ({"regex": REGEX}, REGEX),
    "characters": ({"regex": "[a-c].{2,5}"}, "[a-c].{2,5}"),
}


@pytest.mark.parametrize("key", CONSTRAINTS)
@pytest.mark.parametrize("name", TRAINABLE)
@given(seed=st.integers(0, 2**20), more=st.integers(0, 6))
@settings(max_examples=20)
def test_every_path_through_a_table_ends_in_a_match(key, name, seed, more):
    tokenizer, (arguments, regex) = trained_tokenizer(name), CONSTRAINTS[key]
    constraint = constraint_for(tokenizer, tokenizer.vocabulary_size + 3, **arguments)
    ids = random_ids(constraint, constraint.min_tokens + more, np.random.default_rng(seed))
    assert re.fullmatch(regex, tokenizer.decode(ids))


def schemas():
    sizes = st.tuples(st.integers(0, 2), st.integers(0, 2))
    leaves = st.one_of(
        st.sampled_from([{"type": "number"}, {"type": ["boolean", "null"]}, {"enum": ["ö", 3, None, [1.5]]}]),
        sizes.map(lambda n: {"type": "string", "minLength": n[0], "maxLength": sum(n)}),
        sizes.map(lambda n: {"type": "integer", "minimum": -n[0], "maximum": n[1]}),
        st.just({"$ref": "#/$defs/part"}),
    )
    return st.recursive(
        leaves, lambda item: st.one_of(_lists(item, sizes), _objects(item), _either(item)), max_leaves=4
    )


def _lists(item, sizes):
    return st.tuples(item, sizes).map(
        lambda pair: {"type": "array", "items": pair[0], "minItems": pair[1][0], "maxItems": sum(pair[1])}
    )


def _objects(item):
    properties = st.dictionaries(st.text('a"ö', max_size=2), item, min_size=1, max_size=3)
    return st.tuples(properties, st.sets(st.integers(0, 2))).map(
        lambda pair: {
            "type": "object",
            "properties": pair[0],
            "required": [name for i, name in enumerate(pair[0]) if i in pair[1]],
        }
    )


def _either(item):
    return st.lists(item, min_size=1, max_size=2).map(lambda parts: {"anyOf": parts, "title": "either"})


LOOP = {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}
PART = {"type": "object", "properties": {"x": {"const": 1}}, "required": ["x"], "additionalProperties": False}
JSON_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def is_valid(schema, value):
    """Whether a value is valid for a schema of the keywords of `schemas`, by the specification of JSON Schema."""
    if "$ref" in schema:
        return is_valid(PART, value)
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if "anyOf" in schema:
        return any(is_valid(item, value) for item in schema["anyOf"])
    type_name = schema["type"]
    if isinstance(type_name, list):
        return any(is_valid({"type": item}, value) for item in type_name)
    if type_name == "array":
        return (
            isinstance(value, list)
            and len(value) in _range(schema, "Items")
            and all(is_valid(schema["items"], item) for item in value)
        )
    if type_name == "object":
        properties, required = schema["properties"], set(schema.get("required", ()))
        complete = isinstance(value, dict) and required <= set(value) <= set(properties)
        return complete and all(is_valid(properties[name], item) for name, item in value.items())
    if type_name == "string":
        return isinstance(value, str) and len(value) in _range(schema, "Length")
    if type_name == "integer":
        return isinstance(value, int) and schema["minimum"] <= value <= schema["maximum"]
    return isinstance(value, JSON_TYPES[type_name])


def _range(schema, unit):
    return range(schema[f"min{unit}"], schema[f"max{unit}"] + 1)


@given(schema=schemas(), seed=st.integers(0, 2**20))
@settings(max_examples=60)
def test_every_path_through_a_table_is_valid_for_its_schema(schema, seed):
    tokenizer, schema = Bytes().train(), schema | {"$defs": {"part": PART}}
    constraint = constraint_for(tokenizer, tokenizer.vocabulary_size, json_schema=json.dumps(schema))
    ids = random_ids(constraint, constraint.min_tokens + 20, np.random.default_rng(seed))
    assert is_valid(schema, json.loads(tokenizer.decode(ids)))


def test_strings_may_be_long():
    for text in ('"a\\n\\"ö"', '""'):
        assert accepts(from_regex(schema_to_regex({"type": "string"})), text)


@pytest.fixture(scope="module")
def generator():
    """Makes a `TextGenerator` whose network was never trained."""
    keras.utils.set_random_seed(0)
    tokenizer = trained_tokenizer("byte_pairs")
    objective = NextToken(length=64)
    model = build_model(objective, shrink("gpt2", vocabulary=tokenizer.vocabulary_size, length=96))
    return lambda **options: text_generator(model, objective, tokenizer, **options)


SCHEMA = {"type": "object", "properties": {"b": {"type": "number"}, "ok": {"type": "boolean"}}, "required": ["ok"]}


@pytest.mark.parametrize("options", [{"repetition_penalty": 1.3}, {"temperature": 1.5, "top_p": 0.9}])
def test_generated_texts_fulfil_the_constraint(generator, options):
    records = [generator().objective.fields.record(text) for text in ("the", "mat and", "größ")]
    for arguments, regex in CONSTRAINTS.values():
        for max_new_tokens in (generator(**arguments).config.constraint.min_tokens, 8):
            constrained = generator(**arguments, max_new_tokens=max_new_tokens, **options)
            actual = [completion for (completion,) in constrained.generate(records)]
            assert all(re.fullmatch(regex, completion.text) for completion in actual)
            assert all(len(completion.ids) <= max_new_tokens for completion in actual)
            assert "".join(constrained.stream(records[0])) == actual[0].text
            assert constrained.generate(records[:1])[0][0].text == actual[0].text
    ((completion,), *_) = generator(json_schema=SCHEMA, max_new_tokens=24, **options).generate(records)
    assert is_valid(SCHEMA, json.loads(completion.text))


def test_a_text_ends_only_where_it_may(generator):
    ((completion,),) = generator(choices=("aab", "aa")).generate([generator().objective.fields.record("the")])
    assert completion.finish_reason == "stop"
    ((completion,),) = generator(regex="a*", max_new_tokens=5, repetition_penalty=1e-6).generate(
        [generator().objective.fields.record("aa")]
    )
    assert len(completion.ids) == 5
    assert completion.finish_reason == "length"


def test_beam_search_returns_all_accepted_texts_likeliest_first(generator):
    choices, record = ("dc", "cd", "cdb", "d"), generator().objective.fields.record("the")
    alone = {text: generator(choices=(text,), max_new_tokens=8).generate([record])[0][0] for text in choices}
    likely = sorted(choices, key=lambda text: -sum(alone[text].logprobs))
    (actual,) = generator(choices=choices, max_new_tokens=8, beams=6, return_sequences=6, length_penalty=0.0).generate(
        [record]
    )
    assert [completion.text for completion in actual] == likely
    assert all(completion.finish_reason == "stop" for completion in actual)
    assert actual[0].logprobs == pytest.approx(alone[likely[0]].logprobs, abs=1e-5)


def test_an_object_may_have_properties_of_any_name():
    regex = schema_to_regex({"type": "object", "additionalProperties": {"type": "integer"}})
    texts = ["{}", '{"a": 1}', '{"a": 1, "b c": -20}', '{"a": "1"}', '{"a": 1, }', "{a: 1}", '{"a": 1 "b": 2}']
    assert [bool(re.fullmatch(regex, text)) for text in texts] == [True, True, True, False, False, False, False]
    assert [json.loads(text) for text in texts[:3]] == [{}, {"a": 1}, {"a": 1, "b c": -20}]
    nested = {"type": "object", "additionalProperties": {"$ref": "#"}}
    assert re.fullmatch(schema_to_regex(nested), '{"a": {"b": {}}}')


def test_a_recursive_schema_has_a_limited_depth():
    tree = {"type": "array", "items": {"$ref": "#"}, "maxItems": 2}
    nested = ["[" * deep + "]" * deep for deep in (1, DEPTH, DEPTH + 1)]
    assert [bool(re.fullmatch(schema_to_regex(tree), text)) for text in nested] == [True, True, False]
    node = {"type": "object", "properties": {"x": {"const": 1}, "next": {"$ref": "#/$defs/node"}}, "required": ["x"]}
    chain = re.compile(schema_to_regex({"$ref": "#/$defs/node", "$defs": {"node": node}}))
    assert chain.fullmatch('{"x": 1}')
    assert chain.fullmatch('{"x": 1, "next": {"x": 1}}')
    with pytest.raises(ValueError, match="that a text can fulfil"):
        schema_to_regex({"$ref": "#/$defs/node", "$defs": {"node": node | {"required": ["next"]}}})
    with pytest.raises(ValueError, match="that a text can fulfil"):
        schema_to_regex({"type": "array", "items": {"$ref": "#"}, "minItems": 1})
    wide = {"type": "object", "properties": {f"part{i}": {"$ref": "#"} for i in range(30)}}
    with pytest.raises(ValueError, match="parts that recur in fewer ways"):
        schema_to_regex(wide)


def test_another_constraint_of_its_size_compiles_nothing(generator):
    record = generator().objective.fields.record("the")
    generator(choices=("cat", "mat"), max_new_tokens=8).generate([record])
    loop = token_generator(generator().model)
    before = loop.compilations
    generator(choices=("bat", "bad"), max_new_tokens=8).generate([record])
    assert loop.compilations == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"choices": ["a"], "regex": "b"}, "Expected one of choices, regex and .* Received: choices and regex."),
        ({"choices": [""]}, "Texts of choices must have at least one character. Received: an empty text."),
        ({"regex": "(a"}, r"Expected a regular expression .* Received: '\(a', missing \), unterminated subpattern"),
        ({"regex": "^a"}, r"Expected a regular expression .* without anchors.* Received: '\^a'."),
        ({"regex": "a{30}", "max_new_tokens": 9}, "The shortest text .* has 30 tokens: raise max_new_tokens. .*=9"),
        ({"choices": ["a"], "stop": "b"}, "A constrained text ends by itself: leave stop out."),
        ({"choices": ["a"], "bad_words": "b"}, "cannot forbid tokens as well: leave bad_words out."),
        ({"choices": ["a"], "no_repeat_ngram": 2}, "leave no_repeat_ngram out. Received: no_repeat_ngram=2."),
        ({"choices": ["a"], "min_tokens": 2}, "leave min_tokens out. Received: min_tokens=2."),
        ({"regex": "[a&&b]"}, "some text matches as a whole"),
        ({"json_schema": "{"}, "Expected a JSON schema. Received: '{', which is not JSON"),
        ({"json_schema": 3}, "Expected in the JSON schema a schema, {...}. Received: 3."),
        ({"json_schema": {"type": "text"}}, "Expected in the JSON schema a type of object, array, .* Received: .*text"),
        ({"json_schema": {"type": "string", "format": "date"}}, "can be enforced, here maxLength, .* \"format\""),
        ({"json_schema": {"type": "string", "minLength": 2, "maxLength": 1}}, "integers, minLength at most maxLength"),
        ({"json_schema": {"type": "integer", "minimum": 2}}, "both minimum and maximum"),
        ({"json_schema": {"type": "object"}}, "properties, with the required ones among them"),
        ({"json_schema": {"enum": []}}, "enum with at least one value"),
        ({"json_schema": {"$ref": "part"}}, "references such as #/"),
        ({"json_schema": LOOP}, "that a text can fulfil"),
    ],
)  # fmt: skip
def test_mistakes(generator, options, message):
    with pytest.raises(ValueError, match=message):
        generator(**options)


def test_tokens_that_cannot_spell_the_texts():
    tokenizer = trained_tokenizer("words")
    with pytest.raises(ValueError, match="Expected choices that .* can spell. Received: 'The', .* spell as 'the'."):
        constraint_for(tokenizer, tokenizer.vocabulary_size, choices=("The",))
    with pytest.raises(ValueError, match="Expected a constraint that this model's tokens can fulfil."):
        constraint_for(tokenizer, tokenizer.vocabulary_size, regex="zebra")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "outlines_core", None)
    with pytest.raises(
        ValueError, match=r'need the package outlines-core: pip install "keras-text-zoo\[constraints\]"'
    ):
        from_regex("a")
    assert accepts(from_choices(["a"]), "a")
