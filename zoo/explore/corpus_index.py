"""The index of a corpus: vectors of its tokens at some layers and heads, on disk, to search for similar tokens.

An index is a folder of the cache beside the model folders, `.cache/corpus-KEY`: tokens.npz, and a file of float16 unit
vectors for each layer or head, (tokens, width). The key is a digest of the weights, the tokenizer and the corpus.
Each file is complete or absent.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
from rich.progress import Progress

from zoo.data.dataset import Dataset
from zoo.explore.corpus_tags import tags_by
from zoo.explore.corpus_text import open_corpus, texts_of
from zoo.explore.corpus_tokens import CorpusTokens, Tags, tokenize_corpus
from zoo.explore.token_vectors import VectorSource, check_sources, text_input, vector_outputs
from zoo.explore.vector_file import VectorWriter, has_rows
from zoo.pipeline.predictor import BatchPredictor
from zoo.readers.memory import DataInMemory
from zoo.runtime.console import console
from zoo.runtime.durability import make_folder
from zoo.runtime.files import atomic_file

if TYPE_CHECKING:
    from zoo.pipeline.pipeline import Pipeline

FORMAT = "1"  # version of the files' format
CACHE = Path("saved_models") / ".cache"  # of a pipeline without a folder
CHUNK = 16_384  # tokens whose vectors are in memory at a time
TOKENS = "tokens.npz"


@dataclass(frozen=True)
class CorpusIndex:
    """The index of a corpus.

    Attributes:
        folder: of its files.
        tokens: the tokens of the corpus.
        tags: {column: `Tags`}: "tag" of the corpus, "predicted tag" of a tagger.
        sources: the layers and heads that have vectors.
    """

    folder: Path
    tokens: CorpusTokens
    tags: dict[str, Tags]
    sources: tuple[VectorSource, ...]

    def vectors(self, source: VectorSource) -> np.ndarray:
        """The unit vectors of all tokens, (tokens, width) float16: a memory map."""
        return np.load(_file_of(self.folder, source), mmap_mode="r")


def build_index(
    pipeline: "Pipeline",
    corpus: str | Path | DataInMemory,
    layers: Sequence[int] = (),
    heads: Sequence[tuple[int, int]] = (),
    tagger: str | Path | None = None,
    cache: str | Path | None = None,
) -> CorpusIndex:
    """Build the index of a corpus, or use files that an earlier call has built.

    A progress bar shows how many tokens are done. After Ctrl-C the next call builds the files that are missing.

    Args:
        pipeline: whose network computes the vectors.
        corpus: a dataset spec, or data in memory: see `zoo.open_dataset`. Texts are `tokens`, `text` or `source`.
        layers: 0: the embedding; above: the output of the block of that number. Without `heads`: () is the last layer.
        heads: (layer, head) of each head, heads counted from 0: weights @ values before the output projection.
        tagger: the folder of a model that tags tokens, whose tags are those of the corpus.
        cache: the folder that holds the index; default: `.cache` beside the model folder.

    Raises UserError for a network without a vector for each token, a layer or head that it does not have, a corpus that
    cannot be read, and a tagger that tags no tokens.
    """
    sources, dataset = check_sources(pipeline, layers, heads), open_corpus(corpus)
    cache = Path(cache) if cache else pipeline.folder.resolve().parent / ".cache" if pipeline.folder else CACHE
    folder = cache / f"corpus-{_key(pipeline, dataset)}"
    make_folder(folder)
    tokens = _tokens(folder, pipeline, dataset)
    missing = tuple(source for source in sources if not has_rows(_file_of(folder, source), len(tokens)))
    if missing:
        _write_vectors(folder, pipeline, tokens, missing)
    tags = {"tag": tokens.tags} if tokens.tags else {}
    if tagger:
        tags["predicted tag"] = tags_by(Path(tagger), tokens, folder)
    return CorpusIndex(folder, tokens, tags, sources)


def _key(pipeline, dataset: Dataset) -> str:
    """A digest of all that the tokens and their vectors depend on."""
    digest = hashlib.sha256()
    for weight in pipeline.model.weights:
        digest.update(keras.ops.convert_to_numpy(weight).tobytes())
    settings = FORMAT, repr(pipeline.preset.architecture), repr(pipeline.objective), pipeline.tokenizer.identity
    digest.update("\n".join([*settings, *map(dataset.fingerprint, dataset.splits)]).encode())
    return digest.hexdigest()[:20]


def _tokens(folder, pipeline, dataset) -> CorpusTokens:
    path = folder / TOKENS
    if not path.is_file():
        running = pipeline.objective.split_strategy == "end"
        tokenize_corpus(pipeline, texts_of(dataset, running)).save(path)
    return CorpusTokens.load(path)


def _file_of(folder, source: VectorSource) -> Path:
    return folder / f"{source.name}.npy"


def _write_vectors(folder, pipeline, tokens: CorpusTokens, sources):
    console.print(f"Index of {len(tokens):,} tokens, layers {', '.join(map(str, sources))}: {folder}")
    run = BatchPredictor(pipeline.model, pipeline.objective, pipeline.tokenizer)
    transform, name = vector_outputs(pipeline, sources), text_input(pipeline.model)
    with ExitStack() as stack:
        files = {source.name: stack.enter_context(atomic_file(_file_of(folder, source))) for source in sources}
        writers = {name: VectorWriter(file, len(tokens)) for name, file in files.items()}
        bar = stack.enter_context(Progress(console=console, transient=True, disable=not console.is_terminal))
        task = bar.add_task("tokens", total=len(tokens))
        for windows in _chunks(np.diff(tokens.windows)):
            parts = [slice(*tokens.windows[window : window + 2]) for window in windows]
            outputs = run([{name: tokens.ids[part]} for part in parts], transform)
            for part, vectors in zip(parts, outputs, strict=True):
                for key, writer in writers.items():
                    writer.write(part.start, vectors[key][: part.stop - part.start])
            bar.advance(task, sum(part.stop - part.start for part in parts))


def _chunks(sizes) -> Iterator[np.ndarray]:
    """Yield windows of about one size, the longest first: up to `CHUNK` tokens."""
    order = np.argsort(-sizes, kind="stable")
    while len(order):
        number = max(1, CHUNK // int(sizes[order[0]]))
        yield order[:number]
        order = order[number:]
