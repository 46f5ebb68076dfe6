"""Text generation of an exported SavedModel, run as a stock server runs it, equals `pipeline.generate`."""

from dataclasses import replace

import numpy as np
import pytest
from byte_fallback import ByteFallback
from tiny import shrink

from zoo.export.generator import graph_config
from zoo.objectives import build_model
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.next_token import NextToken
from zoo.objectives.translate import Translate
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
from zoo.runtime.errors import UserError
from zoo.tokenizers.byte_pairs import BytePairs
from zoo.tokenizers.bytes import Bytes
from zoo.tokenizers.characters import Characters
from zoo.tokenizers.word_pieces import WordPieces
from zoo.tokenizers.words import Words

TEXTS = [
    "Ann's friend, Bo Li, doesn't live in Rome!",
    "a",
    "na\u00efve e\u0301 \u65e5\u672c\u8a9e \U0001f469\u200d\U0001f467 x\x00y",
    "word " * 70,
    "\u20ac",
]
BATCHES = [TEXTS, [*TEXTS[:2], ""], TEXTS[1:2]]
CASES = {
    "translate": (WordPieces(vocabulary=200), "transformer", Translate(length=48, target_length=12)),
    "instructions": (Bytes(), "gpt2", FollowInstructions(length=64, max_new_tokens=24)),
    "language": (Bytes(), "lstm", NextToken()),
    "pieces": (WordPieces(vocabulary=200), "gru", NextToken()),
    "words": (Words(), "rnn_seq2seq", Translate(length=48, target_length=12)),
    "chat": (BytePairs(vocabulary=300), "t5", FollowInstructions(template="chatml", length=64, max_new_tokens=8)),
    "characters": (Characters(), "conv", NextToken()),
    "llama": (BytePairs(vocabulary=300), "llama", NextToken()),
    "byte fallback": (ByteFallback(), "llama", NextToken()),
    "bart": (BytePairs(vocabulary=300), "bart", Translate(length=48, target_length=12)),
}

pytestmark = pytest.mark.usefixtures("warm_export")


def build_pipeline(kind):
    """A pipeline with the same random weights on every backend, large enough to generate many different tokens."""
    random = np.random.default_rng(3)
    spec, name, objective = CASES[kind]
    tokenizer = spec.train(TEXTS)
    options = {"causal": True, "bidirectional": name == "rnn_seq2seq"}
    architecture = shrink(name, vocabulary=tokenizer.vocabulary_size, length=128, **options)
    objective = objective.preparation(architecture).objective
    model = build_model(objective, architecture)
    for weight in model.trainable_variables:
        if len(weight.shape) > 1:
            values = random.normal(size=weight.shape, scale=0.5)
            if len(values) == tokenizer.vocabulary_size:
                values[tokenizer.end] *= 2  # so that some texts stop, and some do not
            weight.assign(values)
    return Pipeline(model, Preset(architecture=architecture, objective=objective, tokenizer=Bytes()), tokenizer)


def expected(pipeline, text, **arguments):
    """The completion by `pipeline.generator`. Empty prompts have none; too long ones lose their beginning."""
    if not text and isinstance(pipeline.objective, NextToken) and not pipeline.tokenizer.prefix:
        return "", 0, False
    record = pipeline.objective.fields.record(text)
    try:
        ((completion,),) = pipeline.generator(**arguments).generate([record])
    except UserError:
        limit = {"max_new_tokens": graph_config(pipeline).max_new_tokens} | arguments
        ((completion,),) = pipeline.generator(**limit, truncation_side="left").generate([record])
    return completion.text, len(completion.ids), completion.finish_reason == "stop"


def rows(answer):
    return list(zip(answer["text"], answer["length"], answer["finished"], strict=True))


QUICK, SLOW = ("translate", "instructions"), ("language", "llama")
GREEDY = {"max_new_tokens": 0, "temperature": 0.0, "top_k": 0, "top_p": 1.0, "seed": 0}
SAMPLING = {"max_new_tokens": 6, "temperature": 0.9, "top_k": 9, "top_p": 0.9, "seed": 7}


@pytest.mark.parametrize("names", [QUICK, pytest.param(SLOW, marks=pytest.mark.slow)])
def test_a_served_model_generates_what_generate_does(tmp_path, serve, names):
    _assert_equal_texts(names, serve, tmp_path)


@pytest.mark.slow
def test_the_other_cases_generate_so_too(tmp_path, serve):
    _assert_equal_texts(CASES.keys() - {*QUICK, *SLOW}, serve, tmp_path)


def _assert_equal_texts(names, serve, tmp_path):
    pipelines = {kind: build_pipeline(kind) for kind in names}
    completions = set()
    for kind, pipeline in pipelines.items():
        folder = pipeline.export(tmp_path / kind)
        for texts in BATCHES:
            answer, _ = serve(folder, text=texts)
            assert rows(answer) == [expected(pipeline, text) for text in texts], kind
            completions.update((kind, *row) for row in rows(answer))
        _assert_equal_samples(pipeline, serve, folder)
    assert len(completions) > 2 * len(pipelines)
    assert {True, False} == {finished for *_, finished in completions}


