"""A pipeline in several threads at once, as in a service: the same answers as in one, on every backend."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from catalog_models import save_untrained

import zoo

TEXTS = [f"{'my order is late ' * (1 + i % 5)}{i}" for i in range(16)]
THREADS = 8


def in_threads(function):
    """The results of `function` of each text, by all threads at once, and by this thread expected_answers."""
    with ThreadPoolExecutor(THREADS) as threads:
        from_threads = list(threads.map(function, TEXTS * THREADS))
    return from_threads, [function(text) for text in TEXTS] * THREADS


def test_predict(tmp_path):
    pipeline = zoo.load(save_untrained("classify_text", tmp_path))
    from_threads, expected_answers = in_threads(pipeline.predict)
    for answer, expected in zip(from_threads, expected_answers, strict=True):
        assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)


def test_generate(tmp_path):
    pipeline = zoo.load(save_untrained("next_token", tmp_path))
    from_threads, expected_answers = in_threads(lambda text: pipeline.generate(text, max_new_tokens=6))
    assert from_threads == expected_answers
