"""A user-defined reader: the example of the contract's docstring is registered and reads a file."""

import textwrap

import pytest

import zoo
from zoo import catalog
from zoo.readers import _reader


@pytest.fixture
def ini(monkeypatch):
    """Registers the reader of the docstring until the test ends."""
    for registry in (catalog.REGISTERED["readers"], _reader.REGISTERED):
        monkeypatch.setitem(registry, "ini", None)
        del registry["ini"]
    code = _reader.__doc__.partition("\n\n")[2]
    code = code[code.index("    import") : code.index("A reader of another")]
    namespace = {"__name__": "mine"}
    exec(textwrap.dedent(code), namespace)
    return namespace["Ini"]


def test_the_example_reads_a_file(ini, tmp_path):
    path = tmp_path / "train.ini"
    path.write_text("[one]\ntext = hello\nlabel = a\n[two]\ntext = bye\nlabel = b\n")
    dataset = zoo.open_dataset(path, split_strategy="")
    assert list(dataset.located_records("train")) == [
        (f"{path} section one", {"text": "hello", "label": "a"}),
        (f"{path} section two", {"text": "bye", "label": "b"}),
    ]
    assert "ini" in catalog.names("readers")


def test_its_extension_is_among_those_of_a_message(ini, tmp_path):
    (tmp_path / "data.in").write_text("x")
    with pytest.raises(zoo.UserError, match=r"Did you mean '.ini'\?.*\.conllu, \.csv, .*\.ini"):
        zoo.open_dataset(tmp_path / "data.in")
