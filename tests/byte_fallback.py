"""Tokenizers as Llama 2 has them: byte-pair encoding of characters, bytes for unknown characters, "▁" for spaces."""

from random import Random

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers
from tokenizers.processors import TemplateProcessing

from zoo.text.tokenizer import Tokenizer

SPECIAL = ("<unk>", "<s>", "</s>")
BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))


def build(random, metaspace=None, characters="abcdé日", merges=60):
    """A tokenizer with random merges.

    `metaspace` is (prepend scheme, split) of a Metaspace pre-tokenizer, as newer releases write it in place of the
    normalizer.
    """
    tokens, pairs = ["▁", *characters], []
    for _ in range(merges):
        pair = random.choice(tokens), random.choice(tokens)
        if len("".join(pair)) <= 6 and pair not in pairs:
            pairs.append(pair)
            tokens.append("".join(pair))
    vocabulary = {token: id for id, token in enumerate(dict.fromkeys([*SPECIAL, *BYTES, *tokens]))}
    backend = tokenizers.Tokenizer(models.BPE(vocabulary, pairs, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if metaspace:
        backend.pre_tokenizer = pre_tokenizers.Metaspace("▁", *metaspace)
    else:
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    steps = decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)
    backend.decoder = decoders.Sequence(list(steps))
    backend.add_special_tokens(list(SPECIAL))
    backend.post_processor = TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    return Tokenizer(backend)


class ByteFallback:
    """In place of a tokenizer's settings: `train` makes a tokenizer of the characters of texts."""

    def train(self, texts):
        return build(Random(0), characters="".join(sorted(set("".join(texts)) & set("abcdefghijklmnoprstuvwyz!."))))
