"""Small models of every objective for tests of exports, and their answers in the form of an export's outputs."""

import keras
import numpy as np
import pytest
from tiny import compatible, one_of_each_family, shrink

from zoo import catalog
from zoo.data.mask_text import MASK
from zoo.objectives import build_model
from zoo.objectives._objective import Generates
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Preset
from zoo.tokenizers.word_pieces import WordPieces

TEXTS = [
    "Ann Smith lives in New York.",
    "a",
    "na\u00efve e\u0301 \u65e5\u672c\u8a9e [MASK] \U0001f469\u200d\U0001f467 don't",
    "The [MASK] film was, well, about words and [MASK] and more of them, in rows that are long. " * 3,
    "Li",
]
SETTINGS = {
    "classify_text": {"labels": ("bad", "good", "so-so"), "length": 48},
    "classify_and_tag": {"labels": ("x", "y"), "tags": ("O", "B-per", "I-per", "B-loc"), "scheme": "bio", "length": 48},
    "tag_tokens": {"tags": ("O", "B-per", "I-per", "B-loc"), "scheme": "bio", "length": 48},
    "find_span": {"length": 48, "stride": 9, "question_length": 12, "allow_no_answer": "yes"},
    "translate": {"length": 48, "target_length": 8},
    "follow_instructions": {"length": 48, "max_new_tokens": 8},
    "next_token": {"length": 48, "generation": {"max_new_tokens": 8}},
}
TAG_COLUMNS = {"labels": "label", "texts": "text", "starts": "start", "ends": "end", "scores": "score"}


def objective_of(name):
    return catalog.load("objectives", name)(**SETTINGS.get(name, {"length": 48}))


def cases(quick):
    """Parameters `(objective, architecture)`: one architecture of each family; all but those in `quick` are slow."""
    parameters = []
    for name in catalog.names("objectives"):
        for architecture in sorted(one_of_each_family(compatible(objective_of(name), length=64))):
            marks = [] if (name, architecture) in quick else [pytest.mark.slow]
            parameters.append(pytest.param((name, architecture), marks=marks, id=f"{name}-{architecture}"))
    return parameters


def small_pipeline(name, architecture):
    """A pipeline with random weights, so large that answers differ from text to text."""
    spec = WordPieces(vocabulary=150)
    tokenizer = spec.train(TEXTS)
    sizes = {"vocabulary": tokenizer.vocabulary_size, "padding": tokenizer.padding, "length": 64}
    network = shrink(architecture, **sizes)
    objective = objective_of(name).preparation(network).objective if name != "score_pair" else objective_of(name)
    keras.utils.set_random_seed(0)
    model, random = build_model(objective, network), np.random.default_rng(0)
    for weight in model.trainable_weights:
        if len(weight.shape) > 1:
            values = 1.5 * random.normal(size=weight.shape) / max(weight.shape[0], 4) ** 0.5
            weight.assign(values)
    return Pipeline(model, Preset(architecture=network, objective=objective, tokenizer=spec), tokenizer)


def requests_of(pipeline):
    """A request of one row for each text, {input: text}, for the export."""
    names = ("text",) if isinstance(pipeline.objective, Generates) else pipeline.objective.fields.inputs
    masked = bool(pipeline.objective.fields.contains)
    texts = [_with_mask(text[:90]) for text in TEXTS] if masked else TEXTS  # masks that are far apart are refused
    return [{name: texts[(i + j) % len(texts)] for j, name in enumerate(names)} for i in range(len(texts))]


def _with_mask(text):
    return text if MASK in text else f"{text} {MASK}"


def expected_answers(pipeline):
    """The answer of Python for each of `requests_of`, as the outputs of an export without padding."""
    return [_expected(pipeline, request) for request in requests_of(pipeline)]


def _expected(pipeline, request):
    texts = tuple(request.values())
    if isinstance(pipeline.objective, Generates):
        record = pipeline.objective.fields.record(texts[0])
        ((text,),) = pipeline.generator(truncation_side="left").generate([record])
        return {"text": text.text, "length": len(text.ids), "finished": text.finish_reason == "stop"}
    answer = pipeline.predict(texts if len(texts) > 1 else texts[0])
    if isinstance(answer, list):
        return _columns(answer)
    if isinstance(answer.get("tags"), list):
        label = answer["label"]
        return _columns(answer["tags"]) | {"label": label, "probability": answer["probabilities"][label]}
    if "masks" in answer:
        guesses, scores = ([list(f(mask)) for mask in answer["masks"]] for f in (dict.keys, dict.values))
        return {"text": answer["text"], "guesses": guesses, "scores": scores}
    if "probabilities" in answer:
        probabilities = answer["probabilities"]
        return {"labels": list(probabilities), "probabilities": list(probabilities.values())}
    answer = {name: value for name, value in answer.items() if name != "n_best"}
    return {name: -1 if value is None else value for name, value in answer.items()}


def _columns(spans):
    return {column: [span[key] for span in spans] for column, key in TAG_COLUMNS.items()}


def row_of(outputs, row):
    """The outputs of a row without padding."""
    answer = {name: column[row] for name, column in outputs.items()}
    if "starts" in answer:
        count = sum(start >= 0 for start in answer["starts"])
        return {name: value[:count] if isinstance(value, list) else value for name, value in answer.items()}
    if "guesses" in answer:
        count = sum(guesses[0] != "" for guesses in answer["guesses"])
        return answer | {name: answer[name][:count] for name in ("guesses", "scores")}
    return answer


def assert_alike(actual, expected):
    """Equal texts and integers; scores to 1e-5."""
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        array = np.array(value)
        if array.dtype.kind == "f":
            np.testing.assert_allclose(np.array(actual[name]), array, atol=1e-5, err_msg=name)
        else:
            assert actual[name] == value, name
