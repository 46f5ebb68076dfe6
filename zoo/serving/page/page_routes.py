"""Routes of the page: `/`, one HTML file with its style and script inline, and `/page/models`, JSON for it.

The security policy of the page (https://www.w3.org/TR/CSP3/) allows this style and this script, by their hashes,
requests to this server, and nothing else: no other host, no event handler or script in a text that is shown.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.serving.page.page_models import describe_models
from zoo.serving.service import Service

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

FOLDER = Path(__file__).parent
STYLES = ("style.css", "controls.css", "answers.css", "marks.css")
SCRIPTS = (  # each after those that it imports
    *("elements.mjs", "text.mjs", "requests.mjs", "code.mjs", "events.mjs", "marks.mjs", "answers.mjs"),
    *("server.mjs", "code_panel.mjs", "choice.mjs", "fields.mjs", "generation.mjs", "main.mjs"),
)
IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=const|function|async|class)", re.MULTILINE)


def routes(service: Service) -> list[BaseRoute]:
    """The routes of the page of a service. `/` holds nothing of the models: it needs no token."""
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route

    def page(request: Request) -> HTMLResponse:
        html, policy = build_page()
        return HTMLResponse(html, headers=_headers(policy))

    def models(request: Request) -> JSONResponse:
        content = {"ready": service.ready, "models": describe_models(service)}
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    return [Route("/", page), Route("/page/models", models)]


def _headers(policy):
    return {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


@cache
def build_page() -> tuple[str, str]:
    """`(the HTML of the page, its Content-Security-Policy)`."""
    style, script = "\n" + "".join(_read(name) for name in STYLES), "\n" + build_script()
    html = _read("index.html").replace("<style></style>", f"<style>{style}</style>")
    html = html.replace('<script type="module"></script>', f'<script type="module">{script}</script>')
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return html, policy


def build_script() -> str:
    """The modules of the page as one script: without `import`, whose names are there, and without `export`."""
    return EXPORT.sub("", IMPORT.sub("", "\n".join(_read(name) for name in SCRIPTS)))


def _read(name):
    return (FOLDER / name).read_text(encoding="utf-8")


def _source(text):
    """A text as a source of a security policy: its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
