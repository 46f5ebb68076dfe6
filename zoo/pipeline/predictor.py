"""From records to predictions: examples through the model in batches of few shapes."""

from weakref import WeakKeyDictionary

import keras
import numpy as np

from zoo.backend.shapes import bucket, power_of_two
from zoo.data.collate import Collator
from zoo.data.tokenization import in_chunks

ROWS = 64  # most examples in a batch
TOKENS = 4096  # most token ids in a batch: outputs may be as wide as a vocabulary
_TWINS = WeakKeyDictionary()  # model -> how it was drawn -> twin


def predict(model, objective, tokenizer, records, watching=False, answer=None):
    """The objective's prediction for each of an iterable of records, a list in their order.

    `watching` tells the objective that this is one of many looks while training, which should be cheap; `answer` is
    what stands in place of the model's `predict_on_batch`.
    """
    run = BatchPredictor(model, objective, tokenizer, watching, answer)
    return [one for chunk in in_chunks(records) for one in objective.predict(run, chunk, tokenizer)]


class BatchPredictor:
    """What an objective is handed to make predictions with: its model, run on rows of examples."""

    def __init__(self, model, objective, tokenizer, watching=False, answer=None):
        self.model, self.objective, self.tokenizer, self.watching = model, objective, tokenizer, watching
        self.answer = answer or model.predict_on_batch

    def __call__(self, rows, through=None):
        """The outputs for each of a list of rows, as `objective.examples` yields them.

        Args:
            through: a function that draws, from the trained model, another one of the same layers to run in its place.

        Returns a list of arrays, or of what structure of arrays the model gives, padded as their batches were.
        """
        model, found = self._twin(through) if through else self.model, [None] * len(rows)
        answer = model.predict_on_batch if through else self.answer
        collator = Collator.for_model(model, self.objective, self.tokenizer, rows[0] if rows else ())
        sizes = np.array([collator.sizes(row) for row in rows])
        for some, shape in _batches(sizes, self.objective.length):
            outputs = _run(answer, model.input, collator.pad([rows[i] for i in some], shape))
            for place, i in enumerate(some):
                found[i] = keras.tree.map_structure(lambda y, place=place: y[place], outputs)
        return found

    def generate(self, rows, max_new_tokens):
        """Greedy decoding: the new ids for each of a list of prompts, at most `max_new_tokens` and without the end id.

        A row holds `tokens`, or the `source` of an encoder-decoder and what its `target` starts with: see
        `zoo.generation.generate.prompts_of`.
        """
        from zoo.generation.generate import generate, prompts_of
        from zoo.generation.generation_config import GenerationConfig

        stop_ids = () if self.tokenizer.end is None else (self.tokenizer.end,)
        config = GenerationConfig(max_new_tokens=max_new_tokens, stop_ids=stop_ids)
        return [completion.ids for (completion,) in generate(self.model, *prompts_of(rows, self.tokenizer), config)]

    def _twin(self, draw):
        """The model that `draw` makes of the trained one; the same for every runner, so that it is compiled once."""
        drawn = _TWINS.setdefault(self.model, {})
        if draw not in drawn:
            drawn[draw] = draw(self.model)
        return drawn[draw]


def _batches(sizes, longest):
    """(row numbers, padded length of each input) of batches of rows of about the same size, longest first."""
    order = sorted(range(len(sizes)), key=lambda i: tuple(-sizes[i]))
    while order:
        shape = bucket(sizes[order[:ROWS]].max(axis=0), longest)
        count = max(1, min(ROWS, TOKENS // int(shape.max())))
        some, order = order[:count], order[count:]
        yield some, bucket(sizes[some].max(axis=0), longest)


def _run(answer, names, batch):
    """Outputs of one batch. Its rows are rounded up to a power of two, so that few shapes are compiled."""
    count = len(next(iter(batch.values())))
    rows = power_of_two(count)
    inputs = {name: np.pad(batch[name], ((0, rows - count), (0, 0)), mode="edge") for name in names}
    return keras.tree.map_structure(lambda y: keras.ops.convert_to_numpy(y)[:count], answer(inputs))
