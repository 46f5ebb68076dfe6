"""Writers of small files of word vectors in the forms of GloVe, word2vec and fastText."""

import gzip
import struct

import numpy as np


def text_line(word, vector):
    return f"{word} {' '.join(f'{x:.6g}' for x in vector)}"


def write_glove(path, vectors):
    path.write_text("\n".join(text_line(*item) for item in vectors.items()) + "\n", encoding="utf-8")


def write_text(path, vectors):
    """word2vec's text and fastText's .vec: with a header; fastText ends each line with a space."""
    width = len(next(iter(vectors.values())))
    lines = [f"{len(vectors)} {width}", *(text_line(*item) + " " for item in vectors.items())]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_binary(path, vectors, line_break=b"\n"):
    """word2vec's binary form; gensim writes no line breaks after vectors."""
    width = len(next(iter(vectors.values())))
    entries = (word.encode() + b" " + vector.astype("<f4").tobytes() + line_break for word, vector in vectors.items())
    path.write_bytes(f"{len(vectors)} {width}\n".encode() + b"".join(entries))


def write_fasttext(path, words, matrix, buckets, grams=(3, 6), pruned=None, version=12, quantized=0):
    """A model of fastText (.bin): `matrix` has a row for each word, then one for each bucket; one label."""
    settings = struct.pack("<12id", matrix.shape[1], 5, 1, 1, 5, 1, 2, 2, buckets, *grams, 100, 1e-4)
    dictionary = struct.pack("<3i2q", len(words) + 1, len(words), 1, 100, -1 if pruned is None else len(pruned))
    for word in words:
        dictionary += word.encode() + b"\0" + struct.pack("<qb", 7, 0)
    dictionary += b"__label__a\0" + struct.pack("<qb", 7, 1)
    dictionary += b"".join(struct.pack("<2i", *pair) for pair in (pruned or {}).items())
    table = struct.pack("<2q", *matrix.shape) + matrix.astype("<f4").tobytes()
    path.write_bytes(struct.pack("<2i", 793_712_314, version) + settings + dictionary + bytes([quantized]) + table)


def compress(path):
    """The file, compressed by gzip, under a name that does not say so."""
    compressed = path.with_name("compressed")
    compressed.write_bytes(gzip.compress(path.read_bytes()))
    return compressed


def random_vectors(words, width=4):
    rng = np.random.default_rng(0)
    return {word: rng.normal(0, 0.3, width).astype("float32").round(4) for word in words}
