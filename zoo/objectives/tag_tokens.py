"""Tag each word of a text: named entities, the slots of a request, parts of speech.

Scores of tags on the features of each word's first piece (Devlin 2018, section 5.3, arXiv:1810.04805), alone or, with
`crf`, judged together (Lample 2016, arXiv:1603.01360). The compile/fit preset is AdamW with warm-up and decay.
"""

from collections import Counter
from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.console import console
from zoo.dataset import collect_labels, did_you_mean, schemes
from zoo.layers.crf import CRF, SequenceSurprise
from zoo.layers.tagging import spans_of, tag_all
from zoo.metrics import classification
from zoo.metrics.spans import per_class, span_scores
from zoo.objective import Objective
from zoo.words import encode, place, split_words, windows

AUTO = "auto"
KNOWN = (AUTO, *schemes.SCHEMES, schemes.PLAIN)
HEAD = "tags"  # name of the layer that scores tags


@dataclass(frozen=True, kw_only=True)
class TagTokens(Objective):
    """A tag for each word; where tags spell spans of words, the spans.

    A text of more than `length` ids is read in several windows, one after another, so no word is left out. A word of
    which the tokenizer makes nothing has the tag that is likeliest between its neighbours' or, without `crf`, the first.
    """

    tags: tuple[str, ...] = ()  # in the order of the outputs; empty: those of the training split
    scheme: str = AUTO  # how tags spell spans: bio, iob1 or bioes; plain: they spell none; auto: as the tags look
    crf: bool = False  # tags are judged together, by a conditional random field
    legal: bool = True  # no tags are given that the scheme forbids beside one another
    dropout: float = 0.5  # before the output layer; Lample 2016, section 5.1

    aligned = ("target",)

    def __post_init__(self):
        if self.scheme not in KNOWN:
            hint = did_you_mean(self.scheme, KNOWN)
            raise ValueError(f"Unknown scheme. Received: {self.scheme!r}.{hint} Known: {', '.join(KNOWN)}.")

    @property
    def spans(self):
        """Whether tags spell spans."""
        return self.scheme in schemes.SCHEMES

    @property
    def watch(self):
        return "f1" if self.spans else "accuracy"

    def check(self, architecture):
        inputs, name = architecture.inputs(), type(architecture).__name__
        if inputs[0] != "tokens":
            raise ValueError(
                f"tag_tokens needs one sequence of tokens. Received: {name}, which reads {' and '.join(inputs)}."
            )
        if architecture.pooling is None:
            raise ValueError(f"tag_tokens needs a feature a token. Received: {name}, which gives one a text.")

    def needs(self):
        return ("tokens", "tags")

    def asks(self):
        return ("text",)

    def texts(self, record):
        return [" ".join(record["tokens"])]

    def fit(self, dataset):
        scheme = self.scheme
        if scheme == AUTO:
            scheme = schemes.detect(record["tags"] for record in dataset.records("train"))
        fitted = replace(self, scheme=scheme)
        fitted = replace(fitted, tags=self.tags or fitted._outputs(collect_labels(dataset, "tags")))
        for split in dataset.splits:
            fitted.accept(dataset, split)
        return fitted

    def accept(self, dataset, split):
        """Tell people of spans that had to be repaired and of tags that training never met; raise if all are such."""
        repaired, unknown, known = 0, Counter(), 0
        for record in dataset.records(split):
            tags = self._spelled(record["tags"])
            repaired += schemes.repairs(record["tags"], self.scheme) if self.spans else 0
            unknown.update(tag for tag in tags if tag not in self.tags)
            known += sum(tag in self.tags for tag in tags)
        if unknown and not known:
            raise ValueError(f"Expected tags such as {self.tags[:3]} in {dataset.where(split)}. Received: {unknown}.")
        _tell(dataset.where(split), repaired, unknown)

    def _outputs(self, tags):
        """The tags to learn: of spans, all that their labels may have."""
        if not self.spans:
            return tags
        labels = {label for tag in tags for label, _, _ in schemes.read([tag])}
        return schemes.spelled(sorted(labels), self._spelling)

    @property
    def _spelling(self):
        """The scheme in which spans are learned: that of the data, but BIO in place of IOB1."""
        return "bioes" if self.scheme == "bioes" else "bio"

    def _spelled(self, tags):
        """Tags as they are learned: repaired, and of the scheme that is learned."""
        return schemes.write(schemes.read(tags), len(tags), self._spelling) if self.spans else tags

    def examples(self, records, tokenizer, train=True):
        numbers = {tag: number for number, tag in enumerate(self.tags)}
        before, after = tokenizer.layout.around(1, self.length)
        for record, pieces in zip(records, self._pieces(records, tokenizer), strict=True):
            target = np.full(len(pieces.ids), -1, "int32")
            if train:
                tags = np.array([numbers.get(tag, -1) for tag in self._spelled(record["tags"])], "int32")
                target[pieces.first[pieces.first >= 0]] = tags[pieces.first >= 0]
            for here in windows(len(target), self._room(tokenizer)):
                example = {"tokens": np.concatenate([before, pieces.ids[here], after]).astype("int32")}
                if not train:
                    yield example
                elif (target[here] >= 0).any():
                    yield example | {"target": np.pad(target[here], (len(before), len(after)), constant_values=-1)}

    def _pieces(self, records, tokenizer):
        return encode([_words(record)[0] for record in records], tokenizer)

    def _room(self, tokenizer):
        """Ids of words in a window."""
        room = self.length - sum(map(len, tokenizer.layout.around(1, self.length)))
        if room < 1:
            raise ValueError(f"Expected room for words beside the special tokens. Received: length={self.length}.")
        return room

    def arrange(self, batch, random):
        targets = batch.pop("target")
        return batch, targets if self.crf else np.maximum(targets, 0), (targets >= 0).astype("float32")

    def head(self, architecture, trunk):
        x = keras.layers.Dropout(self.dropout, name="head_dropout")(trunk.output)
        layer = CRF if self.crf else keras.layers.Dense
        return keras.Model(trunk.input, layer(len(self.tags), dtype="float32", name=HEAD)(x))

    def loss(self):
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def compile(self, model, optimizer="adamw", **options):
        if not self.crf:
            return super().compile(model, optimizer, **options)
        options = {"jit_compile": backend.COMPILE} | options
        loss = SequenceSurprise(model.get_layer(HEAD))  # it needs the scores of neighbours, which no output holds
        model.compile(optimizer=optimizer, loss=loss, weighted_metrics=self.metrics(), **options)
        return model

    def metrics(self):
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def predict(self, run, records, tokenizer):
        """For each record (tags, probabilities): the number of each word's tag and how likely it is, (words,) arrays."""
        outputs = iter(run(list(self.examples(records, tokenizer, train=False))))
        begin, found = len(tokenizer.layout.around(1)[0]), []
        for pieces in self._pieces(records, tokenizer):
            parts = windows(len(pieces.ids), self._room(tokenizer))
            scores = [next(outputs)[begin : begin + part.stop - part.start] for part in parts]
            scores = np.concatenate([*scores, np.zeros((1, len(self.tags)), "float32")])  # the last is of `NOWHERE`
            found.append(scores[pieces.first])
        return tag_all(run.model.get_layer(HEAD), found, self.allowed)

    @property
    def allowed(self):
        """Which tag may follow which, with beginning and end, as `zoo.layers.tagging.best_tags` takes it."""
        return np.array(schemes.follows(self.tags, self._spelling)) if self.spans and self.legal else None

    def answer(self, prediction, record):
        """What is found, in the order of the text, each with its score, a probability, and its characters.

        Where tags spell spans: [{"text", "label", "score", "start", "end"}], the score that of the least certain word;
        else for each word [{"text", "tag", "score", "start", "end"}]. Characters are those of the record's text or, where
        it has tokens, of these with blanks between.
        """
        _, places, text = _words(record)
        tags, probabilities = [self.tags[i] for i in prediction[0]], prediction[1]
        spans = schemes.read(tags) if self.spans else [(tag, i, i + 1) for i, tag in enumerate(tags)]
        found = []
        for label, first, end in spans:
            start, stop, score = int(places[first][0]), int(places[end - 1][1]), float(min(probabilities[first:end]))
            name = "label" if self.spans else "tag"
            found.append({"text": text[start:stop], name: label, "score": score, "start": start, "end": stop})
        return found

    def read(self, answer):
        if not self.spans:
            return " ".join(f"{word['text']}/{word['tag']}" for word in answer)
        return "  ".join(f"{one['label']}: {one['text']} {one['score']:.3f}" for one in answer) or "(none)"

    def serve(self, outputs):
        """`labels` (or `tags`), `scores`, `first` and `last` word of what `answer` says; -1 and "" where it says less.

        Given are the tags of words, their probabilities, and where words are, (rows, words) each.
        """
        tag, score, there = outputs
        if self.spans:
            around = [*self.tags, schemes.OUTSIDE]
            apart = np.array([[schemes.apart(one, other) for other in around] for one in around])
            found = spans_of(tag, score, there, apart, np.array(around) != schemes.OUTSIDE)
        else:
            word = ops.broadcast_to(ops.arange(ops.shape(tag)[1], dtype="int32"), ops.shape(tag))
            found = {"first": word, "last": word, "tag": tag, "score": score}
            found = {name: ops.where(there, array, -1) for name, array in found.items()}
        names = self.words()[self._named]
        places = {name: number for number, name in enumerate(names)}
        numbers = np.array([places.get(self._name(tag), 0) for tag in self.tags] + [places[""]], "int32")
        number = ops.take(numbers, ops.where(found["tag"] < 0, len(self.tags), found["tag"]))
        return {self._named: number, "scores": found["score"], "first": found["first"], "last": found["last"]}

    @property
    def _named(self):
        return "labels" if self.spans else "tags"

    def _name(self, tag):
        return schemes.split(tag)[1] if self.spans else tag

    def words(self):
        inside = [tag for tag in self.tags if not self.spans or tag != schemes.OUTSIDE]
        return {self._named: (*dict.fromkeys(map(self._name, inside)), "")}

    def _both(self, predictions, records):
        """(true tags, tags found) of each record."""
        found = ([self.tags[i] for i in tags] for tags, _ in predictions)
        return list(zip((self._spelled(record["tags"]) for record in records), found, strict=True))

    def scores(self, predictions, records):
        both = self._both(predictions, records)
        right = sum(one == other for pair in both for one, other in zip(*pair, strict=True))
        accuracy = {"accuracy": right / max(sum(len(tags) for tags, _ in both), 1)}
        return span_scores(*self._spans(both)) | accuracy if self.spans else accuracy

    def _spans(self, both):
        """(true spans, spans found), each a list for each record."""
        return [[schemes.read(tags) for tags in column] for column in zip(*both, strict=True)] or [[], []]

    def table(self, predictions, records):
        both = self._both(predictions, records)
        if self.spans:
            return per_class(*self._spans(both))
        truth, found = (np.array([tag for pair in both for tag in pair[side]])[:, None] == self.tags for side in (0, 1))
        return classification.per_class(self.tags, truth, found)


def _words(record):
    """(words, their characters, the text that these are of)."""
    if "tokens" in record:
        return record["tokens"], place(record["tokens"]), " ".join(record["tokens"])
    found = split_words(record["text"])
    return [word for word, _, _ in found], [span for _, *span in found], record["text"]


def _tell(where, repaired, unknown):
    if repaired:
        console.print(f"Repaired in {where}: {repaired} spans without their proper first or last tag.", markup=False)
    if unknown:
        most = ", ".join(f"{tag} ({count})" for tag, count in unknown.most_common(5))
        console.print(f"Never seen in training, and so never right, in {where}: {most}.", markup=False)
