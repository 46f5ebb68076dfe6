# For the type checker, in place of the stubs that it brings along: those lack many of TensorFlow's names.
from typing import Any

def __getattr__(name: str) -> Any: ...
