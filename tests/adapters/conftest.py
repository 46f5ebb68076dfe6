"""A small backbone, and texts to train adapters on."""

import pytest
from references import Golden, write_tokenizer
from small_classifier import write_rows


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    """A folder of transformers: the backbone of adapters."""
    folder = Golden("bert").write(tmp_path_factory.mktemp("hf") / "bert")
    write_tokenizer(folder)
    return folder


@pytest.fixture(scope="session")
def rows(tmp_path_factory):
    """A folder of texts in the words of that tokenizer: those with w7 are good."""
    return write_rows(tmp_path_factory.mktemp("rows"))
