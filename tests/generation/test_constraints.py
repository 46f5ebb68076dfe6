"""What must be one of some texts always is: automata, tables of tokens, and what a network writes."""

import json
import re
import sys
from functools import cache

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import LEARNED, shrunk
from writers import text_generator

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


def patterns():
    parts = st.sampled_from([*LETTERS, ".", "[ab]", "[^a]", "[a-ö]"])
    return st.recursive(
        parts,
        lambda item: st.one_of(
            st.lists(item, min_size=1, max_size=3).map("".join),
            st.lists(item, min_size=2, max_size=3).map(lambda ways: f"(?:{'|'.join(ways)})"),
            st.tuples(item, st.sampled_from("*+?")).map(lambda both: f"(?:{both[0]}){both[1]}"),
            item.map(lambda part: f"(?:{part}){{1,2}}"),
        ),
        max_leaves=5,
    )


@given(pattern=patterns(), texts=st.lists(st.text([*LETTERS, "c"], max_size=5), max_size=8))
def test_an_automaton_accepts_what_the_pattern_matches(pattern, texts):
    automaton = from_regex(pattern)
    for text in texts:
        assert accepts(automaton, text) == bool(re.fullmatch(pattern, text))


@given(chosen=st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=6), text=st.text(LETTERS))
def test_an_automaton_accepts_some_texts(chosen, text):
    automaton = from_choices(chosen)
    assert all(accepts(automaton, item) for item in chosen)
    assert accepts(automaton, text) == (text in chosen)


@cache
def tokenizer(name):
    return catalog.load("tokenizers", name)().train(TEXTS)


@pytest.mark.parametrize("name", LEARNED)
@given(data=st.data())
def test_spellings_are_what_tokens_add(name, data):
    words = tokenizer(name)
    first, later = words.token_bytes
    ids = data.draw(
        st.lists(st.integers(0, words.vocabulary_size - 1).filter(lambda id: later[id]), min_size=1, max_size=8)
    )
    text_bytes = first[ids[0]] + b"".join(later[id] for id in ids[1:])
    assert words.decode(ids) == text_bytes.decode("utf-8", "replace")


def walk(constraint, most, random):
    """Ids that a table leads to, in a random way, the stop left out; at most so many."""
    table, left = constraint.arrays["transitions"], constraint.arrays["tokens_to_end"]
    ids, node, end = [], 0, np.flatnonzero(left == 0)[-1]
    for new in range(most):
        reached = table[node, constraint.arrays["classes"]]
        allowed = np.flatnonzero((reached >= 0) & (left[np.maximum(reached, 0)] < most - new))
        token = random.choice(allowed)
        node = reached[token]
        if node == end:
            return ids
        ids.append(token)
    return ids


WAYS = {  # what all tokenizers can write: words with blanks between
    "choices": ({"choices": ("a mat", "the cat and")}, "a mat|the cat and"),
    "regex": ({"regex": "(a|the) (cat|mat)( and (a|the) mat)*"},) * 2,
    "characters": ({"regex": "[a-c].{2,5}"},) * 2,
}
WAYS = {name: (must, must["regex"] if isinstance(match, dict) else match) for name, (must, match) in WAYS.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LEARNED)
@given(seed=st.integers(0, 2**20), more=st.integers(0, 6))
@settings(max_examples=20)
def test_every_way_through_a_table_ends_in_a_match(way, name, seed, more):
    words, (must, match) = tokenizer(name), WAYS[way]
    constraint = constraint_for(words, words.vocabulary_size + 3, **must)
    ids = walk(constraint, constraint.min_tokens + more, np.random.default_rng(seed))
    assert re.fullmatch(match, words.decode(ids))


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
        lambda both: {"type": "array", "items": both[0], "minItems": both[1][0], "maxItems": sum(both[1])}
    )


def _objects(item):
    properties = st.dictionaries(st.text('a"ö', max_size=2), item, min_size=1, max_size=3)
    return st.tuples(properties, st.sets(st.integers(0, 2))).map(
        lambda both: {
            "type": "object",
            "properties": both[0],
            "required": [name for i, name in enumerate(both[0]) if i in both[1]],
        }
    )


def _either(item):
    return st.lists(item, min_size=1, max_size=2).map(lambda ways: {"anyOf": ways, "title": "either"})


LOOP = {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}
PART = {"type": "object", "properties": {"x": {"const": 1}}, "required": ["x"], "additionalProperties": False}
CASES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def holds(schema, value):
    """Whether a value is as the schema says: the specification, of the keywords that are used here."""
    if "$ref" in schema:
        return holds(PART, value)
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if "anyOf" in schema:
        return any(holds(item, value) for item in schema["anyOf"])
    kind = schema["type"]
    if isinstance(kind, list):
        return any(holds({"type": item}, value) for item in kind)
    if kind == "array":
        return (
            isinstance(value, list)
            and len(value) in _range(schema, "Items")
            and all(holds(schema["items"], item) for item in value)
        )
    if kind == "object":
        parts, needed = schema["properties"], set(schema.get("required", ()))
        named = isinstance(value, dict) and needed <= set(value) <= set(parts)
        return named and all(holds(parts[name], item) for name, item in value.items())
    if kind == "string":
        return isinstance(value, str) and len(value) in _range(schema, "Length")
    if kind == "integer":
        return isinstance(value, int) and schema["minimum"] <= value <= schema["maximum"]
    return isinstance(value, CASES[kind])


