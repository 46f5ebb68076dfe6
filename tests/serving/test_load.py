"""64 callers with texts of their own for a minute while versions arrive: each gets its own answer, and none is lost."""

import json
import random
import shutil
import socket
import threading
import time
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from serving_models import copy_version, resident_memory, save_batched, wait_until

from zoo.serving.http.server import running_server
from zoo.serving.server_settings import ServerSettings
from zoo.serving.versions.model_loading import open_service

CALLERS = 64
LETTERS = "abcdefghijklmnopqrstuvwxyzäöü漢字😀 "


class Callers:
    """Threads that call the REST API with random texts until they are stopped; `wrong` lists what went wrong."""

    def __init__(self, url, count):
        self.address = urlsplit(url).hostname, urlsplit(url).port
        self.count, self.wrong, self.versions = [0] * count, [], set()
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._call, args=(index,)) for index in range(count)]
        self._threads.append(threading.Thread(target=self._abandon))
        for thread in self._threads:
            thread.start()

    def stop(self):
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _call(self, index):
        generator = random.Random(index)
        with closing(HTTPConnection(*self.address, timeout=60)) as connection:
            while not self._stopped.is_set():
                texts = [text_of(generator, index) for _ in range(generator.choice((1, 1, 1, 3)))]
                connection.request("POST", "/v1/models/m:predict", json.dumps({"instances": texts}))
                answer = connection.getresponse()
                self._check(texts, answer.status, answer.read())
                self.count[index] += 1

    def _check(self, texts, status, body):
        answers = json.loads(body).get("predictions", []) if status == 200 else []
        versions = {answer.removeprefix(text) for text, answer in zip(texts, answers, strict=False)}
        self.versions |= versions
        if len(answers) != len(texts) or len(versions) != 1 or not versions.pop().startswith(" of version "):
            self.wrong.append((status, texts, body))

    def _abandon(self):
        """Send requests and close their connections before the answer."""
        body = json.dumps({"instances": ["abandoned"] * 5}).encode()
        head = f"POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        while not self._stopped.wait(0.01):
            with socket.create_connection(self.address) as connection:
                connection.sendall(head + body)


def text_of(generator, caller):
    """A text that no other caller sends, of any length up to 2,000 characters."""
    return f"{caller}:" + "".join(generator.choices(LETTERS, k=int(2000 ** generator.random())))


def load(tmp_path, callers, seconds, versions):
    """Call a server while versions arrive; the number of answers, and the growth of the memory in MB."""
    exports = [save_batched(tmp_path, version) for version in (1, 2)]
    folder = tmp_path / "m"
    folder.mkdir()
    copy_version(exports[0], folder, 1)
    service = open_service([str(folder)], ServerSettings(log="off"), poll_seconds=0.1)
    with running_server(service=service) as url:
        calls, sizes = Callers(url, callers), []
        for version in range(2, versions + 2):
            time.sleep(seconds / versions)
            copy_version(exports[version % 2], folder, version)
            wait_until(lambda version=version: set(service.models["m"]) == {version}, 60)
            shutil.rmtree(folder / str(version - 1))
            sizes.append(resident_memory())
        calls.stop()
    assert not calls.wrong, calls.wrong[:3]
    assert calls.versions == {" of version 1", " of version 2"}
    assert min(calls.count) > 0
    return sum(calls.count), sizes[-1] - sizes[len(sizes) // 4]


def test_callers_get_their_own_answers_while_versions_change(tmp_path):
    load(tmp_path, 16, 2, 3)


@pytest.mark.slow
def test_64_callers_for_a_minute_while_20_versions_arrive(tmp_path):
    answers, growth = load(tmp_path, CALLERS, 60, 20)
    print(f"{answers} answers, {growth:.1f} MB")
    assert answers > 1000
    assert growth < 20  # MB
