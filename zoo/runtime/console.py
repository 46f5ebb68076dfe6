"""Where messages to people go: standard error, so that standard output holds results only."""

import os
import sys
from contextlib import contextmanager

from rich.console import Console

console = Console(stderr=True, soft_wrap=True, highlight=False)


@contextmanager
def silence():
    """Close standard error meanwhile, for libraries in C++ that talk there before they can be told not to."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
