"""How the graph of an export answers: what becomes of raw strings, by how an objective reads them.

Each of `ANSWERS` takes a `Pipeline`, a `tf.Module` with the `GraphTokenizer` as `tokenizer`, and string tensors,
(rows,) each.
"""

from keras import ops

from zoo.export.tokenizer.graph_windows import qa_windows, slice_spans, truncate
from zoo.export.tokenizer.graph_words import gather_words, pad_words, slice_words
from zoo.export.tokenizer.masks import encode_masks, fill_masks
from zoo.export.tokenizer.ragged import lookup
from zoo.objectives.masked_token import MASK, no_guesses


def _inputs(network, tokenizer, ids, texts, **others):
    """What the network reads of (rows, time) ids: `tokens`, `segments` where it tells two texts apart, and `others`."""
    ends = ops.cast(ids == tokenizer.end, "int32")  # each text ends with one
    second = ops.cast((ops.cumsum(ends, axis=1) > ends) & (ids != tokenizer.padding), "int32")
    inputs = {"tokens": ids, "segments": second if texts > 1 else ops.zeros_like(ids)} | others
    return {name: inputs[name] for name in network.input}


def _answer_of_texts(pipeline, server, *texts):
    """What `objective.serve` says, with names in place of numbers."""
    objective, padding = pipeline.objective, pipeline.tokenizer.padding
    network, ids = (
        objective.served(pipeline.model),
        server.tokenizer(*texts, length=objective.length).to_tensor(padding),
    )
    answer = objective.serve(network(_inputs(network, pipeline.tokenizer, ids, len(texts)), training=False))
    return answer | {name: lookup(words, answer[name]) for name, words in objective.words().items()}


def _answer_in_windows(pipeline, server, questions, contexts):
    """`answer`, where it stands in characters (`start` and `end`, -1 for none), `score` and `no_answer`, (rows,) each.

    The model reads windows of the contexts, as many as it takes.
    """
    objective, padding = pipeline.objective, pipeline.preset.architecture.padding
    asked, read = (
        truncate(server.tokenizer.ragged_ids(questions), objective.question_length),
        server.tokenizer.ragged_ids(contexts),
    )
    held = qa_windows(asked, read, server.tokenizer.template, objective.length, objective.stride, padding)
    inputs = {"tokens": held.ids, "segments": held.segments}
    logits = pipeline.model({name: inputs[name] for name in pipeline.model.input}, training=False)
    outputs = {"logits": logits, "record": held.record, "token": held.token, "counts": read.lengths}
    found = objective.serve(outputs)
    first, last = (ops.cast(found.pop(name), "int64") for name in ("first", "last"))
    answer, start, end = slice_spans(contexts, read, first, last)
    return {"answer": answer, "start": start, "end": end} | found


def _answer_of_words(pipeline, server, texts):
    """`labels` (or `tags`), their `texts`, `scores`, and `starts` and `ends` in characters, (rows, most found) each.

    A row that has fewer is filled up with "" and -1. The model reads windows of the texts, as many as it takes; what is
    about a text as a whole is told by the first.
    """
    objective, network, word_tokenizer = pipeline.objective, pipeline.model, server.words
    words = word_tokenizer.words(texts)
    ids, places, first = word_tokenizer(words, objective.length)
    ids = ids.to_tensor(pipeline.preset.architecture.padding)
    inputs = {"tokens": ids, "segments": ops.zeros_like(ids)}
    outputs = network({name: inputs[name] for name in network.input}, training=False)
    whole = [ops.take(outputs[name], first, axis=0) for name in objective.text_outputs]
    scores, there = pad_words(gather_words(outputs["tags"] if whole else outputs, places), words.counts)
    found = objective.serve((*objective.decide(network, scores, there), there, *whole))
    found |= slice_words(texts, words, found.pop("first"), found.pop("last"))
    return found | {name: lookup(names, found[name]) for name, names in objective.words().items()}


def _answer_of_masks(pipeline, server, texts):
    """`text` with its masks filled, and for each, (rows, most masks, guesses), `guesses` and their `scores`.

    Where a text has fewer masks, or they stand beyond what the model reads, these are "" and 0.
    """
    objective, tokenizer, network = pipeline.objective, pipeline.tokenizer, pipeline.model
    found = encode_masks(server.tokenizer, texts, MASK, tokenizer.mask, objective.length, tokenizer.padding)
    there = found.mask_positions >= 0
    inputs = _inputs(network, tokenizer, found.ids, 1, places=ops.maximum(found.mask_positions, 0))
    answer = objective.serve((network(inputs, training=False), no_guesses(tokenizer)))
    names = [tokenizer.token(i) or "" for i in range(pipeline.preset.architecture.vocabulary)]
    guesses = lookup(names, answer["guesses"], there[..., None])
    return {
        "text": fill_masks(found.parts, guesses[..., 0], there, MASK),
        "guesses": guesses,
        "scores": ops.where(there[..., None], answer["scores"], 0.0),
    }


ANSWERS = {  # of the texts that an objective is asked about
    "texts": _answer_of_texts,
    "windows": _answer_in_windows,
    "words": _answer_of_words,
    "masks": _answer_of_masks,
}