def _assert_equal_samples(pipeline, serve, folder):
    """Samples are those of `generate`, with parameters for all texts or for each, and repeated prompts."""
    texts = [TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[2]]
    answer, _ = serve(folder, signature="generate", text=texts, **SAMPLING)
    options = SAMPLING if pipeline.objective.fields.inputs == ("source",) else SAMPLING | {"truncation_side": "left"}
    sampled = pipeline.generate(texts, **options)
    assert answer["text"] == sampled
    limits, temperatures, seeds = [3, 6, 6, 9], [0.0, 0.9, 0.9, 0.0], [0, 7, 7, 5]
    each = SAMPLING | {"max_new_tokens": limits, "temperature": temperatures, "seed": seeds}
    mixed, _ = serve(folder, signature="generate", text=texts, **each)
    for row in (0, 3):
        assert rows(mixed)[row] == expected(pipeline, texts[row], max_new_tokens=limits[row], temperature=0.0)
    assert mixed["text"][1] == sampled[1]
    assert mixed["text"][2] == sampled[0]  # the first of its prompt and seed


def test_beams_and_generation_defaults(tmp_path, serve, capsys):
    defaults = {"repetition_penalty": 1.3, "no_repeat_ngram": 2, "min_tokens": 3, "bad_words": [[9], [10, 11]]}
    pipeline = with_defaults(build_pipeline("translate"), defaults | {"length_penalty": 2.0, "return_sequences": 2})
    folder = pipeline.export(tmp_path / "beams", beams=4)
    assert "without these generation defaults of the model: return_sequences=2." in capsys.readouterr().err
    pipeline = with_defaults(pipeline, defaults | {"length_penalty": 2.0})
    for texts in BATCHES:
        beams = [expected(pipeline, text, beams=4) for text in texts]
        assert rows(serve(folder, text=texts)[0]) == beams
        assert rows(serve(folder, signature="generate", text=texts, **GREEDY)[0]) == beams
    outputs, _ = serve(
        folder, signature="generate", text=TEXTS, **SAMPLING | {"temperature": [0.0, 0.9, 0.9, 0.0, 0.9]}
    )
    assert [outputs["text"][i] for i in (1, 2, 4)] == pipeline.generate([TEXTS[i] for i in (1, 2, 4)], **SAMPLING)
    assert outputs["text"][0] == expected(pipeline, TEXTS[0], beams=4, max_new_tokens=6)[0]
    assert expected(pipeline, TEXTS[0], beams=4) != expected(pipeline, TEXTS[0])
    assert expected(pipeline, TEXTS[0]) != expected(with_defaults(pipeline, {}), TEXTS[0])


def test_a_model_that_samples_by_default(tmp_path, serve):
    defaults = {"temperature": 0.8, "top_k": 12, "min_p": 0.01, "typical_p": 0.9, "max_new_tokens": 9}
    defaults |= {"frequency_penalty": 0.5, "presence_penalty": 0.7, "logit_bias": {"5": 0.3, "9": -100.0}}
    pipeline = with_defaults(build_pipeline("instructions"), defaults)
    folder = pipeline.export(tmp_path / "1", batching=False)
    texts = [TEXTS[0], TEXTS[1], TEXTS[0], TEXTS[4]]
    answer, ops = serve(folder, text=texts)
    assert answer["text"] == pipeline.generate(texts)
    assert len(set(answer["text"])) == len(texts)
    assert "BatchFunction" not in ops


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"temperature": -0.5}, "Expected temperature of at least 0. Received: temperature="),
        ({"temperature": [0.5, float("inf")]}, "Expected temperature"),
        ({"top_p": 0.0}, "Expected top_p above 0 and at most 1."),
        ({"top_k": -1}, "Expected top_k of at least 0."),
        ({"max_new_tokens": [-3, 3]}, "Expected max_new_tokens of at least 0."),
        ({"seed": [1, 2, 3]}, ""),
    ],
)
def test_bad_parameters_fail_their_own_request(exported, serve, parameters, message):
    answer, _ = serve(exported, signature="generate", text=TEXTS[:2], **GREEDY | parameters)
    assert answer["error"] == "InvalidArgumentError"
    assert message in answer["message"]
    answer, _ = serve(exported, signature="generate", text=TEXTS[:2], **GREEDY | {"max_new_tokens": 10**9})
    assert len(answer["text"]) == 2


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return build_pipeline("translate").export(tmp_path_factory.mktemp("exports") / "1")


def with_defaults(pipeline, defaults):
    preset = replace(pipeline.preset, objective=replace(pipeline.objective, generation=defaults))
    return Pipeline(pipeline.model, preset, pipeline.tokenizer)
