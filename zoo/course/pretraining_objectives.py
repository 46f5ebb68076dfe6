"""Pretraining objectives, probed: what features know after next-token, masked-token and next-sentence prediction.

Claim: causal language modelling learns to go on (Radford 2018, GPT), masked language modelling learns words in context
from both sides, and next-sentence prediction learns how sentences relate (Devlin 2018, arXiv:1810.04805). A linear
probe on frozen features tells what they hold (Alain & Bengio 2016, arXiv:1610.01644); an untrained network is the
control.

Four networks of one size read texts of a synthetic language, `zoo.course._language`; one of them stays untrained. The
probes are logistic regressions on the features of the last block:

    word       which word a token is
    tag        whether an ambiguous word is adjective or noun, which the next word decides
    next word  the last noun, from the word before it in a text that ends there
    relation   whether the second sentence has the topic of the first, from the mean of all features
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.course._bars import plot_bars
from zoo.course._curves import mean
from zoo.course._experiment import Experiment, Finding, Row
from zoo.course._language import NOUN, TIME, Language, Texts, masked_arrays
from zoo.course._objective_training import Arrays, Network, decoder, encoder, network, train_steps
from zoo.course._probing import probe_accuracy
from zoo.objectives.masked_token import MaskedToken
from zoo.objectives.next_sentence import NextSentence
from zoo.objectives.next_token import NextToken

UNTRAINED, NEXT, MASKED, SENTENCE = "untrained", "next token", "masked token", "next sentence"
PROBES = ("word", "tag", "next word", "relation")
LANGUAGE = Language(partners=True)
GOES_ON = "Next-token prediction learns what comes next: its features tell the next word best."
IN_CONTEXT = "Masked-token prediction learns words in context: its features tell the tag of ambiguous words best."
RELATES = "Next-sentence prediction learns how sentences relate: its features tell the relation best."
LOSES_WORDS = "Next-sentence prediction loses the words: its features tell them less well than masked-token's."
MARGIN = 0.03  # of accuracies that differ


@dataclass(frozen=True, kw_only=True)
class PretrainingObjectives(Experiment):
    """The accuracy of four probes on the features of four networks."""

    width: int = 64  # of the residual stream
    heads: int = 4  # attention heads of a block
    steps: int = 800  # of the optimizer
    examples: int = 4096  # texts of pretraining
    texts: int = 1024  # texts whose features train a probe; as many test it
    mask_rate: float = 0.3  # share of tokens that are masked

    number = 14
    untested = (LOSES_WORDS,)

    def measure(self, seed: int) -> list[Row]:
        random = np.random.default_rng(seed)
        networks = {
            UNTRAINED: network(self._encoder, MaskedToken()),
            NEXT: self._next_token(random),
            MASKED: self._masked_token(random),
            SENTENCE: self._next_sentence(random),
        }
        train, test = (LANGUAGE.texts(self.texts, random, follows=0.5) for _ in range(2))
        return [
            {"objective": name, "probe": probe, "accuracy": accuracy}
            for name, trained in networks.items()
            for probe, accuracy in _probe(trained, train, test).items()
        ]

    def _next_token(self, random) -> Network:
        architecture = decoder(LANGUAGE.vocabulary, self.width, self.heads, TIME)
        tokens = LANGUAGE.texts(self.examples, random).tokens
        arrays = Arrays({"tokens": tokens[:, :-1]}, tokens[:, 1:], (tokens[:, 1:] > 0).astype("float32"))
        return self._trained(network(architecture, NextToken()), arrays, random)

    def _masked_token(self, random) -> Network:
        tokens = LANGUAGE.texts(self.examples, random).tokens
        arrays = masked_arrays(tokens, LANGUAGE, random, self.mask_rate)
        return self._trained(network(self._encoder, MaskedToken()), arrays, random)

    def _next_sentence(self, random) -> Network:
        texts = LANGUAGE.texts(self.examples, random, follows=0.5)
        return self._trained(
            network(self._encoder, NextSentence(dropout=0.0)), Arrays({"tokens": texts.tokens}, texts.follows), random
        )

    def _trained(self, trained, arrays, random):
        train_steps(trained, arrays, self.steps, random)
        return trained

    @property
    def _encoder(self):
        return encoder(LANGUAGE.vocabulary, self.width, self.heads)

    def findings(self, rows: Sequence[Row]) -> list[Finding]:
        return [
            _finding(rows, GOES_ON, "next word", NEXT, (UNTRAINED, MASKED, SENTENCE)),
            _finding(rows, IN_CONTEXT, "tag", MASKED, (UNTRAINED, NEXT, SENTENCE)),
            _finding(rows, RELATES, "relation", SENTENCE, (UNTRAINED, NEXT, MASKED)),
            _finding(rows, LOSES_WORDS, "word", MASKED, (SENTENCE,)),
        ]

    def plot(self, rows, figure) -> None:
        axes = figure.subplots()
        plot_bars(axes, rows, "probe", "objective", "accuracy", control=UNTRAINED)
        axes.set_ylabel("accuracy of the linear probe")
        figure.legend(loc="outside upper center", ncols=4)


def _finding(rows, claim, probe, best, others) -> Finding:
    """Whether a probe is more accurate on the features of `best` than on those of all `others`."""
    means = {name: mean(rows, "accuracy", objective=name, probe=probe) for name in (best, *others)}
    measured = f"{probe}: " + ", ".join(f"{name} {accuracy:.2f}" for name, accuracy in means.items())
    return Finding(claim, measured, all(means[best] > means[name] + MARGIN for name in others))


def _probe(trained: Network, train: Texts, test: Texts) -> dict[str, float]:
    """The accuracy of each probe."""
    splits = [(texts, trained.features(texts.tokens)) for texts in (train, test)]
    cases = {name: [select(trained, *split) for split in splits] for name, select in _CASES.items()}
    return {name: probe_accuracy(*cases[name][0], *cases[name][1]) for name in PROBES}


def _words(_, texts, features):
    chosen = texts.tags > 0
    return features[chosen], texts.tokens[chosen]


def _tags(_, texts, features):
    chosen = LANGUAGE.is_ambiguous(texts.tokens)
    return features[chosen], texts.tags[chosen] == NOUN


def _next_words(trained, texts, _):
    """The feature of the word before the last noun, of a text that ends there, and that noun."""
    rows, last = np.arange(len(texts.tokens)), TIME - 1 - np.argmax(texts.tags[:, ::-1] == NOUN, axis=1)
    beginnings = np.where(np.arange(TIME) < last[:, None], texts.tokens, 0)
    return trained.features(beginnings)[rows, last - 1], texts.tokens[rows, last]


def _relations(_, texts, features):
    mask = (texts.tokens > 0)[..., None]
    return (features * mask).sum(1) / mask.sum(1), texts.follows


_CASES = {"word": _words, "tag": _tags, "next word": _next_words, "relation": _relations}

SMALL = PretrainingObjectives(width=48, steps=500, texts=512)
