"""Data types of the Open Inference Protocol."""

from __future__ import annotations

import numpy as np

from zoo.serving.serving_error import Code, ServingError

BYTES = "BYTES"
DATATYPES = {  # {dtype, as NumPy names it: datatype}
    "string": BYTES,
    "bool": "BOOL",
    "float16": "FP16",
    "bfloat16": "BF16",
    "float32": "FP32",
    "float64": "FP64",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
DTYPES = {datatype: dtype for dtype, datatype in DATATYPES.items()}


def datatype_of(array: np.ndarray) -> str:
    """The datatype of an array, whose strings are bytes. Raises ServingError for one that the protocol lacks."""
    name = "string" if array.dtype.kind in "OS" else array.dtype.name
    if name not in DATATYPES:
        raise ServingError(Code.UNIMPLEMENTED, f"The Open Inference Protocol has no datatype for tensors of {name}.")
    return DATATYPES[name]


def numpy_dtype(datatype: str) -> np.dtype:
    """The NumPy dtype of a datatype, little-endian; objects for BYTES."""
    if datatype == BYTES:
        return np.dtype(object)
    if datatype == "BF16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(DTYPES[datatype]).newbyteorder("<")
