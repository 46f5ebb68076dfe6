"""The OpenAI-compatible API with the official client: the texts are those that the pipelines generate."""

import asyncio
import json
import time

import numpy as np
import pytest

openai = pytest.importorskip("openai")
httpx = pytest.importorskip("httpx")

from openai_server import access_to, openai_server, save_models  # noqa: E402
from pydantic import BaseModel  # noqa: E402

from zoo.serving.openai.chat_api import CHAT_FIELDS  # noqa: E402
from zoo.serving.openai.completions_api import COMPLETION_FIELDS  # noqa: E402
from zoo.serving.openai.openai_openapi import openai_paths  # noqa: E402

PROMPT = "The printer of Größe €5 is"
NO_END = {"3": -100}  # logit_bias: the end token is never generated
QUESTION = [{"role": "user", "content": "Why?"}]
TIMEOUT = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def pipelines(folder):
    return save_models(folder)


@pytest.fixture(scope="module")
def access(folder, pipelines):
    return access_to(folder, pipelines, max_rows=4, max_queue=24)


@pytest.fixture(scope="module")
def url(access):
    with openai_server(access) as url:
        yield url


@pytest.fixture(scope="module")
def client(url):
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=TIMEOUT)


def wait_for(condition):
    """Wait until a condition is true, at most ten seconds."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


def test_models(client, url, folder):
    assert [model.id for model in client.models.list()] == ["lm", "chat", "translation"]
    model = client.models.retrieve("chat")
    assert (model.id, model.object, model.owned_by) == ("chat", "model", "zoo")
    assert abs(model.created - (folder / "chat").stat().st_mtime) < 2
    with pytest.raises(openai.NotFoundError) as error:
        client.models.retrieve("none")
    assert error.value.code == "model_not_found"
    assert httpx.get(f"{url}/v1/models/chat").status_code == 404  # TensorFlow Serving's path, for another client
    assert httpx.get(f"{url}/openai/v1/models/chat").json()["id"] == "chat"


def test_a_completion_is_the_text_that_the_pipeline_generates(client, pipelines):
    answer = client.completions.create(model="lm", prompt=PROMPT, max_tokens=20, temperature=0)
    assert answer.choices[0].text == pipelines["lm"].generate(PROMPT, max_new_tokens=20, temperature=0)
    assert answer.id.startswith("cmpl-")
    assert (answer.object, answer.model) == ("text_completion", "lm")
    assert answer.choices[0].finish_reason == "length"
    tokens = len(PROMPT.encode())
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (
        tokens,
        20,
        tokens + 20,
    )


@pytest.mark.parametrize(
    "options", [{"temperature": 1.0, "top_p": 0.9}, {"temperature": 0.7}, {"temperature": 1.2, "top_p": 0.5}]
)
def test_a_sample_is_that_of_the_pipeline_for_the_same_seed(client, pipelines, options):
    answer = client.completions.create(model="lm", prompt=PROMPT, max_tokens=24, seed=11, **options)
    assert answer.choices[0].text == pipelines["lm"].generate(PROMPT, max_new_tokens=24, seed=11, **options)


def test_prompts_and_choices(client, pipelines):
    prompts = ["one", "two"]
    answer = client.completions.create(model="lm", prompt=prompts, n=2, seed=5, max_tokens=9)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    first = pipelines["lm"].generate(prompts, max_new_tokens=9, temperature=1.0, seed=5)
    assert [answer.choices[0].text, answer.choices[2].text] == first
    assert answer.choices[1].text != answer.choices[0].text
    assert answer.usage.prompt_tokens == 6
    assert answer.usage.completion_tokens == 36
    ids = [list(pipelines["lm"].tokenizer.encode(text, special=False).ids.tolist()) for text in prompts]
    by_ids = client.completions.create(model="lm", prompt=ids, n=2, seed=5, max_tokens=9)
    assert [choice.text for choice in by_ids.choices] == [choice.text for choice in answer.choices]


def test_equal_prompts_get_the_samples_that_the_pipeline_gives_them(client, pipelines):
    options = {"model": "lm", "seed": 5, "max_tokens": 9}
    answer = client.completions.create(prompt=["one", "two", "one"], **options)
    expected = pipelines["lm"].generate(["one", "two", "one"], max_new_tokens=9, temperature=1.0, seed=5)
    assert [choice.text for choice in answer.choices] == expected
    assert expected[0] != expected[2]
    four = client.completions.create(prompt=["one", "one"], n=2, **options)
    assert len({choice.text for choice in four.choices}) == 4


def test_the_smallest_temperature_is_greedy(client):
    options = {"model": "lm", "prompt": PROMPT, "max_tokens": 9}
    greedy = client.completions.create(temperature=0, **options).choices[0].text
    assert client.completions.create(temperature=1e-9, **options).choices[0].text == greedy


def test_best_of_returns_the_likeliest(client):
    options = {"model": "lm", "prompt": "one", "seed": 5, "max_tokens": 6, "logprobs": 0}
    six = client.completions.create(n=6, **options).choices
    best = client.completions.create(n=2, best_of=6, **options)
    means = {choice.text: np.mean(choice.logprobs.token_logprobs) for choice in six}
    assert [choice.text for choice in best.choices] == sorted(means, key=means.get, reverse=True)[:2]
    assert [choice.index for choice in best.choices] == [0, 1]
    assert best.usage.completion_tokens == 36


def test_a_translation(client, pipelines):
    source = "Wie geht es?"
    answer = client.completions.create(model="translation", prompt=source)
    assert answer.choices[0].text == pipelines["translation"].generate(source)
    assert answer.usage.prompt_tokens == len(pipelines["translation"].tokenizer.encode(source).ids)


def test_a_chat_answer(client, pipelines):
    answer = client.chat.completions.create(model="chat", messages=QUESTION, temperature=0)
    (choice,) = answer.choices
    assert choice.message.role == "assistant"
    assert choice.message.content == pipelines["chat"].generate("Why?", temperature=0).strip()
    assert choice.finish_reason in ("stop", "length")
    record = {"messages": QUESTION}
    assert answer.usage.prompt_tokens == len(
        pipelines["chat"].objective.prompt_ids(record, pipelines["chat"].tokenizer)["tokens"]
    )
    assert answer.object == "chat.completion"
    parts = [{"type": "text", "text": "Wh"}, {"type": "text", "text": "y?"}]
    messages = [{"role": "user", "content": parts}]
    again = client.chat.completions.create(model="chat", messages=messages, temperature=0, max_completion_tokens=12)
    assert again.choices[0].message.content == choice.message.content


def test_a_conversation_is_read_as_a_whole(client, pipelines):
    conversation = [
        {"role": "developer", "content": "Be brief."},
        *QUESTION,
        {"role": "assistant", "content": "Because.", "refusal": None, "annotations": [], "tool_calls": None},
        {"role": "user", "content": "Who?"},
    ]
    answer = client.chat.completions.create(model="chat", messages=conversation, temperature=0)
    conversation[0] = {"role": "system", "content": "Be brief."}
    chat = pipelines["chat"]
    ids = chat.objective.prompt_ids({"messages": conversation}, chat.tokenizer)["tokens"]
    assert answer.usage.prompt_tokens == len(ids)


@pytest.mark.parametrize("seed", range(4))
def test_a_stream_adds_up_to_the_answer(client, seed):
    options = {"model": "lm", "prompt": PROMPT, "max_tokens": 30, "seed": seed, "n": 2}
    complete = client.completions.create(**options)
    chunks = list(client.completions.create(**options, stream=True, stream_options={"include_usage": True}))
    *pieces, usage = chunks
    texts, reasons = ["", ""], [None, None]
    for chunk in pieces:
        (choice,) = chunk.choices
        assert not choice.text.endswith("\ufffd") or choice.finish_reason or texts
        assert chunk.usage is None
        texts[choice.index] += choice.text
        reasons[choice.index] = choice.finish_reason or reasons[choice.index]
    assert texts == [choice.text for choice in complete.choices]
    assert reasons == [choice.finish_reason for choice in complete.choices]
    assert usage.usage == complete.usage
    assert usage.choices == []
    assert len({chunk.id for chunk in chunks}) == 1
    assert len(pieces) > 4


def test_a_chat_stream(client):
    options = {"model": "chat", "messages": QUESTION, "seed": 1, "max_completion_tokens": 25}
    complete = client.chat.completions.create(**options)
    chunks = list(client.chat.completions.create(**options, stream=True))
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == complete.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == complete.choices[0].finish_reason
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert all(chunk.usage is None for chunk in chunks)


def test_the_form_of_a_stream(url):
    body = {"model": "lm", "prompt": "one", "max_tokens": 2, "stream": True}
    answer = httpx.post(f"{url}/v1/completions", json=body, timeout=TIMEOUT)
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = answer.text.split("\n\n")
    assert events[-2:] == ["data: [DONE]", ""]
    for event in events[:-2]:
        assert event.startswith("data: {")
        assert "usage" not in json.loads(event[len("data: ") :])


def test_many_clients_at_once_get_their_own_texts(url, pipelines):
    prompts = [f"{'x' * (i % 5)} text {i}" for i in range(20)]

    async def ask_all():
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=TIMEOUT) as client:

            async def ask(i):
                options = {"model": "lm", "prompt": prompts[i], "max_tokens": 5 + i, "seed": i}
                if i % 2:
                    answer = await client.completions.create(**options)
                    return answer.choices[0].text
                stream = await client.completions.create(**options, stream=True)
                return "".join([chunk.choices[0].text async for chunk in stream])

            return await asyncio.gather(*map(ask, range(20)))

    actual = asyncio.run(ask_all())
    expected = [
        pipelines["lm"].generate(prompt, max_new_tokens=5 + i, temperature=1.0, seed=i)
        for i, prompt in enumerate(prompts)
    ]
    assert actual == expected


def test_logprobs_of_a_completion(client, pipelines):
    answer = client.completions.create(model="lm", prompt=PROMPT, max_tokens=8, temperature=0, logprobs=3)
    logprobs, text = answer.choices[0].logprobs, answer.choices[0].text
    generator = pipelines["lm"].generator(max_new_tokens=8, temperature=0)
    ((expected,),) = generator.generate([{"text": PROMPT}])
    np.testing.assert_allclose(logprobs.token_logprobs, expected.logprobs, atol=1e-4)
    for token, logprob, top in zip(logprobs.tokens, logprobs.token_logprobs, logprobs.top_logprobs, strict=True):
        assert top[token] == max(top.values()) == logprob  # greedy
        assert 1 <= len(top) <= 3
    assert logprobs.text_offset == sorted(logprobs.text_offset)
    for token, offset in zip(logprobs.tokens, logprobs.text_offset, strict=True):
        assert token.startswith("bytes:") or text[offset : offset + len(token)] == token


def test_logprobs_of_a_chat(client):
    options = {"model": "chat", "messages": QUESTION, "seed": 3, "max_tokens": 8, "logprobs": True}
    answer = client.chat.completions.create(**options, top_logprobs=2)
    content = answer.choices[0].logprobs.content
    assert len(content) == answer.usage.completion_tokens
    text = bytes(byte for token in content for byte in token.bytes).decode("utf-8", "replace")
    assert answer.choices[0].message.content in text
    assert all(len(token.top_logprobs) == 2 for token in content)
    chunks = client.chat.completions.create(**options, top_logprobs=2, stream=True)
    streamed = [token for chunk in chunks if (part := chunk.choices[0].logprobs) for token in part.content]
    assert [token.token for token in streamed] == [token.token for token in content]
    np.testing.assert_allclose([x.logprob for x in streamed], [x.logprob for x in content], atol=1e-5)


def test_stop_strings(client):
    options = {"model": "lm", "prompt": PROMPT, "max_tokens": 30, "seed": 8}
    full = client.completions.create(**options).choices[0].text
    stop = full[10:13]
    answer = client.completions.create(**options, stop=[stop, "never generated"])
    assert answer.choices[0].text == full[: full.index(stop)]
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens < 30
    chunks = client.completions.create(**options, stop=stop, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == full[: full.index(stop)]


def test_echo(client):
    options = {"model": "lm", "prompt": "one", "max_tokens": 5, "seed": 8}
    text = client.completions.create(**options).choices[0].text
    assert client.completions.create(**options, echo=True).choices[0].text == "one" + text
    chunks = client.completions.create(**options, echo=True, stream=True)
    assert "".join(chunk.choices[0].text for chunk in chunks) == "one" + text


def test_logit_bias_and_penalties(client, pipelines):
    (id,) = pipelines["lm"].tokenizer.encode("z", special=False).ids.tolist()
    options = {"model": "lm", "prompt": "one", "max_tokens": 12, "temperature": 0}
    assert client.completions.create(**options, logit_bias={str(id): 100}).choices[0].text == "z" * 12
    for penalty in ("frequency_penalty", "presence_penalty"):
        bias = {str(id): 40, str(id - 1): 39}
        text = client.completions.create(**options, logit_bias=bias, **{penalty: 2}).choices[0].text
        assert set(text) == {"y", "z"}, penalty


def test_a_default_without_a_seed_is_random(client):
    texts = {client.completions.create(model="lm", prompt="one").choices[0].text for _ in range(3)}
    assert len(texts) == 3


class Person(BaseModel):
    name: str
    likes_tea: bool


def test_an_answer_of_a_json_schema(client):
    pytest.importorskip("outlines_core")
    options = {"model": "chat", "messages": QUESTION, "response_format": Person, "max_completion_tokens": 60}
    for seed in range(3):
        answer = client.chat.completions.parse(**options, seed=seed)
        assert isinstance(answer.choices[0].message.parsed, Person)
        assert answer.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("seed", range(3))
def test_an_answer_that_is_a_json_object(client, seed):
    pytest.importorskip("outlines_core")
    options = {"model": "chat", "messages": QUESTION, "response_format": {"type": "json_object"}}
    answer = client.chat.completions.create(**options, seed=seed, max_completion_tokens=60)
    assert isinstance(json.loads(answer.choices[0].message.content), dict)


@pytest.mark.parametrize(
    ("path", "checks", "request_"),
    [
        ("/v1/completions", COMPLETION_FIELDS, {"model": "lm", "prompt": "one", "max_tokens": 2}),
        ("/v1/chat/completions", CHAT_FIELDS, {"model": "chat", "messages": QUESTION, "max_tokens": 2}),
        ("/openai/v1/models", {}, None),
        ("/openai/v1/models/chat", {}, None),
    ],
)
def test_the_openapi_description_is_true(access, url, path, checks, request_):
    jsonschema = pytest.importorskip("jsonschema")
    ((method, operation),) = openai_paths(access.service)[path].items()
    if checks:
        body = operation["requestBody"]["content"]["application/json"]["schema"]
        assert set(body["properties"]) == set(checks)
        jsonschema.validate(request_, body)
        for name, schema in body["properties"].items():
            for bound, step in (("minimum", -1), ("maximum", 1)):
                if bound in schema:
                    assert checks[name](schema[bound]) is None
                    assert checks[name](schema[bound] + step), name
    for content, status in ((request_, 200), ({"model": "none"}, 404)):
        answer = httpx.request(method, url + path, json=content, timeout=TIMEOUT)
        if status == 200 or checks:
            assert answer.status_code == status
            described = operation["responses"][str(status)]["content"]["application/json"]["schema"]
            jsonschema.validate(answer.json(), described)


def test_a_client_that_goes_away_frees_its_row(url, access):
    """One row for a text: the next request ends only when the stream before was cancelled."""
    batch = access.prepare(access.service.models["lm"][1]).batch
    body = {"model": "lm", "prompt": "one", "max_tokens": 8000, "stream": True, "logit_bias": NO_END}
    for _ in range(5):
        with httpx.stream("POST", f"{url}/v1/completions", json=body, timeout=TIMEOUT) as answer:
            lines = answer.iter_lines()
            for _ in range(5):
                next(lines)
            assert batch.running >= 1
    wait_for(lambda: not batch.running and not access.service.leases)
    assert (batch.running, batch.waiting, access.service.leases) == (0, 0, 0)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{url}/v1/completions", json=body | {"stream": False}, timeout=0.5)
    wait_for(lambda: not batch.running and not access.service.leases)
    assert (batch.running, access.service.leases) == (0, 0)


def test_a_full_queue_is_status_429(url, client, access):
    batch = access.prepare(access.service.models["lm"][1]).batch
    body = {"model": "lm", "prompt": "one", "max_tokens": 8000, "logit_bias": NO_END, "stream": True}
    with httpx.stream("POST", f"{url}/v1/completions", json=body | {"n": 4}, timeout=TIMEOUT) as first:
        lines = first.iter_lines()
        next(lines)
        with httpx.stream("POST", f"{url}/v1/completions", json=body | {"n": 24}, timeout=TIMEOUT):
            answer = httpx.post(f"{url}/v1/completions", json=body, timeout=TIMEOUT)
            assert answer.status_code == 429
            assert answer.headers["retry-after"] == "1"
            assert access.service.metrics.registry.get_sample_value("zoo_generation_queued", {"model": "lm"}) == 24
            assert answer.json()["error"]["type"] == "rate_limit_error"
            with pytest.raises(openai.RateLimitError):
                client.completions.create(model="lm", prompt="one")
    wait_for(lambda: not batch.running and not batch.waiting)
    assert (
        client.completions.create(model="lm", prompt="one", max_tokens=2, logit_bias=NO_END).usage.completion_tokens
        == 2
    )


def test_a_failing_step_ends_its_stream_with_an_error(client, access, monkeypatch):
    batch = access.prepare(access.service.models["lm"][1]).batch
    decode, steps = batch.batch.decode, []

    def failing():
        steps.append(0)
        if len(steps) > 3:
            raise MemoryError("no memory for the step")
        return decode()

    monkeypatch.setattr(batch.batch, "decode", failing)
    with pytest.raises(openai.APIError, match="Internal error"):
        list(client.completions.create(model="lm", prompt="one", max_tokens=9, logit_bias=NO_END, stream=True))
    with pytest.raises(openai.InternalServerError):
        client.completions.create(model="lm", prompt="one", max_tokens=9, logit_bias=NO_END)
    monkeypatch.undo()
    answer = client.completions.create(model="lm", prompt="one", max_tokens=2, logit_bias=NO_END)
    assert answer.choices[0].finish_reason == "length"


def test_generated_tokens_and_the_rows_of_decoding_steps_are_counted(client, access):
    def values():
        names = ("generated_tokens_total", "generation_batch_rows_sum", "generation_batch_rows_count")
        sample = access.service.metrics.registry.get_sample_value
        return np.array([sample(f"zoo_{name}", {"model": "translation"}) or 0 for name in names])

    client.completions.create(model="translation", prompt="a", max_tokens=2, temperature=0)  # loads it
    before = values()
    answer = client.completions.create(model="translation", prompt="a b", n=3, max_tokens=5, seed=1)
    tokens, rows, steps = values() - before
    assert tokens == rows >= answer.usage.completion_tokens > 0  # an end token is generated, too
    assert tokens <= answer.usage.completion_tokens + 3
    assert 1 <= steps <= 15
