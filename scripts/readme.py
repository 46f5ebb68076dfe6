"""Bring the generated parts of README.md up to date: the tables of what the zoo holds and the tree of files.

python scripts/readme.py
"""

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"


def tables():
    """Markdown: a table for each kind of thing in the catalog, its text the first line of its file's docstring."""
    from zoo import catalog

    for kind in catalog.KINDS:
        yield f"| {kind} | |\n| --- | --- |\n" + "\n".join(
            f"| `{name}` | {catalog.describe(kind, name)} |" for name in catalog.names(kind)
        )
    yield "\n".join(pairs(catalog))


def pairs(catalog):
    """Lines of a Markdown table: which architecture serves which objective, and with which setting if need be."""
    objectives = catalog.names("objectives")
    able = {objective: catalog.serving(objective) for objective in objectives}
    yield f"| | {' | '.join(f'`{name}`' for name in objectives)} |"
    yield "| --- " * (len(objectives) + 1) + "|"
    for name in catalog.names("architectures"):
        cells = (
            "" if name not in able[one] else f"`{able[one][name]}`" if able[one][name] else "yes" for one in objectives
        )
        yield f"| `{name}` | {' | '.join(cells)} |"


def tree():
    """A line for each file that git tracks: its path and what it says of itself."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    lines = [(path, about(ROOT / path)) for path in sorted(listed) if path != "README.md"]
    width = max(len(path) for path, text in lines if text)
    return "\n".join(f"{path:{width}}  {text}" for path, text in lines if text)


def about(path):
    """The first line of a Python file's docstring, or of a script's first comment; empty for other files."""
    if path.suffix not in (".py", ".sh", ""):
        return ""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    comments = [line for line in text.splitlines()[:3] if line.startswith("# ")]
    return comments[0].removeprefix("# ") if comments else ""


def updated(readme):
    """README's text with its generated parts as they should be."""
    for mark, part in {"catalog": "\n\n".join(tables()), "tree": f"```text\n{tree()}\n```"}.items():
        before, _, rest = readme.partition(f"<!-- {mark} -->\n")
        _, _, after = rest.partition(f"<!-- end of {mark} -->")
        readme = f"{before}<!-- {mark} -->\n{part}\n<!-- end of {mark} -->{after}"
    return readme


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
