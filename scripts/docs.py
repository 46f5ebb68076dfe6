"""Generate the tables and the source tree in README.md and docs/: the catalog, compatible pairs, settings, files.

python scripts/docs.py

A generated part stands between the comments `<!-- NAME -->` and `<!-- end of NAME -->`; `PARTS` has each NAME.
"""

import ast
import inspect
import re
import subprocess
import sys
from dataclasses import MISSING, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from layer_pages import layer_pages

ROOT = Path(__file__).parent.parent
SECTIONS = {"data": "Data", "training": "Training", "lora": "LoRA", "tuning": "Tuning"}  # of a preset


def pages():
    """Paths of the Markdown files that people read, the front page first."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def table(header, rows):
    """A Markdown table; a row is a list of strings as long as `header`."""
    cells = [header, ["---"] * len(header), *rows]
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in cells)
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


def catalog_table(kind):
    """The catalog of one kind: each name with the first line of its file's docstring."""
    from zoo import catalog

    return table(
        [kind.removesuffix("s"), "what it is"],
        [[f"`{name}`", catalog.describe(kind, name)] for name in catalog.names(kind)],
    )


def preset_table():
    """Each preset with its architecture, objective, data and the first line of its file's docstring."""
    from zoo import catalog

    rows = []
    for name in catalog.names("presets"):
        preset = catalog.load("presets", name)
        parts = [catalog.name_of(kind, getattr(preset, kind[:-1])) for kind in ("architectures", "objectives")]
        source = f"`{preset.data.spec}`" if preset.data.spec else "yours"
        rows.append([f"`{name}`", *(f"`{part}`" for part in parts), source, catalog.describe("presets", name)])
    return table(["preset", "architecture", "objective", "data", "what it trains"], rows)


def course_table():
    """The experiments in the order of the course, each with its title, linked to its page."""
    from zoo import catalog
    from zoo.course._listing import course_order

    rows = [
        [str(number), f"[`{name}`]({name}.md)", catalog.describe("course", name)]
        for name, number in course_order().items()
    ]
    return table(["", "experiment", "what it shows"], rows)


def field_table():
    """The record fields that each objective trains on, and those that it predicts from."""
    from zoo import catalog

    rows = []
    for name in catalog.names("objectives"):
        fields = catalog.load("objectives", name)().fields
        optional = [field for field in fields.optional if field not in fields.required]
        rows.append(
            [f"`{name}`", *(", ".join(f"`{x}`" for x in part) for part in (fields.required, optional, fields.inputs))]
        )
    return table(["objective", "trains on", "optional", "predicts from"], rows)


def target_table():
    """What `fit` takes of a model of each objective, from the docstring of its `collate`."""
    from zoo import catalog

    rows = []
    for name in catalog.names("objectives"):
        parts = described_parts(catalog.load("objectives", name).collate, ("Inputs", "Targets", "Weights"))
        rows.append([f"`{name}`", *parts])
    return table(["objective", "inputs", "targets", "sample weights"], rows)


def described_parts(function, headings):
    """The text after each heading, such as "Inputs:", in a function's docstring."""
    doc = inspect.getdoc(function)
    parts = re.findall(r"^(\w+): (.*(?:\n {4}.*)*)", doc, re.MULTILINE)
    return [" ".join(dict(parts)[heading].split()) for heading in headings]


def pair_table():
    """Which architecture suits which objective: "yes", or the setting that the pair needs."""
    from zoo import catalog

    objectives = catalog.names("objectives")
    settings = {objective: catalog.compatible_architectures(objective) for objective in objectives}
    rows = [
        [f"`{name}`", *(_pair(settings[objective].get(name)) for objective in objectives)]
        for name in catalog.names("architectures")
    ]
    return table(["", *(f"`{objective}`" for objective in objectives)], rows)


def _pair(setting):
    return {None: "", "": "yes"}.get(setting, f"`{setting}`")


def size_table():
    """The named sizes of each architecture, the smallest first."""
    from zoo import catalog

    sizes = {name: catalog.sizes("architectures", name) for name in catalog.names("architectures")}
    rows = [[f"`{name}`", ", ".join(f"`{size}`" for size in known)] for name, known in sizes.items() if known]
    return table(["architecture", "named sizes"], rows)


