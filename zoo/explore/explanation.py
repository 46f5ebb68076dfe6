"""Explanations of answers: `explain` captures each text once, and collects what every view of the page shows."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from zoo.explore.attention_views import attention_views
from zoo.explore.attribution import METHODS, OCCLUSION, attribute
from zoo.explore.beam_tree import beam_tree
from zoo.explore.corpus_index import CorpusIndex, build_index
from zoo.explore.corpus_search import search
from zoo.explore.explain_options import ExplainOptions
from zoo.explore.explanation_page import Explanation
from zoo.explore.filters import filter_maxima
from zoo.explore.generation_steps import generation_steps
from zoo.explore.logit_lens import logit_lens
from zoo.explore.recurrent_states import recurrent_states
from zoo.explore.terms import term_weights
from zoo.explore.text_comparison import compare_texts, left_out
from zoo.explore.text_run import TextRun, run_text
from zoo.explore.variants import masked_variants
from zoo.explore.views import Attention, ModelExplanation, TextExplanation
from zoo.pipeline.summary import name_of
from zoo.readers.memory import DataInMemory, is_table
from zoo.runtime.errors import UserError, shorten

if TYPE_CHECKING:
    from zoo.pipeline.pipeline import Pipeline

NEURON_NUMBERS = 750_000  # most numbers in queries and keys of a text: 1.5 MB of a page
OCCLUDED = 128  # most tokens of a text that are masked for occlusion: a run of the network for each
VARIANTS = 32  # most tokens of a text that are masked unasked
VARIANT_WEIGHTS = 1_000_000  # most attention weights in the variants of a text


def explain(
    pipeline: "Pipeline",
    texts: DataInMemory,
    compare: "Pipeline | None" = None,
    **options: Any,
) -> Explanation:
    """The explanation of each of several texts.

    Args:
        texts: a list of texts, or of tuples or dicts of texts, or a data frame, as of `Pipeline.predict`.
        compare: a second pipeline, shown beside the first.
        options: fields of `ExplainOptions`: see `Pipeline.explain`.

    Raises UserError for what the pipeline cannot read, and for layers, heads or positions that there are not.
    """
    choices, notes = ExplainOptions(**options), list[str]()
    if compare is not None and not hasattr(compare, "objective"):
        raise UserError(f"Expected a pipeline in compare, as zoo.load returns it. Received: {shorten(compare)}.")
    texts = list(texts) if isinstance(texts, Iterator) else texts
    records = _records(pipeline, texts)
    if not records:
        raise UserError("Expected a text to explain. Received: none.")
    index = None
    if choices.corpus is not None:
        index = build_index(pipeline, choices.corpus, choices.layers, choices.heads, choices.tagger)
    models = [_explain_model(pipeline, records, choices, index, notes)]
    if compare is None:
        return Explanation(models, notes=list(dict.fromkeys(notes)))
    models.append(_explain_model(compare, _records(compare, texts), choices, None, notes))
    pairs = list(zip(*(model.texts for model in models), strict=True))
    notes += [reason for pair in pairs for reason in left_out(*pair)]
    return Explanation(models, [compare_texts(*pair) for pair in pairs], list(dict.fromkeys(notes)))


def _records(pipeline, texts):
    return list(pipeline.records_of(texts)) if is_table(texts) else pipeline.objective.fields.records(texts)


def _explain_model(pipeline, records, options, index, notes):
    name = pipeline.folder.name if pipeline.folder else "model"
    objective, architecture = pipeline.objective, pipeline.preset.architecture
    texts = [explain_record(pipeline, record, options, index, notes) for record in records]
    return ModelExplanation(name, name_of("objectives", objective), name_of("architectures", architecture), texts)


def explain_record(
    pipeline: "Pipeline", record: dict, options: ExplainOptions, index: CorpusIndex | None, notes: list[str]
) -> TextExplanation:
    """The explanation of one record; a line is added to `notes` for each part that is left out for its size."""
    run = run_text(pipeline, record, options.max_new_tokens)
    attention = _with_neurons(attention_views(run), options.neurons, notes)
    return TextExplanation(
        inputs=record,
        answer=run.answer,
        sequences=run.sequences,
        attention=attention,
        variants=masked_variants(run, _masked_positions(run, options.mask, attention, notes)),
        recurrent=recurrent_states(run),
        filters=filter_maxima(run),
        attribution=attribute(run, _methods(run, notes)),
        terms=term_weights(run),
        lens=logit_lens(run),
        steps=generation_steps(run),
        beams=beam_tree(run, options.beams, options.max_new_tokens) if options.beams > 1 else [],
        search=search(run, index, options.layers, options.heads) if index else [],
    )


def _with_neurons(views: list[Attention], layers: Sequence[int] | None, notes: list[str]) -> list[Attention]:
    """The views with queries, keys and scores of these layers of attention only; None: of all while they are small."""
    numbered = list(enumerate(layer for view in views for layer in view.layers))
    if layers is None:
        numbers = sum(array.size for _, layer in numbered for array in (layer.query, layer.key) if array is not None)
        if numbers <= NEURON_NUMBERS:
            return views
        notes.append(f"Queries and keys, {numbers:,} numbers, are left out: name layers, such as neurons 0,5.")
    elif not set(layers) <= {number for number, _ in numbered}:
        expected = f"layers of attention from 0 to {len(numbered) - 1}" if numbered else "a network with attention"
        raise UserError(f"Expected {expected} in neurons. Received: {layers}.")
    for number, layer in numbered:
        if layers is None or number not in layers:
            layer.query = layer.key = layer.bias = layer.score = None
    return views


def _masked_positions(run: TextRun, mask: Sequence[int] | str, attention: list[Attention], notes) -> list[int]:
    """The positions of a text that are masked, one in each variant; "auto": all tokens but special ones, while few."""
    if not isinstance(mask, str):
        return [int(position) for position in mask]
    sequence, tokens = next(iter(run.sequences.items()))
    size = run.prompt_length if run.prompt_length and sequence == run.output_sequence else len(tokens)
    positions = [i for i, token in enumerate(tokens[:size]) if not token.special]
    weights = sum(layer.weights.size for view in attention for layer in view.layers)
    if len(positions) <= VARIANTS and len(positions) * weights <= VARIANT_WEIGHTS:
        return positions
    notes.append(
        f"The variants with one of {len(positions)} tokens masked are left out: name tokens, such as mask 1,4."
    )
    return []


def _methods(run: TextRun, notes: list[str]) -> list[str]:
    """The methods of attribution; without occlusion for a long text."""
    tokens = sum(map(len, run.sequences.values()))
    if tokens <= OCCLUDED:
        return list(METHODS)
    notes.append(f"Occlusion is left out: the text has {tokens} tokens, more than {OCCLUDED}.")
    return [method for method in METHODS if method != OCCLUSION]
