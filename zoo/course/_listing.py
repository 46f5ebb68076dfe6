"""The order of the course: the number of each experiment, read without importing a framework."""

import ast
from pathlib import Path

from zoo import catalog


def course_order() -> dict[str, int]:
    """{name: number} of the experiments, in the order of the course."""
    numbers = {name: _number_in(path) for name, path in catalog.files("course").items()}
    registered = {name: catalog.load("course", name).number for name in catalog.names("course") if name not in numbers}
    return dict(sorted((numbers | registered).items(), key=lambda item: (item[1], item[0])))


def _number_in(path: Path) -> int:
    """The class attribute `number` of the experiment in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    values = [
        ast.literal_eval(node.value)
        for definition in tree.body
        if isinstance(definition, ast.ClassDef)
        for node in definition.body
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["number"]
    ]
    return values[0]
