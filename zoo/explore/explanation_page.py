"""The page of an explanation: one HTML file without a network, and a frame of it for notebooks.

The security policy of the page (https://www.w3.org/TR/CSP3/) allows its style and its script, by their hashes, and
nothing else: no request to any host, no event handler or script in a text that is shown.
"""

import base64
import hashlib
import html
from functools import cache
from pathlib import Path

from zoo.explore.page_data import encode
from zoo.explore.views import Explanation

FOLDER = Path(__file__).parent / "page"
FRAME_HEIGHT = 720  # pixels


def to_html(explanation: Explanation) -> str:
    """The explanation as a page: a HTML document that needs no other file and no network."""
    script_source, style_source = policy_sources()
    policy = (
        f"default-src 'none'; script-src {script_source}; style-src {style_source}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": policy,
        "title": html.escape(" and ".join(model.name for model in explanation.models) + ": explanation"),
        "style": _read("built/explorer.css"),
        "data": base64.b64encode(encode(explanation)).decode(),
        "script": _read("built/explorer.js"),
    }
    page = _read("index.html")
    for name, text in parts.items():
        page = page.replace(f"{{{name}}}", text, 1)
    return page


def to_frame(explanation: Explanation) -> str:
    """The page as a frame of HTML, which a notebook shows: it has no access to the notebook, and needs no server."""
    page = html.escape(to_html(explanation))
    style = f"width:100%;height:{FRAME_HEIGHT}px;border:0"
    return f'<iframe sandbox="allow-scripts" title="Explanation" style="{style}" srcdoc="{page}"></iframe>'


def policy_sources() -> tuple[str, str]:
    """The hashes of the script and of the style of each page, as sources of a security policy."""
    return hash_source(_read("built/explorer.js")), hash_source(_read("built/explorer.css"))


def hash_source(text: str) -> str:
    """A text as a source of a security policy: its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _read(name):
    return (FOLDER / name).read_text(encoding="utf-8")
