"""A pipeline that is no longer used is freed, with the functions that were compiled for it."""

import gc
import weakref

import pytest
from catalog_models import save_untrained

import zoo


@pytest.mark.parametrize("objective", ["classify_text", "tag_tokens", "next_token", "translate"])
def test_a_pipeline_is_freed_after_its_use(tmp_path, objective):
    folder = save_untrained(objective, tmp_path)
    pipeline = zoo.load(folder)
    pipeline.predict(["a great film", "where is it?"])
    if objective in ("next_token", "translate"):
        pipeline.generate("a great", max_new_tokens=3)
    reference = weakref.ref(pipeline.model)
    del pipeline
    gc.collect()
    assert reference() is None


def test_a_pipeline_that_was_used_can_be_saved(model_folder, tmp_path):
    pipeline = zoo.load(model_folder)
    before = pipeline.predict("a great film")
    pipeline.save(tmp_path)
    assert zoo.load(tmp_path).predict("a great film") == before
