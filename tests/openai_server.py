"""Small untrained models that generate, and a server of the OpenAI-compatible API over them on a free port."""

import json
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import keras
from starlette.applications import Starlette
from tiny import shrink

from zoo.objectives import build_model
from zoo.objectives.follow_instructions import FollowInstructions
from zoo.objectives.next_token import NextToken
from zoo.objectives.translate import Translate
from zoo.pipeline.pipeline import Pipeline
from zoo.presets import Data, Preset
from zoo.serving.openai import routes
from zoo.serving.openai.model_access import ModelAccess
from zoo.serving.service import Service
from zoo.tokenizers.bytes import Bytes

OBJECTIVES = {  # name: (architecture, objective)
    "lm": ("gru", NextToken(length=64)),
    "chat": ("gpt2", FollowInstructions(length=300, template="chatml", max_new_tokens=12)),
    "translation": ("rnn_seq2seq", Translate(length=40, target_length=12)),
}


class GeneratingModel:
    """What the API reads of a `LoadedModel`, without a SavedModel."""

    signatures = {}  # noqa: RUF012

    def __init__(self, name, folder):
        self.name, self.version, self.folder, self.leases = name, 1, folder, 0
        self.objective = json.loads((folder / "preset.json").read_text(encoding="utf-8"))["objective"]
        self.created = int(folder.stat().st_mtime)

    def acquire(self):
        self.leases += 1

    def release(self):
        self.leases -= 1

    def close(self):
        pass


class CountingService(Service):
    """A service that counts the models in use."""

    leases = 0

    @contextmanager
    def lease(self, name, version=None, label=""):
        with super().lease(name, version, label) as model:
            self.leases += 1
            try:
                yield model
            finally:
                self.leases -= 1


def save_models(folder):
    """{name: pipeline} of `OBJECTIVES`, saved in `folder / name`."""
    pipelines, tokenizer = {}, Bytes().train()
    for name, (architecture_name, objective) in OBJECTIVES.items():
        keras.utils.set_random_seed(3)
        architecture = shrink(
            architecture_name, length=300, vocabulary=tokenizer.vocabulary_size, padding=tokenizer.padding, causal=True
        )
        if hasattr(objective, "decoder_start"):
            objective = replace(objective, decoder_start=architecture.decoder_start)
        model = build_model(objective, architecture)
        for weight in model.trainable_weights:
            weight.assign(3 * keras.ops.convert_to_numpy(weight))
        preset = Preset(architecture=architecture, objective=objective, tokenizer=Bytes(), data=Data(spec="none"))
        pipelines[name] = Pipeline(model, preset, tokenizer)
        (folder / name).mkdir()
        pipelines[name].save(folder / name)
    return pipelines


def access_to(folder, names, **options):
    """A `ModelAccess` to the models saved in a folder."""
    models = {name: {1: GeneratingModel(name, folder / name)} for name in names}
    return ModelAccess(CountingService(models), **options)


@contextmanager
def openai_server(access):
    """Serve the API within the context; yields the URL."""
    import uvicorn

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(Starlette(routes=routes(access.service, access)), log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()
