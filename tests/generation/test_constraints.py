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

from zoo import catalog
from zoo.generation.constraints.automaton import of_pattern, of_texts
from zoo.generation.constraints.json_schema import DEPTH, expression
from zoo.generation.constraints.token_table import constrain
from zoo.generation.loop import TokenGenerator
from zoo.generation.text_generator import TextGenerator
from zoo.objectives.next_token import NextToken
from zoo.tokenizers.bytes import Bytes

TEXTS = ['a cat, a mat and "the" größte [1, 23] {"b": -4.5} true', "on the mat: null 67 890 aa bb ab €"]
LETTERS = ["a", "b", "ö", "€"]


def accepts(automaton, text):
    state = 0
    for byte in text.encode():
        state = automaton.following[state, byte]
        if state < 0:
            return False
    return bool(automaton.accepts[state])


def patterns():
    parts = st.sampled_from([*LETTERS, ".", "[ab]", "[^a]", "[a-ö]"])
    return st.recursive(
        parts,
        lambda one: st.one_of(
            st.lists(one, min_size=1, max_size=3).map("".join),
            st.lists(one, min_size=2, max_size=3).map(lambda ways: f"(?:{'|'.join(ways)})"),
            st.tuples(one, st.sampled_from("*+?")).map(lambda both: f"(?:{both[0]}){both[1]}"),
            one.map(lambda part: f"(?:{part}){{1,2}}"),
        ),
        max_leaves=5,
    )


@given(pattern=patterns(), texts=st.lists(st.text([*LETTERS, "c"], max_size=5), max_size=8))
def test_an_automaton_accepts_what_the_pattern_matches(pattern, texts):
    automaton = of_pattern(pattern)
    for text in texts:
        assert accepts(automaton, text) == bool(re.fullmatch(pattern, text))


@given(chosen=st.lists(st.text(LETTERS, min_size=1, max_size=4), min_size=1, max_size=6), text=st.text(LETTERS))
def test_an_automaton_accepts_some_texts(chosen, text):
    automaton = of_texts(chosen)
    assert all(accepts(automaton, one) for one in chosen)
    assert accepts(automaton, text) == (text in chosen)


@cache
def tokenizer(name):
    return catalog.load("tokenizers", name)().train(TEXTS)


@pytest.mark.parametrize("name", LEARNED)
@given(data=st.data())
def test_spellings_are_what_tokens_add(name, data):
    words = tokenizer(name)
    first, later = words.token_bytes
    ids = data.draw(st.lists(st.integers(0, words.vocabulary_size - 1).filter(lambda id: later[id]), min_size=1, max_size=8))
    spelled = first[ids[0]] + b"".join(later[id] for id in ids[1:])
    assert words.decode(ids) == spelled.decode("utf-8", "replace")


def walk(constraint, most, random):
    """Ids that a table leads to, in a random way, the stop left out; at most so many."""
    table, left = constraint.arrays["table"], constraint.arrays["left"]
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
    "pattern": ({"pattern": "(a|the) (cat|mat)( and (a|the) mat)*"},) * 2,
    "characters": ({"pattern": "[a-c].{2,5}"},) * 2,
}
WAYS = {name: (must, must["pattern"] if isinstance(match, dict) else match) for name, (must, match) in WAYS.items()}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", LEARNED)
@given(seed=st.integers(0, 2**20), more=st.integers(0, 6))
@settings(max_examples=20)
def test_every_way_through_a_table_ends_in_a_match(way, name, seed, more):
    words, (must, match) = tokenizer(name), WAYS[way]
    constraint = constrain(words, words.vocabulary_size + 3, **must)
    ids = walk(constraint, constraint.least + more, np.random.default_rng(seed))
    assert re.fullmatch(match, words.decode(ids))


def schemas():
    sizes = st.tuples(st.integers(0, 2), st.integers(0, 2))
    leaves = st.one_of(
        st.sampled_from([{"type": "number"}, {"type": ["boolean", "null"]}, {"enum": ["ö", 3, None, [1.5]]}]),
        sizes.map(lambda n: {"type": "string", "minLength": n[0], "maxLength": sum(n)}),
        sizes.map(lambda n: {"type": "integer", "minimum": -n[0], "maximum": n[1]}),
        st.just({"$ref": "#/$defs/part"}),
    )
    return st.recursive(leaves, lambda one: st.one_of(_lists(one, sizes), _objects(one), _either(one)), max_leaves=4)


def _lists(one, sizes):
    return st.tuples(one, sizes).map(
        lambda both: {"type": "array", "items": both[0], "minItems": both[1][0], "maxItems": sum(both[1])}
    )


