"""Text generation of an exported SavedModel, run as a stock server runs it, equals `pipeline.generate`."""

import keras
import numpy as np
import pytest
from byte_fallback import ByteFallback
from tiny import shrink

from zoo.export.generator import GraphGenerator
from zoo.objectives import build_model
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.next_token import NextToken
from zoo.objectives.translate import Translate
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
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


def expected(pipeline, text):
    """The completion by `pipeline.generator` of the ids in the graph: empty for a prompt that Python refuses."""
    graph = GraphGenerator(pipeline, pipeline.objective.prompt_template(pipeline.tokenizer))
    if not text and isinstance(pipeline.objective, NextToken) and not pipeline.tokenizer.prefix:
        return "", 0, False
    generator = pipeline.generator(max_new_tokens=graph.max_new_tokens, truncation_side="left")
    ((completion,),) = generator.generate([pipeline.objective.fields.record(text)])
    return completion.text, len(completion.ids), completion.finish_reason == "stop"


QUICK = {"tensorflow": ("translate", "instructions")}  # on other backends each export starts a process


@pytest.mark.parametrize("quick", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_served_model_generates_what_generate_does(tmp_path, serve, quick):
    quick_cases = QUICK.get(keras.config.backend(), ("translate",))
    pipelines = {kind: build_pipeline(kind) for kind in CASES if (kind in quick_cases) == quick}
    completions = set()
    for kind, pipeline in pipelines.items():
        folder = pipeline.export(tmp_path / kind)
        for texts in BATCHES:
            answer, ops = serve(folder, text=texts)
            random = ("StatefulUniform", "Random")
            assert not [op for op in ops if "Xla" in op or "PyFunc" in op or op.startswith(random)]
            rows = list(zip(answer["text"], answer["length"], answer["finished"], strict=True))
            assert rows == [expected(pipeline, text) for text in texts], kind
            completions.update((kind, *row) for row in rows)
    assert len(completions) > 2 * len(pipelines)
    assert {True, False} == {finished for *_, finished in completions}
