"""A small backbone and texts to learn upon it."""

import pytest
from references import Golden, write_tokenizer


@pytest.fixture(scope="session")
def bert(tmp_path_factory):
    """A folder of transformers, upon which adapters are learned."""
    folder = Golden("bert").write(tmp_path_factory.mktemp("hf") / "bert")
    write_tokenizer(folder)
    return folder


@pytest.fixture(scope="session")
def rows(tmp_path_factory):
    """A folder of texts in the words of that tokenizer: those with w7 are good."""
    folder = tmp_path_factory.mktemp("rows")
    lines = ["text\tlabel", *(f"w{i} {'w7' if i % 2 else 'w8'}\t{('bad', 'good')[i % 2]}" for i in range(10, 34))]
    for split in ("train", "valid"):
        (folder / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    return folder
