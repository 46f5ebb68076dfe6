"""Pretrained word vectors: GloVe, word2vec and fastText files, and the input embeddings of a published network.

GloVe: Pennington 2014, https://aclanthology.org/D14-1162. word2vec: Mikolov 2013, https://arxiv.org/abs/1310.4546.
fastText: Bojanowski 2017, https://aclanthology.org/Q17-1010. The form of a file is read from its first bytes, whatever
its name; each may be compressed by gzip.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from zoo.checkpoints.fasttext import MAGIC, FastTextModel
from zoo.checkpoints.input_embeddings import InputEmbeddings
from zoo.checkpoints.resolve import HUGGINGFACE, KERAS, resolve
from zoo.checkpoints.vector_files import BinaryVectors, TextVectors, open_bytes
from zoo.checkpoints.vector_source import VectorSource, WordVectors
from zoo.runtime.errors import UserError, did_you_mean

HEAD = 2**18  # bytes at the beginning of a file that show its form
LINES = 100  # first lines of a text, of which the shortest shows the number of dimensions: words may hold spaces


def read_word_vectors(path: str | Path, words: Sequence[str]) -> WordVectors:
    """The vectors of a vocabulary from a file or folder: no other vector is held in memory.

    Args:
        path: as for `open_word_vectors`.
        words: the vocabulary; see `zoo.checkpoints.vector_source` for how they are looked up.

    Raises UserError where the file or folder is missing, damaged or of another kind.
    """
    return open_word_vectors(path).read(words)


def open_word_vectors(path: str | Path) -> VectorSource:
    """Word vectors of a file or folder, of which little is read yet.

    Args:
        path: a file of GloVe (text without a header), word2vec (text or binary) or fastText (.vec or .bin), perhaps
            compressed by gzip; a folder of transformers or of the zoo, or a name as in `zoo.checkpoints.resolve`.

    Raises UserError where the file or folder is missing or of another kind.
    """
    if str(path).startswith((HUGGINGFACE, KERAS)) or Path(path).is_dir():
        return InputEmbeddings(resolve(path))
    path = Path(path)
    if not path.is_file():
        names = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = did_you_mean(path.name, names)
        raise UserError(f"Expected a file of word vectors, or a folder. Received: {path}, which does not exist.{hint}")
    with open_bytes(path) as file:
        head = file.read(HEAD)
    return FastTextModel(path) if head.startswith(MAGIC) else _word2vec(path, head) or _glove(path, head)


def _word2vec(path, head):
    """Word vectors with a header, which has the numbers of words and of dimensions; None without it."""
    line, _, entries = head.partition(b"\n")
    fields = line.split()
    if len(fields) != 2 or not all(field.isdigit() for field in fields) or int(fields[1]) == 0:
        return None
    count, width = map(int, fields)
    if _is_entry(entries.partition(b"\n")[0], width):
        return TextVectors(path, width, header=True)
    return BinaryVectors(path, width, count)


def _glove(path, head):
    lines = head.split(b"\n")
    lines = [line.rstrip() for line in (lines[:-1] if len(lines) > 1 else lines)[:LINES]]  # the last one may be cut
    width = min((line.count(b" ") for line in lines if line), default=0)
    if width < 2 or not _is_entry(lines[0], width):
        raise UserError(f"Expected word vectors of GloVe, word2vec or fastText. Received: {path}{_kind(head)}.")
    return TextVectors(path, width, header=False)


def _is_entry(line, width):
    """Whether a line is a word with so many numbers."""
    numbers = line.rstrip().rsplit(b" ", width)[1:]
    try:
        return len([float(number) for number in numbers]) == width
    except ValueError:
        return False


def _kind(head):
    """What a file of another kind is, for a message."""
    if head.startswith(b"PK"):
        return ", a zip archive: unpack it first"
    if head.startswith(b"\x80"):
        return ", a pickle, which is never read: save it with gensim's save_word2vec_format"
    return ", which is empty" if not head else ", of another form"


def frequent_words(source: VectorSource, count: int) -> list[str]:
    """The first words of a source, as a rule the most frequent ones."""
    return list(islice(source.words(), count))