def _objects(one):
    properties = st.dictionaries(st.text('a"ö', max_size=2), one, min_size=1, max_size=3)
    return st.tuples(properties, st.sets(st.integers(0, 2))).map(
        lambda both: {
            "type": "object",
            "properties": both[0],
            "required": [name for i, name in enumerate(both[0]) if i in both[1]],
        }
    )


def _either(one):
    return st.lists(one, min_size=1, max_size=2).map(lambda ways: {"anyOf": ways, "title": "either"})


LOOP = {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}}
PART = {"type": "object", "properties": {"x": {"const": 1}}, "required": ["x"], "additionalProperties": False}
KINDS = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def holds(schema, value):
    """Whether a value is as the schema says: the specification, of the keywords that are used here."""
    if "$ref" in schema:
        return holds(PART, value)
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    if "anyOf" in schema:
        return any(holds(one, value) for one in schema["anyOf"])
    kind = schema["type"]
    if isinstance(kind, list):
        return any(holds({"type": one}, value) for one in kind)
    if kind == "array":
        return (
            isinstance(value, list)
            and len(value) in _range(schema, "Items")
            and all(holds(schema["items"], one) for one in value)
        )
    if kind == "object":
        parts, needed = schema["properties"], set(schema.get("required", ()))
        named = isinstance(value, dict) and needed <= set(value) <= set(parts)
        return named and all(holds(parts[name], one) for name, one in value.items())
    if kind == "string":
        return isinstance(value, str) and len(value) in _range(schema, "Length")
    if kind == "integer":
        return isinstance(value, int) and schema["minimum"] <= value <= schema["maximum"]
    return isinstance(value, KINDS[kind])


def _range(schema, what):
    return range(schema[f"min{what}"], schema[f"max{what}"] + 1)


@given(schema=schemas(), seed=st.integers(0, 2**20))
@settings(max_examples=60)
def test_a_schema_holds_for_every_way_through_its_table(schema, seed):
    words, schema = Bytes().train(), schema | {"$defs": {"part": PART}}
    constraint = constrain(words, words.vocabulary_size, schema=json.dumps(schema))
    ids = walk(constraint, constraint.least + 20, np.random.default_rng(seed))
    assert holds(schema, json.loads(words.decode(ids)))


def test_strings_may_be_long():
    for text in ('"a\\n\\"ö"', '""'):
        assert accepts(of_pattern(expression({"type": "string"})), text)


@pytest.fixture(scope="module")
def author():
    """Makes an `TextGenerator` whose network was never trained."""
    keras.utils.set_random_seed(0)
    words = tokenizer("byte_pairs")
    objective = NextToken(length=64)
    model = objective.model(shrunk("gpt2", vocabulary=words.vocabulary_size, length=96))
    return lambda **options: TextGenerator(model, objective, words, **options)


SCHEMA = {"type": "object", "properties": {"b": {"type": "number"}, "ok": {"type": "boolean"}}, "required": ["ok"]}


@pytest.mark.parametrize("options", [{"repetition_penalty": 1.3}, {"temperature": 1.5, "top_p": 0.9}])
def test_a_network_writes_what_it_must(author, options):
    records = [author().objective.record(text) for text in ("the", "mat and", "größ")]
    for must, match in WAYS.values():
        for max_new_tokens in (author(**must).settings.constraint.least, 8):
            texts = author(**must, max_new_tokens=max_new_tokens, **options)
            found = [one for (one,) in texts.write(records)]
            assert all(re.fullmatch(match, one.text) and len(one.ids) <= max_new_tokens for one in found)
            assert "".join(texts.pieces(records[0])) == texts.write(records[:1])[0][0].text == found[0].text
    ((one,), *_) = author(schema=SCHEMA, max_new_tokens=24, **options).write(records)
    assert holds(SCHEMA, json.loads(one.text))


def test_a_text_ends_only_where_it_may(author):
    (((one,),)) = author(choices=("aab", "aa")).write([author().objective.record("the")])
    assert one.stopped
    ((one,),) = author(pattern="a*", max_new_tokens=5, repetition_penalty=1e-6).write([author().objective.record("aa")])
    assert len(one.ids) == 5
    assert not one.stopped


def test_beams_find_the_likeliest_texts_and_no_more_than_there_may_be(author):
    choices, record = ("dc", "cd", "cdb", "d"), author().objective.record("the")
    alone = {text: author(choices=(text,), max_new_tokens=8).write([record])[0][0] for text in choices}
    likely = sorted(choices, key=lambda text: -sum(alone[text].logprobs))
    (found,) = author(choices=choices, max_new_tokens=8, beams=6, best=6, length_penalty=0.0).write([record])
    assert [one.text for one in found] == likely
    assert all(one.stopped for one in found)
    assert found[0].logprobs == pytest.approx(alone[likely[0]].logprobs, abs=1e-5)


