"""The Unicode tables of a tokenizer are probed in little memory: below the weights of a small BERT."""

import subprocess
import sys

import pytest

MEASURE = """
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from zoo.export.tokenizer.from_tokenizer import reader_for

def memory_bytes(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

backend = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
backend.normalizer, backend.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
before = memory_bytes("VmRSS")
open("/proc/self/clear_refs", "w").write("5")  # the peak is measured from here on
reader_for(backend)
print((memory_bytes("VmHWM") - before) / 1e6)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_peak_of_memory():
    pytest.importorskip("tensorflow")
    process = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert float(process.stdout.splitlines()[-1]) < 60  # MB
