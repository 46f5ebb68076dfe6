"""The built files of the page are what its sources give: another build has the same bytes."""

import shutil
import subprocess

import pytest

from zoo.explore.explanation_page import FOLDER

SOURCES = ("package.json", "package-lock.json", "build.mjs", "source")
SECONDS = 60
MOST_LINES = 200


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """The folder that a build in a copy of the sources wrote."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("a build of the page needs Node.js with npm")
    folder = tmp_path_factory.mktemp("page")
    for name in SOURCES:
        (shutil.copytree if (FOLDER / name).is_dir() else shutil.copy)(FOLDER / name, folder / name)
    install = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install esbuild, Preact and htm in {SECONDS} s")
    if done.returncode:
        pytest.skip(f"npm cannot install esbuild, Preact and htm: {done.stderr[-300:]}")
    subprocess.run([npm, "run", "build"], cwd=folder, capture_output=True, timeout=SECONDS, check=True)
    return folder / "built"


@pytest.mark.parametrize("name", ["explorer.js", "explorer.css"])
def test_a_build_gives_the_committed_bytes(build, name):
    assert (build / name).read_bytes() == (FOLDER / "built" / name).read_bytes()


def test_versions_are_pinned_and_the_lock_names_no_host():
    package = (FOLDER / "package.json").read_text()
    assert "^" not in package
    assert "~" not in package
    assert "https://" not in (FOLDER / "package-lock.json").read_text().replace("https://opencollective.com", "")


def test_licences_are_beside_the_built_file():
    licences = (FOLDER / "built" / "LICENSES.txt").read_text()
    assert "Copyright (c) 2015-present Jason Miller" in licences
    assert "Apache License" in licences
    assert "Permission is hereby granted" in (FOLDER / "built" / "explorer.js").read_text(encoding="utf-8")


def test_source_files_are_short():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FOLDER.glob("source/**/*.*")}
    assert lengths
    assert not {path.name: count for path, count in lengths.items() if count > MOST_LINES}