def test_a_tree_is_written_some_levels_deep():
    tree = {"type": "array", "items": {"$ref": "#"}, "maxItems": 2}
    nested = ["[" * deep + "]" * deep for deep in (1, DEPTH, DEPTH + 1)]
    assert [bool(re.fullmatch(expression(tree), text)) for text in nested] == [True, True, False]
    node = {"type": "object", "properties": {"x": {"const": 1}, "next": {"$ref": "#/$defs/node"}}, "required": ["x"]}
    chain = re.compile(expression({"$ref": "#/$defs/node", "$defs": {"node": node}}))
    assert chain.fullmatch('{"x": 1}')
    assert chain.fullmatch('{"x": 1, "next": {"x": 1}}')
    with pytest.raises(ValueError, match="that a text can fulfil"):
        expression({"$ref": "#/$defs/node", "$defs": {"node": node | {"required": ["next"]}}})
    with pytest.raises(ValueError, match="that a text can fulfil"):
        expression({"type": "array", "items": {"$ref": "#"}, "minItems": 1})
    wide = {"type": "object", "properties": {f"part{i}": {"$ref": "#"} for i in range(30)}}
    with pytest.raises(ValueError, match="parts that hold themselves in fewer ways"):
        expression(wide)


def test_another_constraint_of_its_size_compiles_nothing(author):
    record = author().objective.record("the")
    author(choices=("cat", "mat"), max_new_tokens=8).write([record])
    writer = TokenGenerator.of(author().model)
    before = writer.compilations
    author(choices=("bat", "bad"), max_new_tokens=8).write([record])
    assert writer.compilations == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"choices": ["a"], "pattern": "b"}, "Expected choices, a pattern or a schema. Received: choices and pattern."),
        ({"choices": [""]}, "Texts of choices must have a character at least. Received: an empty one."),
        ({"pattern": "(a"}, r"Expected a regular expression .* Received: '\(a', missing \), unterminated subpattern"),
        ({"pattern": "^a"}, r"Expected a regular expression .* without anchors.* Received: '\^a'."),
        ({"pattern": "a{30}", "max_new_tokens": 9}, "The shortest text .* has 30 tokens: raise new_tokens. .*=9"),
        ({"choices": ["a"], "stop": "b"}, "A text that must be whole ends by itself: leave stop out."),
        ({"choices": ["a"], "bad_words": "b"}, "cannot also be kept from them: leave banned out."),
        ({"choices": ["a"], "no_repeat_ngram": 2}, "leave no_repeat out. Received: no_repeat=2."),
        ({"choices": ["a"], "min_tokens": 2}, "leave min_tokens out. Received: min_tokens=2."),
        ({"pattern": "[a&&b]"}, "some text matches as a whole"),
        ({"schema": "{"}, "Expected a JSON schema. Received: '{', which is no JSON"),
        ({"schema": 3}, "Expected in the schema a schema, {...}. Received: 3."),
        ({"schema": {"type": "text"}}, "Expected in the schema a type of object, array, .* Received: .*text"),
        ({"schema": {"type": "string", "format": "date"}}, "what can be kept to, here maxLength, .* \"format\""),
        ({"schema": {"type": "string", "minLength": 2, "maxLength": 1}}, "whole numbers, minLength at most maxLength"),
        ({"schema": {"type": "integer", "minimum": 2}}, "both minimum and maximum"),
        ({"schema": {"type": "object"}}, "properties, those that are required among them"),
        ({"schema": {"enum": []}}, "enum with a value at least"),
        ({"schema": {"$ref": "part"}}, "references such as #/"),
        ({"schema": LOOP}, "that a text can fulfil"),
    ],
)  # fmt: skip
def test_mistakes(author, options, message):
    with pytest.raises(ValueError, match=message):
        author(**options)


def test_tokens_that_cannot_write_it():
    words = tokenizer("words")
    with pytest.raises(ValueError, match="Expected choices that .* can write. Received: 'The', .* write as 'the'."):
        constrain(words, words.vocabulary_size, choices=("The",))
    with pytest.raises(ValueError, match="Expected a pattern or schema that this model's tokens can write."):
        constrain(words, words.vocabulary_size, pattern="zebra")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "outlines_core", None)
    with pytest.raises(ValueError, match=r"needs the package outlines-core: pip install 'zoo\[constraints\]'."):
        of_pattern("a")
    assert accepts(of_texts(["a"]), "a")
