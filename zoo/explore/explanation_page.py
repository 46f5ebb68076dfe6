"""Explanations of texts, and their page: one HTML file without a network, and a frame of it for notebooks.

The security policy of the page (https://www.w3.org/TR/CSP3/) allows its style and its script, by their hashes, and
nothing else: no request to any host, no event handler or script in a text that is shown.
"""

import base64
import hashlib
import html
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from zoo.explore.page_data import encode
from zoo.explore.views import Comparison, ModelExplanation
from zoo.runtime.files import write_text

FOLDER = Path(__file__).parent / "page"
FRAME_HEIGHT = 720  # pixels


@dataclass
class Explanation:
    """Explanations of texts by one model, or by two side by side. A notebook shows them as the page."""

    models: list[ModelExplanation]
    comparison: list[Comparison] = field(default_factory=list)  # for each text, with two models
    notes: list[str] = field(default_factory=list)  # what was left out, and the argument that asks for it

    def to_html(self) -> str:
        """The page: a HTML document that needs no other file and no network."""
        script_source, style_source = policy_sources()
        parts = {
            "policy": f"default-src 'none'; script-src {script_source}; style-src {style_source}; img-src data:; "
            "base-uri 'none'; form-action 'none'",
            "title": html.escape(" and ".join(model.name for model in self.models) + ": explanation"),
            "style": _read("built/explorer.css"),
            "data": base64.b64encode(encode(self)).decode(),
            "script": _read("built/explorer.js"),
        }
        return re.sub("{(policy|title|style|data|script)}", lambda name: parts[name[1]], _read("index.html"))

    def save(self, path: str | Path) -> Path:
        """Write the page into a file, and return its path; an interrupted write leaves no file."""
        write_text(Path(path), self.to_html())
        return Path(path)

    def _repr_html_(self) -> str:
        """The page as a frame: it has no access to the notebook, and needs no server."""
        style = f"width:100%;height:{FRAME_HEIGHT}px;border:0"
        page = html.escape(self.to_html())
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
