"""Quantised weights of published folders, which are refused by the name of their method."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.checkpoints.safetensors import Tensor, open_tensors
from zoo.runtime.errors import UserError

KEYS = ("quantization_config", "quantization", "compression_config")  # of transformers; of MLX; of older files
METHODS = {"fp8": "FP8", "gptq": "GPTQ", "awq": "AWQ", "bitsandbytes": "bitsandbytes", "mlx": "MLX"}
FLOATS = ("F64", "F32", "F16", "BF16")  # types of tensors in safetensors files that are read as weights
SUFFIXES = {  # of tensors that only quantised weights have -> the method
    ".SCB": "bitsandbytes",
    ".quant_map": "bitsandbytes",
    ".quant_state.bitsandbytes__nf4": "bitsandbytes",
    ".quant_state.bitsandbytes__fp4": "bitsandbytes",
    ".qweight": "GPTQ or AWQ",
    ".qzeros": "GPTQ or AWQ",
    ".g_idx": "GPTQ",
    ".weight_scale": "FP8 or int8",
    ".weight_scale_inv": "FP8",
    ".weight_packed": "compressed-tensors",
    ".scales": "MLX",
}


def check_not_quantized(config: Mapping[str, Any], path: Path) -> None:
    """Raise UserError, with the name of the method, where a config.json says that weights are quantised."""
    for key in KEYS:
        if config.get(key):
            raise UserError(_message(_method(key, config[key]), f"{key} in {path}"))


def check_tensors(tensors: Mapping[str, Tensor]) -> None:
    """Raise UserError, with the name of the method, where tensors have the names or the types of quantised weights."""
    for name, tensor in tensors.items():
        suffix = next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "")
        if suffix:
            raise UserError(_message(SUFFIXES[suffix], f"the tensor {name} in {tensor.path}"))
    for path in sorted({tensor.path for tensor in tensors.values()}):
        with open_tensors(path) as file:
            for name in file.keys():  # noqa: SIM118 - no dict
                type_name = file.get_slice(name).get_dtype()
                if name.endswith(".weight") and type_name not in FLOATS:
                    method = "FP8" if type_name.startswith("F8") else "packed integers"
                    raise UserError(_message(method, f"{name} of the type {type_name} in {path}"))


def _method(key, settings):
    """The name of the method in the settings of a config.json, such as FP8 or GPTQ."""
    if key == "quantization":
        return "MLX"
    name = str(settings.get("quant_method", "")) if isinstance(settings, dict) else ""
    if name == "bitsandbytes" or (not name and "load_in" in str(settings)):
        return "bitsandbytes"
    if not name and isinstance(settings, dict) and {"bits", "group_size"} <= set(settings):
        return "MLX"  # GPTQ and AWQ state their quant_method
    if isinstance(settings, dict) and settings.get("format"):
        form = str(settings["format"])
        return f"FP8 ({name}, {form})" if "float" in form else f"{name} ({form})"
    return METHODS.get(name, name or "unknown")


def _message(method, source):
    return (
        f"Expected weights of float32, float16 or bfloat16. Received: quantised weights, {method} ({source}). "
        "Take the folder of the original weights."
    )
