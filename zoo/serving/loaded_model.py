"""One version of a served model: a SavedModel in memory."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.serving.serving_error import Code, ServingError
from zoo.serving.signatures import Signature, read_signatures

DEFAULT_SIGNATURE = "serving_default"


class LoadedModel:
    """A version of a model, loaded from a SavedModel folder.

    Attributes:
        name, version: of the model.
        folder: of the SavedModel.
        signatures: {name: `Signature`}.
        signature_protos: {name: the SignatureDef of saved_model.pb}.
    """

    def __init__(self, name: str, version: int, folder: Path):
        import tensorflow as tf

        self.name, self.version, self.folder = name, version, folder
        self.signatures, self.signature_protos = read_signatures(folder)
        self._module = tf.saved_model.load(str(folder))
        self._functions = dict(self._module.signatures)

    def signature(self, name: str = "") -> Signature:
        """The signature of a name; "" is `serving_default`. Raises ServingError for an unknown one."""
        name = name or DEFAULT_SIGNATURE
        if name not in self.signatures:
            raise ServingError(Code.INVALID_ARGUMENT, f'Serving signature name: "{name}" not found in signature def')
        return self.signatures[name]

    def run(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of a signature, by name; strings are arrays of bytes. Blocks while TensorFlow computes.

        Raises ServingError: INVALID_ARGUMENT for inputs that the signature cannot take, RESOURCE_EXHAUSTED where the
        batching queue in the graph is full.
        """
        import tensorflow as tf

        spec = self.signature(signature)
        try:
            tensors = {name: tf.constant(inputs[name], spec.inputs[name].dtype) for name in spec.inputs}
            outputs = self._functions[spec.name](**tensors)
            return {name: outputs[name].numpy() for name in spec.outputs}
        except tf.errors.UnavailableError as error:
            raise ServingError(Code.RESOURCE_EXHAUSTED, "The batching queue is full.", retry_after=1) from error
        except tf.errors.OpError as error:
            raise ServingError(Code.from_number(error.error_code), error.message) from error

    def close(self) -> None:
        """Free the memory of the model, which must not be run any more."""
        self._functions, self._module = {}, None
        gc.collect()
