"""Generation defaults of a model: they fill what is not given, and give way where they contradict it."""

from types import SimpleNamespace

import pytest

from zoo.generation.defaults import config_of

SAMPLED = {"temperature": 0.7, "top_k": 50, "top_p": 0.9, "max_new_tokens": 9}
BEAMS = {"beams": 4, "length_penalty": 2.0, "return_sequences": 2, "min_tokens": 5, "no_repeat_ngram": 3}


def config(defaults, constrained=False, **arguments):
    return config_of(SimpleNamespace(max_new_tokens=20, generation=defaults), arguments, constrained)


def test_defaults_fill_what_is_not_given():
    assert (config({}).max_new_tokens, config({}).temperature, config({}).fit_context) == (20, 0.0, True)
    made = config(SAMPLED, top_p=None, seed=3)
    assert (made.temperature, made.top_k, made.top_p, made.max_new_tokens, made.seed) == (0.7, 50, 0.9, 9, 3)
    made = config(BEAMS, beams=3, max_new_tokens=7)
    assert (made.beams, made.length_penalty, made.return_sequences, made.max_new_tokens) == (3, 2.0, 2, 7)
    assert not made.fit_context


def test_defaults_give_way():
    assert config(SAMPLED, temperature=0.0).top_p is None
    assert config(SAMPLED, beams=2).temperature == 0
    assert config(SAMPLED, contrastive_alpha=0.6, top_k=4).temperature == 0
    assert config(BEAMS, temperature=1.0).beams == 1
    assert config(BEAMS, beams=1).return_sequences == 1
    assert config(BEAMS, max_new_tokens=3).min_tokens == 3
    assert config(BEAMS, True).no_repeat_ngram is None


def test_contradictions_of_the_caller_stay_errors():
    with pytest.raises(ValueError, match="top_p needs a temperature"):
        config({}, top_p=0.5)
    with pytest.raises(ValueError, match="min_tokens must be at most max_new_tokens"):
        config({}, min_tokens=30)
    with pytest.raises(ValueError, match="Unknown generation default.*'beamz'. Did you mean 'beams'"):
        config({"beamz": 3})


def test_overrides_are_text():
    assert config({"beams": "4", "length_penalty": "0.5"}).length_penalty == 0.5
