"""The objective of a published head: its name in the zoo and the settings that give the outputs of transformers."""

from collections.abc import Mapping
from typing import Any

from zoo.architectures import Architecture
from zoo.architectures._pretrained import HeadMapping, HuggingFaceMapping
from zoo.checkpoints.class_labels import read_labels, read_problem_type
from zoo.checkpoints.hf_config import architecture_class, class_of, mapping_of
from zoo.checkpoints.safetensors import Tensor
from zoo.checkpoints.weight_map import canonical_name
from zoo.data import span_schemes
from zoo.runtime.errors import UserError, did_you_mean

ACTIVATIONS = {"Identity": None, "Sigmoid": "sigmoid"}  # class of torch.nn -> `activation` of score_pair
CROSS_ENCODER = "sbert_ce_default_activation_function"  # key of sentence-transformers before its release 4


def head_objective(
    config: Mapping[str, Any], head: HeadMapping, rows: int, pair: bool | None = None
) -> tuple[str, dict[str, Any]]:
    """`(name, settings)` of the objective with the outputs of a published head.

    A text classifier with one output is a regression, or ranks pairs: score_pair.

    Args:
        config: config.json.
        head: the mapping of its class, with an objective.
        rows: outputs of the head; 0: unknown.
        pair: whether a classifier reads pairs of texts; None: only where it has one output.

    Raises UserError for names of classes that do not fit the outputs, and for `pair` of another head.
    """
    settings = head.settings | _dropout(config, head)
    if head.objective == "classify_text":
        return _classifier(config, settings | _decoder_start(config), rows, pair)
    if pair is not None:
        raise UserError(
            f"Expected a head that classifies texts, for pairs of them. Received: one of {head.objective} (--pair)."
        )
    if head.objective == "find_span" and rows != 2:
        raise UserError(
            "Expected two classes (id2label or num_labels in config.json), for the start and the end of an answer. "
            f"Received: {rows} outputs."
        )
    if head.objective == "tag_tokens":
        labels = read_labels(config, rows)
        settings |= {"tags": labels, "scheme": span_schemes.detect([label] for label in labels)}
    return head.objective, settings


def _classifier(config, settings, rows, pair):
    problem_type = read_problem_type(config)
    if problem_type == "regression" and rows != 1:
        raise UserError(f"Expected one output of a regression (problem_type in config.json). Received: {rows} outputs.")
    if rows == 1 and problem_type != "multi_label_classification":
        activation = None if problem_type == "regression" else _activation(config)
        scale = {"activation": activation, "std": 1.0}  # the output is the score, on no other scale
        return "score_pair", settings | scale | {"pair": pair is not False}
    labels = {"labels": read_labels(config, rows), "multi_label": problem_type == "multi_label_classification"}
    return "classify_text", settings | labels | {"pair": bool(pair)}


def _decoder_start(config):
    """{"decoder_start_id", "pooled_id"} of an encoder-decoder, whose decoder reads the text again; else {}.

    The text begins after the first id there, and the last token with the second one stands for it.
    """
    cls = architecture_class(config)
    if cls.inputs()[0] != "source":
        return {}
    completed = mapping_of(cls).complete(config)
    start = completed.get("decoder_start_token_id", completed.get("pad_token_id"))
    ids = {"decoder_start_token_id": start, "eos_token_id": completed.get("eos_token_id")}
    for key, id in ids.items():
        if not isinstance(id, int) or isinstance(id, bool) or not 0 <= id < completed["vocab_size"]:
            raise UserError(f"Expected the id of a token as {key} in config.json. Received: {id!r:.40}.")
    return dict(zip(("decoder_start_id", "pooled_id"), ids.values(), strict=True))


def _activation(config):
    """The function of one logit: a sigmoid, or what a cross-encoder of sentence-transformers states."""
    settings = config.get("sentence_transformers")
    name = settings.get("activation_fn") if isinstance(settings, dict) else None
    name = name or config.get(CROSS_ENCODER) or "Sigmoid"
    kind = str(name).rpartition(".")[2]
    if kind not in ACTIVATIONS:
        raise UserError(
            f"Expected an activation of {' or '.join(ACTIVATIONS)} for one output in config.json. "
            f"Received: {name!r:.90}."
        )
    return ACTIVATIONS[kind]


def _dropout(config, head):
    """{"dropout": rate} where config.json states that of the head."""
    rates = [config[key] for key in head.dropout if config.get(key) is not None]
    return {"dropout": float(rates[0])} if rates and isinstance(rates[0], int | float) else {}


def output_rows(mapping: HuggingFaceMapping, head: HeadMapping, tensors: Mapping[str, Tensor]) -> int:
    """The number of outputs of a head with classes, from its tensors; 0 where these have none."""
    modules = [name for layer, name in head.layers.items() if layer.partition("/")[0] in ("logits", "tags")]
    for module in modules:
        name = canonical_name(module, mapping)
        tensor = tensors.get(name) or tensors.get(f"{name}.weight")
        if tensor and tensor.shape:
            return tensor.shape[0]
    return 0


def check_class(config: Mapping[str, Any], architecture: Architecture, mapping: HuggingFaceMapping) -> str:
    """A sentence about an encoder's class without an objective in the zoo, whose head is left out; "" for any other.

    Raises UserError, naming the class, where a decoder or an encoder-decoder has a head that the zoo does not know.
    """
    name = class_of(config)
    if "source" in architecture.inputs() or (architecture.causal and name not in ("", mapping.class_name)):
        known = ", ".join(name for name, head in mapping.heads.items() if head.objective)
        raise UserError(
            f"Expected {known} as architectures in config.json: the zoo has no objective for others. "
            f"Received: {name or 'none'}.{did_you_mean(name, mapping.heads)}"
        )
    if name in ("", mapping.class_name):
        return ""
    return f"{name} has no objective in the zoo: its head is left out"
