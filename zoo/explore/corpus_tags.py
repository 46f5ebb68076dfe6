"""The tags that a model, a tagger, gives the tokens of a corpus."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from zoo.explore.corpus_tokens import CorpusTokens, Tags
from zoo.objectives.tag_tokens import TagTokens
from zoo.pipeline.model_folder import load
from zoo.runtime.console import console
from zoo.runtime.errors import UserError
from zoo.runtime.files import atomic_file

FILES = ("model.keras", "preset.json", "tokenizer.json")  # of a tagger, which its tags depend on


def tags_by(tagger: Path, tokens: CorpusTokens, folder: Path) -> Tags:
    """The tags of a tagger; in a span scheme, the label of the span that a token is in.

    They are in a file of the index's `folder`, which is written where it is missing.

    Raises UserError for a folder without a model, and for a model that tags no tokens.
    """
    path = folder / f"tags-{_digest(tagger)}.npz"
    if not path.is_file():
        tags = tokens.tags_of(_tagged_words(tagger, tokens))
        with atomic_file(path) as file:
            np.savez(file, ids=tags.ids, names=tags.names)
    with np.load(path) as file:
        return Tags(file["ids"], file["names"])


def _tagged_words(tagger, tokens) -> Iterator[tuple[np.ndarray, list[str]]]:
    pipeline = load(tagger)
    if not isinstance(pipeline.objective, TagTokens):
        name = type(pipeline.objective).__name__
        raise UserError(f"Expected a model that tags tokens as the tagger. Received: {tagger}, a model of {name}.")
    count = len(tokens.texts) - 1
    console.print(f"Tagging {count:,} texts by {tagger}")
    for _, answer in pipeline.stream({"text": tokens.text(number)} for number in range(count)):
        spans = answer["tags"] if isinstance(answer, dict) else answer  # of classify_and_tag
        offsets = np.array([(span["start"], span["end"]) for span in spans], "int32").reshape(-1, 2)
        yield offsets, [span.get("tag", span.get("label")) for span in spans]


def _digest(tagger):
    digest = hashlib.sha256()
    for path in (tagger / name for name in FILES):
        if not path.is_file():
            raise UserError(
                f"Expected the folder of a tagger that zoo train wrote. Received: {tagger}, without {path.name}."
            )
        digest.update(path.read_bytes())
    return digest.hexdigest()[:20]
