"""`zoo serve` as a process: start-up lines, answers, drain on signals, and mistakes in one line."""

import re
import signal
import socket
from contextlib import contextmanager

import httpx
import pytest
from serving_models import save_versioned, wait_until
from serving_process import url_of, zoo_serve

FRAMEWORKS = ("keras", "jax", "torch", "zoo.objectives", "zoo.architectures")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    save_versioned(folder, 1)
    return folder


def test_a_server_starts_answers_and_drains_on_sigterm(folder):
    code = """
import atexit, sys
def report():
    print("imported:", [name for name in sys.argv.pop().split(",") if name in sys.modules], file=sys.stderr)
atexit.register(report)
sys.argv.append(FRAMEWORKS)
from zoo.cli.main import _run
_run(sys.argv[1:-1])
""".replace("FRAMEWORKS", repr(",".join(FRAMEWORKS)))
    with zoo_serve(f"m={folder}", "--port", 0, code=code) as (process, lines):
        url = url_of(process, lines)
        assert "Serving m, version 1: serving_default.\n" in lines
        assert not any(line.startswith("OpenAI-compatible API") for line in lines)  # it generates and embeds nothing
        assert f"""Try: curl -d '{{"instances": ["A text."]}}' {url}/v1/models/m:predict\n""" in lines
        assert httpx.get(f"{url}/readyz").json() == {"status": "ready", "models": {"m": {"1": "AVAILABLE"}}}
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    ending, imported = lines[-2:]
    assert re.match(r"Ending: [01] requests in flight have 30 seconds\. Ctrl-C again ends at once\.", ending)
    assert imported == "imported: []\n"


@contextmanager
def request_in_flight(folder):
    """A server, its lines, and the connection of a request whose body is missing; models need not be loaded for it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = free.getsockname()
    with zoo_serve(f"m={folder}", "--port", address[1], "--log", "off") as (process, lines):
        wait_until(lambda: answers(address), 60)
        with socket.create_connection(address) as connection:
            connection.sendall(b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n")
            metrics = "http://{}:{}/metrics".format(*address)
            wait_until(lambda: "zoo_requests_in_flight 2.0" in httpx.get(metrics, timeout=60).text)
            yield process, lines, connection


def answers(address):
    try:
        return httpx.get("http://{}:{}/healthz".format(*address), timeout=60).is_success
    except httpx.ConnectError:
        return False


def is_ending(lines):
    return any(re.match("Ending: [12] requests in flight have 30 seconds.", line) for line in lines)


def test_a_request_in_flight_is_answered_after_sigterm(folder):
    with request_in_flight(folder) as (process, lines, connection):
        process.send_signal(signal.SIGTERM)
        wait_until(lambda: is_ending(lines))
        connection.sendall(b"{}")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400 ")  # POST where only GET is
        assert process.wait(20) == 0


def test_a_second_signal_ends_at_once(folder):
    with request_in_flight(folder) as (process, lines, _):
        process.send_signal(signal.SIGINT)
        wait_until(lambda: is_ending(lines))
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 128 + signal.SIGINT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing"], "Received: missing, which does not exist."),
        (["FOLDER", "--port", "USED"], r"Expected a free port. Received: --host 127.0.0.1 --port \d+ "),
        (["FOLDER", "--host", "no.such.host.invalid"], "Expected a host of this machine. Received: --host no.such"),
        (["FOLDER", "--port", "70000"], "Expected a port of 0 to 65535. Received: port=70000."),
        (["FOLDER", "--versions", "newest"], "Expected --versions latest, latest:N, all or numbers"),
        (["FOLDER", "--label", "x"], "Expected a label such as canary=2"),
        (["FOLDER", "--log", "xml"], "Expected log json, text or off. Received: log='xml'."),
        (["FOLDER", "--max-rows", "0"], "Expected max_rows of at least 1. Received: max_rows=0."),
        (
            ["FOLDER", "--certificate", "x.pem"],
            "Expected a PEM file as certificate. Received: x.pem",
        ),
        (["FOLDER", "--certificate", "PEM", "--key", "PEM"], "Expected the PEM files of a certificate and its key."),
        (["FOLDER", "--token", "a b"], "Expected a token of ASCII characters without spaces."),
        (
            ["BROKEN", "--port", "0"],
            "Expected a version that can be loaded of each model. Received: broken: ",
        ),
        ([], "Missing argument"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(folder, tmp_path, arguments, message):
    (tmp_path / "broken" / "1").mkdir(parents=True)
    (tmp_path / "broken" / "1" / "saved_model.pb").write_bytes(b"\xff")
    (tmp_path / "a.pem").write_text("no certificate")
    with socket.create_server(("127.0.0.1", 0)) as used:
        values = {
            "PEM": tmp_path / "a.pem",
            "FOLDER": folder,
            "BROKEN": tmp_path / "broken",
            "USED": used.getsockname()[1],
        }
        with zoo_serve(*(values.get(argument, argument) for argument in arguments)) as (process, lines):
            assert process.wait(60) == 2
    errors = [line for line in lines if not line.startswith("Cannot load broken version 1: ")]
    assert len(errors) == 1
    assert re.match(f"zoo: .*{message}", errors[0])


@pytest.mark.parametrize("library", ["uvicorn", "starlette", "prometheus_client", "tensorflow"])
def test_a_missing_library_is_one_line_that_says_how_to_install_it(folder, library):
    code = f"import sys; sys.modules[{library!r}] = None; from zoo.cli.main import main; main()"
    with zoo_serve(f"m={folder}", "--port", 0, code=code) as (process, lines):
        assert process.wait(60) == 2
    assert len(lines) == 1
    assert f"package {library.replace('_', '-')} " in lines[0]
    assert 'pip install "keras-text-zoo[serve]"' in lines[0]


def test_more_than_this_machine_is_told_who_can_reach_the_server(folder):
    with zoo_serve(f"m={folder}", "--port", 0, "--host", "0.0.0.0") as (_, lines):
        wait_until(lambda: len(lines) >= 3, 60)
    assert re.match(r"Reachable from every network of this machine, port [1-9]\d*\. A firewall", lines[0])
    assert lines[1] == "Warning: without a token, everyone there can use the models: --token, or ZOO_SERVE_TOKEN.\n"
