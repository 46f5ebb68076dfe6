"""Interpretability of a pipeline: `explain`, what the network does with some texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo.readers.memory import DataInMemory, is_record
from zoo.runtime.keywords import check_keywords

if TYPE_CHECKING:
    from zoo.explore.explanation_page import Explanation


class ExplainMethods:
    """The method of a `Pipeline` that explains its answers."""

    @check_keywords
    def explain(
        self,
        texts: Any,
        *,
        compare: Any = None,
        neurons: Sequence[int] | None = None,
        mask: Sequence[int] | Literal["auto"] = "auto",
        max_new_tokens: int = 16,
        beams: int = 4,
        corpus: str | Path | DataInMemory | None = None,
        layers: Sequence[int] = (),
        heads: Sequence[tuple[int, int]] = (),
        tagger: str | Path | None = None,
    ) -> Explanation:
        """Explain answers: attention, recurrent states, filters, attributions, and predictions by depth.

        Args:
            texts: a text, a tuple or dict of texts for a task with several inputs, a list of these, or a data frame
                and the like, as of `predict`.
            compare: a second `Pipeline`, shown beside this one with what differs by head and by answer.
            neurons: layers of attention, the first is 0, whose queries and keys are kept; None: all while they are few.
            mask: positions of tokens that are masked, each in a variant of the text; "auto": all of a short text.
            max_new_tokens: of a model that generates: tokens of the generated text, which is explained too.
            beams: of a model that generates: beams of the search whose tree is shown; 1: none.
            corpus: a dataset spec, or data in memory, that is searched for tokens with similar vectors.
            layers: with `corpus`: layers whose vectors are compared, 0 the embedding; default: the last.
            heads: with `corpus`: heads whose outputs are compared, (layer, head) each, the first head is 0.
            tagger: with `corpus`: the folder of a model whose tags the tokens of the corpus get.

        Returns an `Explanation`: NumPy arrays by view, see `zoo.explore.views`. A notebook shows it as a page, and
        `save(path)` writes that page as one HTML file. Raises UserError for texts that the model cannot read, for
        layers, heads and positions that there are not, and for arguments of another type.

        >>> explanation = zoo.load("my_model").explain("a great film")
        >>> text = explanation.models[0].texts[0]
        >>> [token.text.strip() for token in text.sequences["tokens"]]
        ['a', 'great', 'film']
        >>> text.attribution.methods[0].name
        'integrated gradients'
        """
        from zoo.explore.explanation import explain

        options: dict[str, Any] = {"neurons": neurons, "mask": mask, "max_new_tokens": max_new_tokens, "beams": beams}
        options |= {"corpus": corpus, "layers": layers, "heads": heads, "tagger": tagger}
        pipeline: Any = self
        single = isinstance(texts, str | tuple) or is_record(texts)
        return explain(pipeline, [texts] if single else texts, compare, **options)
