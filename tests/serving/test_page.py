"""The routes of the page of `zoo serve`, its security policy, and its sources."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import httpx
import pytest
from page_driver import server
from page_script import NODE, run
from page_server import DEFAULTS

from zoo.serving.page.page_routes import FOLDER, SCRIPTS, STYLES, build_page, build_script

__all__ = ["server"]  # a fixture


class Page(HTMLParser):
    """The tags of a page, as (name, attributes), and the texts of its style and script."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.raw = [], {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] in ("style", "script"):
            self.raw.setdefault(self.tags[-1][0], data)


def test_the_page_is_one_file_that_its_policy_allows(server):
    response = httpx.get(server.url)
    policy, page = response.headers["Content-Security-Policy"], Page(response.text)
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for name, directive in {"style": "style-src", "script": "script-src"}.items():
        digest = base64.b64encode(hashlib.sha256(page.raw[name].encode()).digest()).decode()
        assert f"{directive} 'sha256-{digest}' " in policy  # and that of an explanation's page
    loaded = [attributes for _, attributes in page.tags if attributes.get("src") or attributes.get("href")]
    assert loaded == [{"rel": "icon", "href": "data:,"}]
    assert not re.search(r"https?://(?!html\.spec)", response.text)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]


def test_every_source_file_is_in_the_page():
    assert {path.name for path in FOLDER.iterdir() if path.suffix in (".css", ".mjs")} == {*STYLES, *SCRIPTS}
    html, _ = build_page()
    assert html.count("</script>") == html.count("</style>") == 1


def test_the_script_is_valid_and_reads_no_text_as_html(tmp_path):
    (tmp_path / "page.mjs").write_text(build_script(), encoding="utf-8")  # a name that two modules define is an error
    run([NODE[0], "--check", str(tmp_path / "page.mjs")], "")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", build_script()
    )


def test_ids_of_the_script_are_in_the_page():
    ids = {attributes["id"] for _, attributes in Page(build_page()[0]).tags if "id" in attributes}
    assert (
        set(re.findall(r'byId\("([^"]+)"\)', build_script())) - {"field-system", "field-message", "field-prompt"} <= ids
    )


def test_models_are_described(server):
    models = {model["name"]: model["versions"] for model in httpx.get(f"{server.url}page/models").json()["models"]}
    assert [version["version"] for version in models["classify"]] == [12, 3]
    (pair,) = models["next"][0]["signatures"]
    assert [tensor["name"] for tensor in pair["inputs"]] == ["text", "text_pair"]
    assert pair["inputs"][0] == {"name": "text", "dtype": "string", "shape": [None], "default": None}
    (generate,) = (spec for spec in models["writer"][0]["signatures"] if spec["name"] == "generate")
    assert {tensor["name"]: tensor["default"] for tensor in generate["inputs"]} == {"text": None, **DEFAULTS}
    assert (models["classify"][0]["objective"], models["classify"][0]["streams"]) == ("", [])
    assert (models["chat"][0]["objective"], models["chat"][0]["streams"][0]) == ("follow_instructions", "chat")


@pytest.mark.parametrize("path", ["page/index.html", "page/../page_routes.py", "page/models/../../app.py", "page/"])
def test_no_path_reaches_the_file_system(server, path):
    assert httpx.get(f"{server.url}{path}").status_code == 404
    assert httpx.get(f"{server.url}{path.replace('/', '%2f')}").status_code == 404