def _range(schema, what):
    return range(schema[f"min{what}"], schema[f"max{what}"] + 1)


@given(schema=schemas(), seed=st.integers(0, 2**20))
@settings(max_examples=60)
def test_a_schema_holds_for_every_way_through_its_table(schema, seed):
    words, schema = Bytes().train(), schema | {"$defs": {"part": PART}}
    constraint = constraint_for(words, words.vocabulary_size, json_schema=json.dumps(schema))
    ids = walk(constraint, constraint.min_tokens + 20, np.random.default_rng(seed))
    assert holds(schema, json.loads(words.decode(ids)))


def test_strings_may_be_long():
    for text in ('"a\\n\\"ö"', '""'):
        assert accepts(from_regex(schema_to_regex({"type": "string"})), text)


@pytest.fixture(scope="module")
def generator():
    """Makes a `TextGenerator` whose network was never trained."""
    keras.utils.set_random_seed(0)
    words = tokenizer("byte_pairs")
    objective = NextToken(length=64)
    model = build_model(objective, shrunk("gpt2", vocabulary=words.vocabulary_size, length=96))
    return lambda **options: text_generator(model, objective, words, **options)


SCHEMA = {"type": "object", "properties": {"b": {"type": "number"}, "ok": {"type": "boolean"}}, "required": ["ok"]}


@pytest.mark.parametrize("options", [{"repetition_penalty": 1.3}, {"temperature": 1.5, "top_p": 0.9}])
def test_a_network_writes_what_it_must(generator, options):
    records = [generator().objective.fields.record(text) for text in ("the", "mat and", "größ")]
    for must, match in WAYS.values():
        for max_new_tokens in (generator(**must).config.constraint.min_tokens, 8):
            texts = generator(**must, max_new_tokens=max_new_tokens, **options)
            actual = [item for (item,) in texts.generate(records)]
            assert all(re.fullmatch(match, item.text) and len(item.ids) <= max_new_tokens for item in actual)
            assert "".join(texts.stream(records[0])) == texts.generate(records[:1])[0][0].text == actual[0].text
    ((item,), *_) = generator(json_schema=SCHEMA, max_new_tokens=24, **options).generate(records)
    assert holds(SCHEMA, json.loads(item.text))


def test_a_text_ends_only_where_it_may(generator):
    (((item,),)) = generator(choices=("aab", "aa")).generate([generator().objective.fields.record("the")])
    assert item.finish_reason == "stop"
    ((item,),) = generator(regex="a*", max_new_tokens=5, repetition_penalty=1e-6).generate(
        [generator().objective.fields.record("aa")]
    )
    assert len(item.ids) == 5
    assert item.finish_reason == "length"


def test_beams_find_the_likeliest_texts_and_no_more_than_there_may_be(generator):
    choices, record = ("dc", "cd", "cdb", "d"), generator().objective.fields.record("the")
    alone = {text: generator(choices=(text,), max_new_tokens=8).generate([record])[0][0] for text in choices}
    likely = sorted(choices, key=lambda text: -sum(alone[text].logprobs))
    (actual,) = generator(choices=choices, max_new_tokens=8, beams=6, return_sequences=6, length_penalty=0.0).generate(
        [record]
    )
    assert [item.text for item in actual] == likely
    assert all(item.finish_reason == "stop" for item in actual)
    assert actual[0].logprobs == pytest.approx(alone[likely[0]].logprobs, abs=1e-5)


def test_a_tree_is_written_some_levels_deep():
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
    writer = token_generator(generator().model)
    before = writer.compilations
    generator(choices=("bat", "bad"), max_new_tokens=8).generate([record])
    assert writer.compilations == before


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


def test_tokens_that_cannot_write_it():
    words = tokenizer("words")
    with pytest.raises(ValueError, match="Expected choices that .* can spell. Received: 'The', .* spell as 'the'."):
        constraint_for(words, words.vocabulary_size, choices=("The",))
    with pytest.raises(ValueError, match="Expected a constraint that this model's tokens can fulfil."):
        constraint_for(words, words.vocabulary_size, regex="zebra")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "outlines_core", None)
    with pytest.raises(ValueError, match=r"need the package outlines-core: pip install 'zoo\[constraints\]'."):
        from_regex("a")
    assert accepts(from_choices(["a"]), "a")
