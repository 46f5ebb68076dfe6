"""`Explore` on the page of a real server: the network of a served version explains an answer, in a frame."""

import json
import shutil

import httpx
import pytest
from page_driver import browser

import zoo
from zoo.serving.http.server import running_server
from zoo.serving.page.page_requests import explanation_request
from zoo.serving.server_settings import ServerSettings
from zoo.serving.serving_error import ServingError
from zoo.serving.versions.model_loading import open_service

__all__ = ["browser"]  # a fixture
TEXT = "an awful film, it's 😀 dull <img src=x onerror=window.attacked=1>"


@pytest.fixture(scope="module")
def export(model_folder, tmp_path_factory):
    """An export, in the model folder's form FOLDER/1."""
    folder = tmp_path_factory.mktemp("export") / "reviews"
    zoo.load(model_folder).export(folder / "1")
    return folder


@pytest.fixture(scope="module")
def url(export):
    with running_server(export) as url:
        yield url


def post(url, **fields):
    body = {"model": "reviews", "version": "", "inputs": {"text": TEXT}} | fields
    return httpx.post(f"{url}/page/explore", json=body, timeout=60)


def test_a_text_is_explained_in_a_frame(browser, url, model_folder):
    page, failures = browser.new_page(), []
    page.on("console", lambda message: failures.append(message.text) if "Content Security" in message.text else None)
    page.goto(url)
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.get_by_role("button", name="Explore").click()
    page.get_by_role("status").filter(has_text="Explained in").wait_for(timeout=60_000)
    frame = page.frame_locator("#explanation-frame")
    frame.get_by_role("tab", name="Why this answer").wait_for()
    assert frame.get_by_text(TEXT).first.is_visible()
    assert zoo.load(model_folder).predict(TEXT)["label"] in frame.locator(".answer dd").inner_text()
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python").Axe()
    assert not axe.run(page).response["violations"]
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Open in a new tab").click()
    popup.value.get_by_role("tab", name="Why this answer").wait_for()
    assert popup.value.evaluate("window.attacked === undefined")
    assert not failures
    page.close()


def test_a_network_is_loaded_once(url, monkeypatch):
    assert post(url).status_code == 200
    monkeypatch.setattr("zoo.pipeline.model_folder.load", lambda folder: pytest.fail("loaded again"))
    response = post(url, version="1")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert response.headers["Content-Security-Policy"] == "sandbox allow-scripts"


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"model": "none"}, 404, "none"),
        ({"version": "7"}, 404, "7"),
        ({"inputs": {}}, 400, "text"),
        ({"inputs": {"text": "x" * 100_001}}, 400, "at most 100000 characters"),
    ],
)
def test_what_cannot_be_explained_is_refused(url, fields, status, message):
    response = post(url, **fields)
    assert response.status_code == status
    assert message in response.json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b"{}",
        b"\xff",
        b"[" * 100_000,
        *(
            json.dumps({"model": "m", "version": "", "inputs": {}} | fields).encode()
            for fields in (
                {"model": 1},
                {"version": 1},
                {"version": "1a"},
                {"inputs": []},
                {"inputs": {"a": 1}},
                {"inputs": {"a": "\ud800"}},
                {"b": 1},
            )
        ),
    ],
)
def test_other_bodies_are_refused(body):
    with pytest.raises(ServingError, match="^Expected"):
        explanation_request(body)


def test_a_damaged_network_is_one_line_and_the_log_says_why(export, tmp_path, caplog):
    folder = tmp_path / "copy" / "1"
    shutil.copytree(export / "1", folder)
    (folder / "assets.extra" / "zoo" / "tokenizer.json").write_text("{")
    with running_server(folder.parent) as url:
        response = post(url, model="copy")
    assert response.status_code == 400
    assert response.json()["error"] == "The network of the model 'copy' cannot be loaded: the server's log says why."
    assert "tokenizer.json" in caplog.text


def test_explanations_need_the_token_and_end_at_the_time_limit(export, monkeypatch):
    service = open_service([str(export)], ServerSettings(log="off", token="secret", request_timeout=0.001))
    with running_server(service=service) as url:
        assert post(url).status_code == 401
        headers, body = {"Authorization": "Bearer secret"}, {"model": "reviews", "inputs": {"text": TEXT}}
        response = httpx.post(f"{url}/page/explore", json=body, headers=headers, timeout=60)
    assert response.status_code == 504


def test_an_export_without_its_network_cannot_be_explained(export, tmp_path):
    folder = tmp_path / "bare" / "1"
    shutil.copytree(export / "1", folder)
    shutil.rmtree(folder / "assets.extra")
    with running_server(export, folder.parent) as url:
        models = httpx.get(f"{url}/page/models").json()["models"]
    assert {model["name"]: model["versions"][0]["explainable"] for model in models} == {"bare": False, "reviews": True}
