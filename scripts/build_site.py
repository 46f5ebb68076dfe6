"""Build the documentation site in site/: the reference pages from the code, then the pages of docs/ by Zensical.

python scripts/build_site.py    # needs: pip install ".[docs]"
"""

import inspect
import subprocess
import sys
from dataclasses import MISSING, fields

from docs import ROOT, SECTIONS, table

REFERENCE = ROOT / "docs" / "reference"
CATALOGS = ("architectures", "objectives", "tokenizers")


def command_line():
    """The page of the command line: each command with its description, arguments and options."""
    import typer

    from zoo.cli.main import app

    lines = [
        "# Command line",
        "",
        "`zoo COMMAND --help` prints the same. Results are on standard output, messages on standard error.",
    ]
    for name, command in typer.main.get_command(app).commands.items():
        rows = [[f"`{_name(item)}`", _default(item.default), _help(item)] for item in command.params]
        lines += [
            "",
            f"## zoo {name}",
            "",
            inspect.cleandoc(command.help or ""),
            "",
            table(["argument", "default", "meaning"], rows),
        ]
    return "\n".join(lines) + "\n"


def _name(parameter):
    return parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.opts[0].upper()


def _help(parameter):
    return " ".join((getattr(parameter, "help", "") or "").split())


def _default(value):
    return "" if value in (None, "", MISSING) or value is False or callable(value) else f"`{value}`"


def field_page():
    """The page of fields: those of each section of a preset, and of each architecture, objective and tokenizer."""
    from zoo import catalog, presets

    lines = [
        "# Fields",
        "",
        "Every field is set on the command line by its path, such as `training.epochs=5`, and",
        "in Python by its name. `architecture=lstm` replaces an architecture, after which its own fields apply.",
    ]
    for section, name in SECTIONS.items():
        lines += ["", f"## {section}", "", field_table(getattr(presets, name), section)]
    for kind in CATALOGS:
        for name in catalog.names(kind):
            part = kind.removesuffix("s")
            body = field_table(catalog.load(kind, name), part)
            lines += ["", f"## {part}={name}", "", catalog.describe(kind, name), "", body]
    return "\n".join(lines) + "\n"


def field_table(cls, path):
    """The fields of a dataclass that can be set: path, default, and the comment beside it in the source."""
    from zoo.runtime.field_comments import default_of, field_comments

    comments = field_comments(cls)
    rows = [
        [f"`{path}.{field.name}`", _default(default_of(field)), comments[field.name].meaning]
        for field in fields(cls)
        if field.init
    ]
    return table(["field", "default", "meaning"], rows) if rows else "It has no fields."


def build():
    """Write the reference pages, which git ignores, and build the site. Exit status of Zensical."""
    (REFERENCE / "cli.md").write_text(command_line(), encoding="utf-8")
    (REFERENCE / "fields.md").write_text(field_page(), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--clean", "--strict"], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(build())
