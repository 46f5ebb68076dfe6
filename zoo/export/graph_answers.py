"""How the graph of an export answers: what becomes of raw strings, by how an objective reads them.

Each of `ANSWERS` takes a `Pipeline`, a `tf.Module` with the tokenizer's `twin`, and string tensors, (rows,) each.
"""

from keras import ops

from zoo.export.generator import GraphGenerator
from zoo.export.tokenizer.detokenizer import Detokenizer
from zoo.export.tokenizer.graph_windows import at_most, windows
from zoo.export.tokenizer.graph_windows import stretches as cut
from zoo.export.tokenizer.graph_words import chosen, padded, stretches
from zoo.export.tokenizer.masks import filled, masked
from zoo.export.tokenizer.prompts import PromptBuilder
from zoo.export.tokenizer.ragged import named
from zoo.objectives.masked_token import MASK, no_guesses


def author(pipeline, prompt, twin):
    """A function from texts to what the model writes."""
    scribe, architecture = GraphGenerator(pipeline, prompt), pipeline.preset.architecture
    prompts = PromptBuilder(twin, prompt, scribe.room, architecture.padding)
    spell = Detokenizer(pipeline.tokenizer, architecture.vocabulary)

    def write(texts):
        ids, lengths = prompts(texts)
        new, count, stopped = scribe(ids, lengths)
        before, _ = scribe.begin(ids, lengths)
        return {"text": spell(new, count, before), "length": count, "stopped": stopped}

    return write


def _inputs(network, tokenizer, ids, texts, **others):
    """What the network reads of (rows, time) ids: `tokens`, `segments` where it tells two texts apart, and `others`."""
    ends = ops.cast(ids == tokenizer.end, "int32")  # each text ends with one
    second = ops.cast((ops.cumsum(ends, axis=1) > ends) & (ids != tokenizer.padding), "int32")
    inputs = {"tokens": ids, "segments": second if texts > 1 else ops.zeros_like(ids)} | others
    return {name: inputs[name] for name in network.input}


def _answer_of_texts(pipeline, server, *texts):
    """What `objective.serve` says, with names in place of numbers."""
    objective, padding = pipeline.objective, pipeline.tokenizer.padding
    network, ids = objective.served(pipeline.model), server.twin(*texts, length=objective.length).to_tensor(padding)
    answer = objective.serve(network(_inputs(network, pipeline.tokenizer, ids, len(texts)), training=False))
    return answer | {name: named(words, answer[name]) for name, words in objective.words().items()}


def _answer_in_windows(pipeline, server, questions, contexts):
    """`answer`, where it stands in characters (`start` and `end`, -1 for none), `score` and `no_answer`, (rows,) each.

    The model reads windows of the contexts, as many as it takes.
    """
    objective, padding = pipeline.objective, pipeline.preset.architecture.padding
    asked, read = at_most(server.twin.pieces(questions), objective.question_length), server.twin.pieces(contexts)
    held = windows(asked, read, server.twin.template, objective.length, objective.stride, padding)
    inputs = {"tokens": held.ids, "segments": held.segments}
    logits = pipeline.model({name: inputs[name] for name in pipeline.model.input}, training=False)
    outputs = {"logits": logits, "record": held.record, "token": held.token, "counts": read.lengths}
    found = objective.serve(outputs)
    first, last = (ops.cast(found.pop(name), "int64") for name in ("first", "last"))
    answer, start, end = cut(contexts, read, first, last)
    return {"answer": answer, "start": start, "end": end} | found


def _answer_of_words(pipeline, server, texts):
    """`labels` (or `tags`), their `texts`, `scores`, and `starts` and `ends` in characters, (rows, most found) each.

    A row that has fewer is filled up with "" and -1. The model reads windows of the texts, as many as it takes; what is
    about a text as a whole is told by the first.
    """
    objective, network, twin = pipeline.objective, pipeline.model, server.words
    words = twin.words(texts)
    ids, places, first = twin(words, objective.length)
    ids = ids.to_tensor(pipeline.preset.architecture.padding)
    inputs = {"tokens": ids, "segments": ops.zeros_like(ids)}
    outputs = network({name: inputs[name] for name in network.input}, training=False)
    whole = [ops.take(outputs[name], first, axis=0) for name in objective.text_outputs]
    scores, there = padded(chosen(outputs["tags"] if whole else outputs, places), words.counts)
    found = objective.serve((*objective.decide(network, scores, there), there, *whole))
    found |= stretches(texts, words, found.pop("first"), found.pop("last"))
    return found | {name: named(names, found[name]) for name, names in objective.words().items()}


def _answer_of_masks(pipeline, server, texts):
    """`text` with its masks filled, and for each, (rows, most masks, guesses), `guesses` and their `scores`.

    Where a text has fewer masks, or they stand beyond what the model reads, these are "" and 0.
    """
    objective, tokenizer, network = pipeline.objective, pipeline.tokenizer, pipeline.model
    found = masked(server.twin, texts, MASK, tokenizer.mask, objective.length, tokenizer.padding)
    there = found.places >= 0
    inputs = _inputs(network, tokenizer, found.ids, 1, places=ops.maximum(found.places, 0))
    answer = objective.serve((network(inputs, training=False), no_guesses(tokenizer)))
    names = [tokenizer.token(i) or "" for i in range(pipeline.preset.architecture.vocabulary)]
    guesses = named(names, answer["guesses"], there[..., None])
    return {
        "text": filled(found.parts, guesses[..., 0], there, MASK),
        "guesses": guesses,
        "scores": ops.where(there[..., None], answer["scores"], 0.0),
    }


ANSWERS = {  # of the texts that an objective is asked about
    "texts": _answer_of_texts,
    "windows": _answer_in_windows,
    "words": _answer_of_words,
    "masks": _answer_of_masks,
}
