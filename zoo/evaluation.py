"""From records to the model's outputs, in batches of few shapes."""

import keras
import numpy as np

from zoo.batches import bucket
from zoo.examples import in_chunks, pad

ROWS = 64  # examples in a batch


def predict(model, objective, tokenizer, records):
    """The model's output for each of an iterable of records, in their order: (records, ...) float32."""
    chunks = [
        _outputs(model, list(objective.examples(chunk, tokenizer, train=False)), objective.length)
        for chunk in in_chunks(records)
    ]
    return np.concatenate(chunks) if chunks else np.zeros((0, *model.output.shape[1:]), "float32")


def _outputs(model, rows, longest):
    inputs = list(model.input)
    lengths = np.array([max(len(row[name]) for name in inputs) for row in rows])
    order = np.argsort(-lengths, kind="stable")
    batches = [order[start : start + ROWS] for start in range(0, len(rows), ROWS)]
    outputs = [_run(model, pad([rows[i] for i in some], inputs, bucket(lengths[some[0]], longest))) for some in batches]
    return np.concatenate(outputs)[np.argsort(order)]


def _run(model, batch):
    """Outputs of one batch. Its rows are rounded up to a power of two, so that few shapes are compiled."""
    count = len(next(iter(batch.values())))
    rows = 1 << (count - 1).bit_length()
    inputs = {name: np.pad(batch[name], ((0, rows - count), (0, 0))) for name in model.input}
    return keras.ops.convert_to_numpy(model.predict_on_batch(inputs))[:count]
