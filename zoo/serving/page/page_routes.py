"""Routes of the page: `/`, one HTML file with its style and script inline; `/page/models` and `/page/explore` for it.

The security policy of the page (https://www.w3.org/TR/CSP3/) allows this style and this script, by their hashes,
requests to this server, and nothing else: no other host, no event handler or script in a text that is shown. An
explanation is a page in a frame, which inherits the policy, so that its style and script are allowed, too.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.explore.explanation_page import hash_source, policy_sources
from zoo.serving.page.explainer import Explainer
from zoo.serving.page.page_models import describe_models
from zoo.serving.page.page_requests import explanation_request
from zoo.serving.service import Service

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

FOLDER = Path(__file__).parent
STYLES = ("style.css", "controls.css", "answers.css", "marks.css")
SCRIPTS = (  # each after those that it imports
    *("elements.mjs", "text.mjs", "requests.mjs", "code.mjs", "events.mjs", "marks.mjs", "answers.mjs"),
    *("server.mjs", "code_panel.mjs", "choice.mjs", "fields.mjs", "generation.mjs", "explanation.mjs", "main.mjs"),
)
IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
EXPORT = re.compile(r"^export (?=const|function|async|class)", re.MULTILINE)


def routes(service: Service) -> list[BaseRoute]:
    """The routes of the page of a service. `/` holds nothing of the models: it needs no token."""
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Route

    explainer = Explainer(service)

    def page(request: Request) -> HTMLResponse:
        html, policy = build_page()
        return HTMLResponse(html, headers=_headers(policy))

    def models(request: Request) -> JSONResponse:
        content = {"ready": service.ready, "models": describe_models(service)}
        return JSONResponse(content, headers={"Cache-Control": "no-store"})

    async def explore(request: Request) -> HTMLResponse:
        content = await explainer.explain(*explanation_request(await request.body()))
        return HTMLResponse(content, headers=_headers("sandbox allow-scripts"))

    return [Route("/", page), Route("/page/models", models), Route("/page/explore", explore, methods=["POST"])]


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
    explorer_script, explorer_style = policy_sources()
    policy = (
        f"default-src 'none'; script-src {hash_source(script)} {explorer_script}; "
        f"style-src {hash_source(style)} {explorer_style}; connect-src 'self'; frame-src blob:; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    return html, policy


def build_script() -> str:
    """The modules of the page as one script: without `import`, whose names are there, and without `export`."""
    return EXPORT.sub("", IMPORT.sub("", "\n".join(_read(name) for name in SCRIPTS)))


def _read(name):
    return (FOLDER / name).read_text(encoding="utf-8")
