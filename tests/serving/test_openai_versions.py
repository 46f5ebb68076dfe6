"""A version that is dropped ends its running batch, and frees its network."""

import gc
import weakref

from openai_server import GeneratingModel, access_to, save_models

from zoo.serving.openai.sampling_fields import sampling_fields


def test_a_dropped_version_ends_its_batch(tmp_path):
    save_models(tmp_path)
    model = GeneratingModel("lm", tmp_path / "lm")
    access = access_to(tmp_path, [])
    text_model = access.prepare(model)
    assert access.prepare(model) is text_model
    request = text_model.request(text_model.prompt_row("one"), sampling_fields({"max_tokens": 3}))
    (handle,) = text_model.batch.submit(request)
    handle.result(60)
    thread = text_model.batch._thread
    assert thread.is_alive()
    network = weakref.ref(text_model.pipeline.model)
    del model, text_model, request, handle
    gc.collect()
    assert not thread.is_alive()
    assert network() is None
