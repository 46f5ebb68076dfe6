"""A server of the models of page_models.py, for tests of the page of `zoo serve`.

It speaks TensorFlow Serving's REST and OpenAI's streams as far as the page calls them, and keeps the requests.
"""

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import tensorflow as tf
import uvicorn
from page_models import EVIL, MODELS, OUTPUTS
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from zoo.serving.page.page_routes import routes
from zoo.serving.versions.signature_defs import Signature, TensorSpec

TOKEN = "a-token"
BELOW = "/below/a path"
OBJECTIVES = {"writer": "next_token", "chat": "follow_instructions"}
SETTINGS = {"max_new_tokens": "int32", "temperature": "float32", "seed": "int64"}
DEFAULTS = {"max_new_tokens": 0, "temperature": 0.5, "seed": 7}


def signature(name, inputs, outputs, settings=()):
    texts = {key: TensorSpec(key, "string", (None,)) for key in inputs}
    numbers = {key: TensorSpec(key, SETTINGS[key], None) for key in settings}
    tensors = {key: TensorSpec(key, "float32", (None,)) for key in outputs}
    return Signature(name, "tensorflow/serving/predict", texts | numbers, tensors)


def signatures(name):
    inputs, answer = MODELS[name]
    outputs = OUTPUTS.get(name) or list(answer(dict.fromkeys(inputs, "")))
    default = {"serving_default": signature("serving_default", inputs, outputs)}
    return default | ({"generate": signature("generate", inputs, outputs, SETTINGS)} if name == "writer" else {})


def model(name, version, folder):
    """What the page's routes need of a `LoadedModel`; with an objective of `OBJECTIVES`."""
    objective = {"name": OBJECTIVES[name], "generation": {}} if name in OBJECTIVES else {}
    defaults = {key: tf.make_tensor_proto(value, SETTINGS[key]) for key, value in DEFAULTS.items()}
    protos = {key: SimpleNamespace(defaults=defaults if key == "generate" else {}) for key in signatures(name)}
    return SimpleNamespace(
        name=name,
        version=version,
        folder=folder / name,
        objective=objective,
        signatures=signatures(name),
        signature_protos=protos,
    )


def service(folder):
    """What the page's routes need of a `Service`: a model of each kind, `classify` in two versions."""
    versions = {name: (3, 12) if name == "classify" else (1,) for name in MODELS}
    models = {name: {number: model(name, number, folder) for number in versions[name]} for name in MODELS}
    return SimpleNamespace(models=models, ready=True)


class PageServer:
    """The server in a thread. `requests` are the bodies that came, as (path, JSON)."""

    def __init__(self, folder, token=""):
        self.token, self.requests = token, []
        self.service = service(folder)
        predict = Route("/v1/models/{path:path}:predict", self.predict, methods=["POST"])
        streams = [Route(f"/v1/{path}", self.stream, methods=["POST"]) for path in ("completions", "chat/completions")]
        app = Starlette(routes=[*self.page_routes(), predict, *streams])
        app = Starlette(routes=[Mount(BELOW, app), Mount("/", app)])  # below a path, too, as behind a proxy
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))

    def page_routes(self):
        page, models, _ = routes(self.service)

        def guarded(request):
            return self.unauthorized(request) or models.endpoint(request)

        return [page, Route(models.path, guarded)]

    def unauthorized(self, request):
        if not self.token or request.headers.get("Authorization") == f"Bearer {self.token}":
            return None
        return JSONResponse({"error": "The server wants a token."}, 401)

    async def predict(self, request):
        body = json.loads(await request.body())
        self.requests.append((request.url.path, body))
        name = request.path_params["path"].split("/")[0]
        if unauthorized := self.unauthorized(request):
            return unauthorized
        if name == "full":
            return JSONResponse({"error": f"The queue is full. {EVIL}"}, 429, headers={"Retry-After": "7"})
        inputs, answer = MODELS[name]
        rows = body.get("instances")
        is_row = rows is not None
        row = rows[0] if is_row else {k: v[0] if k in inputs else v for k, v in body["inputs"].items()}
        output = await asyncio.to_thread(answer, row)
        content = {"predictions": [output]} if is_row else {"outputs": {key: [value] for key, value in output.items()}}
        return Response(json.dumps(content, indent=4), media_type="application/json")

    async def stream(self, request):
        body = json.loads(await request.body())
        self.requests.append((request.url.path, body))
        return StreamingResponse(self.events(body), media_type="text/event-stream")

    async def events(self, body):
        prompt = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        words = [f"{i} 😀 {EVIL} " if i == 1 else f"{i} " for i in range(body.get("max_tokens", 5))]
        for word in [f"{prompt}: ", *words]:
            choice = {"delta": {"content": word}} if "messages" in body else {"text": word}
            event = f"data: {json.dumps({'choices': [choice | {'finish_reason': None}]}, ensure_ascii=False)}\n\n"
            half = len(event.encode()) // 2
            yield event.encode()[:half]  # cut anywhere, in a character too
            await asyncio.sleep(0.01)
            yield event.encode()[half:]
            if "fail" in prompt:
                yield b'data: {"error": {"message": "It broke."}}\n\n'
                return
        yield b'data: {"choices": [{"text": "", "delta": {}, "finish_reason": "length"}]}\n\n'
        yield b'data: {"choices": [], "usage": {"completion_tokens": 6}}\n\ndata: [DONE]\n\n'


@contextmanager
def page_server(folder, token=""):
    """A running `PageServer`, with its address as `url`."""
    page = PageServer(folder, token)
    thread = threading.Thread(target=page.server.run, daemon=True)
    thread.start()
    while not page.server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    page.url = f"http://127.0.0.1:{page.server.servers[0].sockets[0].getsockname()[1]}/"
    try:
        yield page
    finally:
        page.server.should_exit = True
        thread.join(10)