def setting_table():
    """Every field of a preset's `Data`, `Training`, `LoRA` and `Tuning`: path, default, the comment beside it."""
    from zoo import presets

    rows = [
        [f"`{section}.{name}`", default, comment]
        for section, cls in SECTIONS.items()
        for name, default, comment in described_fields(getattr(presets, cls))
    ]
    return table(["setting", "default", "meaning"], rows)


def option_table(command):
    """Every option of a `zoo` command: its name, default, help."""
    import typer

    from zoo.cli.main import app

    rows = [
        [f"`{option.opts[0]}`", "" if option.default in (None, False, "") else f"`{option.default}`", option.help]
        for option in typer.main.get_command(app).commands[command].params
        if option.opts[0].startswith("--")
    ]
    return table(["option", "default", "meaning"], rows)


def described_fields(cls):
    """(name, default, comment) of each field of a dataclass, from its source."""
    from zoo.runtime.field_comments import default_of, field_comments

    comments = field_comments(cls)
    for field in fields(cls):
        default = default_of(field)
        yield field.name, "" if default in (MISSING, "", None) else f"`{default}`", comments[field.name].meaning


def floor_table():
    """Each folder or single file of the package: floor, name, first line of its docstring; the highest floor first."""
    tests = ast.parse((ROOT / "tests" / "test_imports.py").read_text(encoding="utf-8"))
    floors = next(
        ast.literal_eval(node.value)
        for node in tests.body
        if isinstance(node, ast.Assign) and node.targets[0].id == "FLOORS"
    )
    rows = []
    for number, rooms in reversed(list(enumerate(floors))):
        for room in sorted(rooms):
            package = ROOT / "zoo" / room / "__init__.py"
            path = package if package.exists() else ROOT / "zoo" / f"{room}.py"
            rows.append([str(number), f"`{room}`", about(path)])
    return table(["floor", "room", "what it is"], rows)


def tree():
    """The source tree: each file of git that has a docstring or a first comment, with its first line."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    lines = [(path, about(ROOT / path)) for path in sorted(set(listed)) if (ROOT / path).is_file()]
    width = max(len(path) for path, text in lines if text)
    return "```text\n" + "\n".join(f"{path:{width}}  {text}" for path, text in lines if text) + "\n```"


def about(path):
    """The first line of a Python file's docstring, or of a script's first comment; empty for other files."""
    if path.suffix not in (".py", ".sh", ""):
        return ""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
    comments = [line for line in text.splitlines()[:3] if line.startswith("# ")]
    return comments[0].removeprefix("# ") if comments else ""


PARTS = {
    "architectures": lambda: catalog_table("architectures"),
    "objectives": lambda: catalog_table("objectives"),
    "readers": lambda: catalog_table("readers"),
    "tokenizers": lambda: catalog_table("tokenizers"),
    "presets": preset_table,
    "course": course_table,
    "fields": field_table,
    "targets": target_table,
    "pairs": pair_table,
    "sizes": size_table,
    "settings": setting_table,
    "layers": lambda: layer_pages(table),
    "train_options": lambda: option_table("train"),
    "generate_options": lambda: option_table("generate"),
    "explore_options": lambda: option_table("explore"),
    "floors": floor_table,
    "tree": tree,
}


def generated(page):
    """A page's text with its generated parts up to date.

    Raises ValueError for a part that `PARTS` does not know, or that has no end.
    """
    for name in re.findall(r"^<!-- (\w+) -->$", page, re.MULTILINE):
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
        if name not in PARTS or end not in page:
            raise ValueError(f"Expected one of {', '.join(PARTS)}, with its end. Received: <!-- {name} -->.")
        before, _, after = page.partition(begin)
        page = f"{before}{begin}{PARTS[name]()}\n{end}{after.partition(end)[2]}"
    return page


if __name__ == "__main__":
    for path in pages():
        path.write_text(generated(path.read_text(encoding="utf-8")), encoding="utf-8")
