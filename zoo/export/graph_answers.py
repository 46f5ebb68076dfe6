"""Answers inside an exported graph: strings to the model's inputs, `objective.decide`, indices to class names.

Each function of `ANSWERS` takes a `Pipeline`, a `tf.Module` with the `GraphTokenizer` as `tokenizer`, and string
tensors, (rows,) each. It returns a dict of tensors.
"""

import numpy as np
from keras import ops

from zoo.data.mask_text import mask_words, takes_blank
from zoo.data.masking import special_ids
from zoo.export.graph.length_groups import run_in_length_groups
from zoo.export.tokenizer.graph_windows import padding_mask, qa_windows, slice_spans, truncate
from zoo.export.tokenizer.graph_words import gather_words, pad_words, slice_words
from zoo.export.tokenizer.masks import MaskReader, fill_masks
from zoo.export.tokenizer.ragged import lookup, with_prefix


def _inputs(network, tokenizer, ids, text_count, **extra):
    """The network's inputs for (rows, time) ids: `tokens`, `segments` (0 or 1, the text of a pair) and `extra`."""
    ends = ops.cast(ids == tokenizer.end, "int32")  # the special token after each text
    in_second = ops.cast((ops.cumsum(ends, axis=1) > ends) & (ids != tokenizer.padding), "int32")
    inputs = {"tokens": ids, "segments": in_second if text_count > 1 else ops.zeros_like(ids)} | extra
    return {name: inputs[name] for name in network.input}


def _with_class_names(objective, decision):
    """The `objective.outputs` of a decision, with class names in place of indices."""
    outputs = objective.outputs.items()
    return {name: lookup(names, decision[name]) if names else decision[name] for name, names in outputs}


def _answer_texts(pipeline, server, *texts):
    """Classification, scores or embeddings: one decision for each text or pair of texts."""
    objective, network, tokenizer = pipeline.objective, pipeline.model, pipeline.tokenizer
    texts = [with_prefix(getattr(objective, "prompt", ""), column) for column in texts]
    ids = server.tokenizer(*texts, length=objective.length).to_tensor(tokenizer.padding)
    no_masks = ops.zeros((ops.shape(ids)[0], 0), "int32")
    inputs = _inputs(network, tokenizer, ids, len(texts), mask_positions=no_masks)
    outputs = run_in_length_groups(network, inputs, tokenizer.padding)
    return _with_class_names(objective, objective.decide(outputs))


def _answer_windows(pipeline, server, questions, contexts):
    """Question answering: `answer`, its characters `start` and `end` (-1: none), `score` and `no_answer`, (rows,) each.

    The model runs on sliding windows of the contexts.
    """
    objective, tokenizer, padding = pipeline.objective, server.tokenizer, pipeline.preset.architecture.padding
    question_ids = truncate(tokenizer.ragged_ids(questions), objective.question_length)
    context_ids = tokenizer.ragged_ids(contexts)
    windows = qa_windows(question_ids, context_ids, tokenizer.template, objective.length, objective.stride, padding)
    inputs = {"tokens": windows.ids, "segments": windows.segments}
    inputs = {name: inputs[name] for name in pipeline.model.input}
    logits = run_in_length_groups(pipeline.model, inputs, padding)
    decision = objective.decide(
        {"logits": logits, "record": windows.record, "token": windows.token, "context": padding_mask(context_ids)}
    )
    answer = _with_class_names(objective, decision)
    first, last = (ops.cast(answer.pop(name), "int64") for name in ("first", "last"))
    text, start, end = slice_spans(contexts, context_ids, first, last)
    return {"answer": text, "start": start, "end": end} | answer


def _answer_words(pipeline, server, texts):
    """Tagging: `labels` (or `tags`), their `texts`, `scores`, and characters `starts` and `ends`, (rows, spans) each.

    "" and -1 are padding. The model runs on windows of the texts; the first window decides the label of a text.
    """
    objective, network, padding = pipeline.objective, pipeline.model, pipeline.preset.architecture.padding
    words = server.words.words(texts)
    ids, positions, first_windows = server.words(words, objective.length)
    ids = ids.to_tensor(padding)
    inputs = {"tokens": ids, "segments": ops.zeros_like(ids)}
    outputs = run_in_length_groups(network, {name: inputs[name] for name in network.input}, padding)
    text_outputs = {name: ops.take(outputs[name], first_windows, axis=0) for name in objective.text_outputs}
    scores = gather_words(outputs["tags"] if objective.text_outputs else outputs, positions)
    scores, padding_mask = pad_words(scores, words.counts)
    decision = objective.decide(
        {"tags": scores, "padding_mask": padding_mask} | text_outputs | objective.decoder_inputs(network)
    )
    answer = _with_class_names(objective, decision)
    return answer | slice_words(texts, words, answer.pop("first"), answer.pop("last"))


def _answer_masks(pipeline, server, texts):
    """Fill-mask: `text` with its masks filled, and for each mask `guesses` and their `scores`, (rows, masks, guesses).

    "" and 0 are padding, also for masks beyond the model's length.
    """
    objective, tokenizer, network = pipeline.objective, pipeline.tokenizer, pipeline.model
    reader = MaskReader(server.tokenizer, tokenizer.mask, takes_blank(tokenizer))
    masked = reader(texts, objective.length, tokenizer.padding)
    is_mask = masked.mask_positions >= 0
    inputs = _inputs(network, tokenizer, masked.ids, 1, mask_positions=ops.maximum(masked.mask_positions, 0))
    excluded = np.array(special_ids(tokenizer), "int32")
    logits = run_in_length_groups(network, inputs, tokenizer.padding)
    answer = objective.decide({"logits": logits, "special_ids": excluded})
    words, unused = mask_words(tokenizer), pipeline.preset.architecture.vocabulary - tokenizer.vocabulary_size
    best = answer["guesses"][..., 0]
    texts = lookup([*words.texts, *[""] * unused], best, is_mask)
    strip = ops.logical_and(ops.take(np.array([*words.strip, *[False] * unused]), best), is_mask)
    return {
        "text": fill_masks(masked.parts, texts, strip, is_mask),
        "guesses": lookup([*words.names, *[""] * unused], answer["guesses"], is_mask[..., None]),
        "scores": ops.where(is_mask[..., None], answer["scores"], 0.0),
    }


ANSWERS = {  # by `Objective.graph_input`
    "texts": _answer_texts,
    "windows": _answer_windows,
    "words": _answer_words,
    "masks": _answer_masks,
}
