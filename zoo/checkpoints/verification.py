"""Verify an import: its answer on a sentence beside that of transformers or of sentence-transformers."""

from pathlib import Path

import numpy as np
from keras import ops

from zoo.checkpoints.hf_config import class_of, read_config
from zoo.pipeline.pipeline import Pipeline
from zoo.runtime.errors import UserError

SENTENCE = "The delivery arrived two days late."
TOLERANCE = 1e-3  # of the largest difference, relative to the largest output
OUTPUTS = ("logits", "prediction_logits", "start_logits", "end_logits", "last_hidden_state")
INPUTS = {"tokens": "input_ids", "segments": "token_type_ids", "source": "input_ids", "target": "decoder_input_ids"}


def verify(pipeline: Pipeline, folder: Path, sentence: str = SENTENCE) -> str:
    """One line that compares an imported model's outputs with those of transformers on a sentence.

    The tokens of the two libraries are compared first. Of a folder of sentence-transformers, its vectors are compared.

    Raises UserError where transformers with PyTorch is not installed or cannot load the folder, and where tokens or
    outputs differ.
    """
    if (folder / "modules.json").is_file():
        return _verify_vector(pipeline, folder, sentence)
    inputs = _inputs(pipeline, sentence)
    outputs, tokens = _transformers(folder, inputs, sentence)
    model_inputs = {name: array for name, array in inputs.items() if name in pipeline.model.input}
    if "mask_positions" in pipeline.model.input:
        model_inputs["mask_positions"] = np.arange(inputs["tokens"].shape[1], dtype="int32")[None]
    ours = ops.convert_to_numpy(pipeline.model(model_inputs, training=False)).astype("float64")
    expected = _comparable(outputs, pipeline)
    if expected.shape != ours.shape:
        raise UserError(f"Expected outputs of the shape {expected.shape}, as transformers has. Received: {ours.shape}.")
    ids = inputs["source" if "source" in inputs else "tokens"][0].tolist()
    if tokens != ids:
        raise UserError(f"Expected the tokens of transformers for {sentence!r}, {tokens}. Received: {ids}.")
    return _line(ours, expected, "transformers", sentence)


def _line(ours, expected, library, sentence):
    """The line of a comparison. Raises UserError where the numbers differ."""
    difference, scale = float(abs(ours - expected).max()), max(1.0, float(abs(expected).max()))
    line = f"{sentence!r}: {ours.size} outputs, largest difference from {library} {difference:.1e}"
    if difference > TOLERANCE * scale:
        raise UserError(f"Expected the answer of {library}. Received: another, {line}.")
    return f"Verified with {line}."


def _verify_vector(pipeline, folder, sentence):
    """The line for a folder of sentence-transformers, whose answer is a vector."""
    try:
        from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]
    except ModuleNotFoundError as error:
        raise UserError(
            f"Expected sentence-transformers for --verify: pip install sentence-transformers ({error})."
        ) from None
    model = SentenceTransformer(str(folder), device="cpu")
    vector = model.encode(sentence, normalize_embeddings=True, show_progress_bar=False)
    return _line(np.array(pipeline.predict(sentence)["vector"]), vector, "sentence-transformers", sentence)


def _inputs(pipeline, sentence) -> dict[str, np.ndarray]:
    """{name: (1, time) ids} of a sentence, by the pipeline's tokenizer."""
    encoding = pipeline.tokenizer.encode(sentence, length=getattr(pipeline.objective, "length", None))
    ids = encoding.ids[None].astype("int32")
    if "source" in pipeline.model.input:
        start = pipeline.objective.start_and_end(pipeline.tokenizer)[0]
        return {"source": ids, "target": np.concatenate([start[None], ids], 1).astype("int32")}
    return {"tokens": ids, "segments": encoding.segments[None].astype("int32")}


def _transformers(folder, inputs, sentence) -> tuple[dict[str, np.ndarray], list[int]]:
    """(the outputs of transformers for these ids, the ids of its tokenizer)."""
    try:
        import transformers
    except ModuleNotFoundError as error:
        raise UserError(f"Expected transformers for --verify: pip install transformers torch ({error}).") from None
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    name = class_of(read_config(folder)) or "AutoModel"
    try:
        model = getattr(transformers, name).from_pretrained(folder, dtype="float32").eval()
        tokens = transformers.AutoTokenizer.from_pretrained(folder)(sentence)["input_ids"]
        arrays = {INPUTS[key]: array.astype("int64") for key, array in inputs.items()}
        if "token_type_ids" not in model.forward.__code__.co_varnames:
            arrays.pop("token_type_ids", None)
        output = model(**transformers.BatchEncoding(arrays, tensor_type="pt"))
        outputs = {key: output[key].detach().numpy().astype("float64") for key in OUTPUTS if key in output}
    except (OSError, ValueError, RuntimeError, AttributeError, ImportError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
        raise UserError(f"Expected a folder that transformers loads. Received: {reason}") from None
    return outputs, list(tokens)


def _comparable(outputs, pipeline) -> np.ndarray:
    """The outputs of transformers in the form of the pipeline's network."""
    if "start_logits" in outputs:
        return np.stack([outputs["start_logits"], outputs["end_logits"]], -1)
    logits = outputs.get("logits", outputs.get("prediction_logits"))
    return _pooled(outputs["last_hidden_state"], pipeline) if logits is None else logits


def _pooled(features, pipeline) -> np.ndarray:
    """The sentence vector of the last features, pooled and normalised as embed_text does it."""
    kind = pipeline.objective.pooling or pipeline.preset.architecture.pooling
    poolings = {"mean": features.mean(1), "max": features.max(1), "first": features[:, 0], "last": features[:, -1]}
    vector = poolings[kind]
    return vector / np.linalg.norm(vector, axis=-1, keepdims=True)
