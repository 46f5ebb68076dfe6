"""The arguments of `Pipeline.generate`, `generator` and `chat`: named, typed and documented."""

import inspect
from dataclasses import fields

import pytest

from zoo.generation.generation_config import GenerationConfig
from zoo.pipeline.pipeline import Pipeline

# from the tokenizer, from `choices`, `regex` or `json_schema`, and always on
DERIVED = {"stop_ids", "constraint", "fit_context"}
METHODS = (Pipeline.generate, Pipeline.generator, Pipeline.chat)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_every_argument_has_a_type_and_a_description(method):
    for name, parameter in inspect.signature(method).parameters.items():
        assert parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        assert name == "self" or parameter.annotation is not parameter.empty
        assert name == "self" or f" {name}" in inspect.getdoc(method)


@pytest.mark.parametrize("method", METHODS[:2], ids=lambda method: method.__name__)
def test_every_field_of_a_config_is_an_argument(method):
    """Its default is None, for that of the model's generation defaults, or that of the config."""
    arguments = inspect.signature(method).parameters
    for field in fields(GenerationConfig):
        if field.name not in DERIVED:
            assert arguments[field.name].default in (None, field.default)


def test_arguments_reach_the_config(model_folder):
    import zoo

    pipeline, values = zoo.load(model_folder), {"temperature": 0.5, "top_k": 3, "seed": 7}
    config = pipeline._config(None, **values)
    assert (config.max_new_tokens, config.temperature, config.top_k, config.seed) == (64, 0.5, 3, 7)
