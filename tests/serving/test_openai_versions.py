"""A version that is dropped ends its running batch, and frees its network."""

import gc
import threading
import weakref

from openai_server import GeneratingModel, access_to, save_models


def batch_threads():
    return [thread for thread in threading.enumerate() if thread.name == "continuous-batch"]


def test_a_dropped_version_ends_its_batch(tmp_path):
    save_models(tmp_path)
    before, model = len(batch_threads()), GeneratingModel("lm", tmp_path / "lm")
    access = access_to(tmp_path, [])
    text_model = access.prepare(model)
    assert access.prepare(model) is text_model
    from zoo.serving.openai.sampling_fields import sampling_fields

    (request,) = text_model.requests(text_model.prompt_row("one"), sampling_fields({"max_tokens": 3}), 1)
    (handle,) = text_model.batch.submit(request)
    handle.result(60)
    assert len(batch_threads()) == before + 1
    network = weakref.ref(text_model.pipeline.model)
    del model, text_model, request, handle
    gc.collect()
    assert len(batch_threads()) == before
    assert network() is None
