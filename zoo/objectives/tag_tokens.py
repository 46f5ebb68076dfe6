"""Tag each word of a text: named entities, the slots of a request, parts of speech.

Scores of tags on the features of each word's first piece (Devlin 2018, section 5.3, arXiv:1810.04805), alone or, with
`crf`, judged together (Lample 2016, arXiv:1603.01360). The compile/fit preset is AdamW with warm-up and decay.
"""

from dataclasses import dataclass, replace
from itertools import chain, islice

import keras
import numpy as np
from keras import ops

from zoo.data import span_schemes
from zoo.data.tag_set import TagSet
from zoo.data.word_alignment import align_words, chunk_words, split_words, word_offsets
from zoo.layers.crf import CRF, CRFLoss
from zoo.layers.dropout import Dropout
from zoo.layers.tags import decode_batches, decode_tags, tags_to_spans
from zoo.metrics import classification
from zoo.metrics.spans import per_class, span_scores
from zoo.objectives import Objective
from zoo.objectives._requirements import check_feature_a_token
from zoo.runtime.errors import UserError, did_you_mean

AUTO = "auto"
KNOWN_SCHEMES = (AUTO, *span_schemes.SCHEMES, span_schemes.PLAIN)
HEAD = "tags"  # name of the layer that scores tags


@dataclass(frozen=True, kw_only=True)
class TagTokens(Objective):
    """A tag for each word; where tags spell spans of words, the spans.

    A text of more than `length` ids is read in several windows, one after another, so no word is left out. A word of
    which the tokenizer makes nothing has the tag that fits its neighbours best or, without `crf`, the first.
    """

    tags: tuple[str, ...] = ()  # in the order of the outputs; empty: those of the training split
    scheme: str = AUTO  # how tags spell spans: bio, iob1 or bioes; plain: they spell none; auto: as the tags look
    crf: bool = False  # tags are judged together, by a conditional random field
    valid_only: bool = True  # no tags are given that the scheme forbids beside one another
    dropout: float = 0.5  # before the output layer; Lample 2016, section 5.1

    per_token = ("labels",)
    packable = False  # a CRF would judge the tags of neighbouring texts together
    graph_input = "words"
    text_outputs = ()  # names of further outputs, which are about a text as a whole

    def __post_init__(self):
        if self.scheme not in KNOWN_SCHEMES:
            hint = did_you_mean(self.scheme, KNOWN_SCHEMES)
            raise UserError(f"Unknown scheme. Received: {self.scheme!r}.{hint} Known: {', '.join(KNOWN_SCHEMES)}.")

    @property
    def tag_set(self):
        """The tags with their scheme."""
        return TagSet(self.tags, self.scheme)

    @property
    def monitor(self):
        return "f1" if self.tag_set.spans else "accuracy"

    def check_architecture(self, architecture):
        check_feature_a_token(architecture, "tag_tokens")

    def needs(self):
        return ("tokens", "tags")

    def asks(self):
        return ("text",)

    def texts(self, record):
        return [" ".join(record["tokens"])]

    def fit(self, dataset):
        tag_set = TagSet.from_dataset(dataset, self.tags, "" if self.scheme == AUTO else self.scheme)
        for split in dataset.splits:
            tag_set.check(dataset, split)
        return replace(self, tags=tag_set.tags, scheme=tag_set.scheme)

    def accept(self, dataset, split):
        self.tag_set.check(dataset, split)

    def examples(self, records, tokenizer, train=True):
        for record, pieces in zip(records, self._pieces(records, tokenizer), strict=True):
            found = self._windows(pieces, tokenizer, self._target(record, pieces) if train else None)
            yield from (one for one in found if not train or (one["labels"] >= 0).any())

    def _windows(self, pieces, tokenizer, target=None):
        """Yield an example for every window of a text; with the `target` of each of its ids, if that is known."""
        before, after = tokenizer.template.special_ids(1, self.length)
        for here in chunk_words(len(pieces.ids), self._room(tokenizer)):
            example = {"tokens": np.concatenate([before, pieces.ids[here], after]).astype("int32")}
            if target is not None:
                example["labels"] = np.pad(target[here], (len(before), len(after)), constant_values=-1)
            yield example

    def _target(self, record, pieces):
        """The number of each word's tag at its first id, -1 elsewhere."""
        target, there = np.full(len(pieces.ids), -1, "int32"), pieces.first >= 0
        target[pieces.first[there]] = self.tag_set.ids(record["tags"])[there]
        return target

    def _pieces(self, records, tokenizer):
        return align_words([_words(record)[0] for record in records], tokenizer)

    def _room(self, tokenizer):
        """Ids of words in a window."""
        room = self.length - sum(map(len, tokenizer.template.special_ids(1, self.length)))
        if room < 1:
            raise UserError(f"Expected room for words beside the special tokens. Received: length={self.length}.")
        return room

    def collate(self, batch, random):
        targets = batch.pop("labels")
        return batch, targets if self.crf else np.maximum(targets, 0), (targets >= 0).astype("float32")

    def head(self, architecture, backbone):
        x = Dropout(self.dropout, name="tags_dropout")(backbone.output)
        layer = CRF if self.crf else keras.layers.Dense
        return keras.Model(backbone.input, layer(len(self.tags), dtype="float32", name=HEAD)(x))

    def loss(self):
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def compile(self, model, optimizer="adamw", **options):
        if self.crf:  # its loss needs the scores of neighbours, which no output holds
            options |= {"loss": self._judged(CRFLoss(model.get_layer(HEAD)))}
        return super().compile(model, optimizer, **options)

    def _judged(self, surprise):
        """`loss` where a CRF judges the tags, by this one."""
        return surprise

    def metrics(self):
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]

    def predict(self, run, records, tokenizer):
        """For each record (tags, probabilities): the number of each word's tag and how likely it is, (words,)."""
        return self._tagged(run.model, self._outputs(run, records, tokenizer), tokenizer)

    def _outputs(self, run, records, tokenizer):
        """(its `WordAlignment`, what the network says of each of its windows) for each record."""
        texts = self._pieces(records, tokenizer)
        examples = [list(self._windows(pieces, tokenizer)) for pieces in texts]
        outputs = iter(run(list(chain.from_iterable(examples))))
        return [(pieces, list(islice(outputs, len(own)))) for pieces, own in zip(texts, examples, strict=True)]

    def _tagged(self, model, texts, tokenizer):
        """`predict`'s answers from (its `WordAlignment`, the scores of tags in each of its windows) for each text."""
        begin, found = len(tokenizer.template.special_ids(1)[0]), []
        for pieces, outputs in texts:
            parts = zip(outputs, chunk_words(len(pieces.ids), self._room(tokenizer)), strict=True)
            scores = [scores[begin : begin + part.stop - part.start] for scores, part in parts]
            scores = np.concatenate([*scores, np.zeros((1, len(self.tags)), "float32")])  # the last is of `NO_PIECE`
            found.append(scores[pieces.first])
        return decode_batches(model.get_layer(HEAD), found, self.transitions)

    def decide(self, model, score_BTK, visible_BT):
        """The tags of words, and their probabilities, (batch, words), from the model's scores of the words' pieces."""
        return decode_tags(model.get_layer(HEAD), score_BTK, visible_BT, self.transitions)

    @property
    def transitions(self):
        """Which tag may follow which, as `zoo.layers.tags.decode_tags` takes it."""
        return self.tag_set.transitions() if self.valid_only else None

    def answer(self, prediction, record):
        """What is found, in the order of the text, each with its score, a probability, and its characters.

        Where tags spell spans: [{"text", "label", "score", "start", "end"}], the score that of the least certain word;
        else for each word [{"text", "tag", "score", "start", "end"}]. Characters are those of the record's text or,
        where it has tokens, of these with blanks between.
        """
        _, places, text = _words(record)
        tags, probabilities = [self.tags[i] for i in prediction[0]], prediction[1]
        spans = span_schemes.decode(tags) if self.tag_set.spans else [(tag, i, i + 1) for i, tag in enumerate(tags)]
        return [self._span(text, places, probabilities, *span) for span in spans]

    def _span(self, text, places, probabilities, label, first, end):
        start, stop = int(places[first][0]), int(places[end - 1][1])
        name = "label" if self.tag_set.spans else "tag"
        score = float(np.min(probabilities[first:end]))
        return {"text": text[start:stop], name: label, "score": score, "start": start, "end": stop}

    def format(self, answer):
        if not self.tag_set.spans:
            return " ".join(f"{word['text']}/{word['tag']}" for word in answer)
        return "  ".join(f"{one['label']}: {one['text']} {one['score']:.3f}" for one in answer) or "(none)"

    def serve(self, outputs):
        """`labels` (or `tags`), `scores`, `first` and `last` word of what `answer` says; -1 and "" where it says less.

        Given are the tags of words, their probabilities, and where words are, (rows, words) each.
        """
        tag, score, there = outputs
        if self.tag_set.spans:
            found = tags_to_spans(tag, score, there, *self.tag_set.boundaries())
        else:
            word = ops.broadcast_to(ops.arange(ops.shape(tag)[1], dtype="int32"), ops.shape(tag))
            found = {"first": word, "last": word, "tag": tag, "score": score}
            found = {name: ops.where(there, array, -1) for name, array in found.items()}
        name, names = next(iter(self.words().items()))
        numbers = {said: number for number, said in enumerate(names)}
        per_class = np.array([*(numbers.get(self.tag_set.name(tag), -1) for tag in self.tags), numbers[""]], "int32")
        number = ops.take(per_class, ops.where(found["tag"] < 0, len(self.tags), found["tag"]))
        return {name: number, "scores": found["score"], "first": found["first"], "last": found["last"]}

    def words(self):
        return {"labels" if self.tag_set.spans else "tags": (*self.tag_set.names(), "")}

    def _both(self, predictions, records):
        """(true tags, tags found) of each record."""
        found = ([self.tags[i] for i in tags] for tags, _ in predictions)
        return list(zip((self.tag_set.normalise(record["tags"]) for record in records), found, strict=True))

    def scores(self, predictions, records):
        both = self._both(predictions, records)
        right = sum(one == other for pair in both for one, other in zip(*pair, strict=True))
        accuracy = {"accuracy": right / max(sum(len(tags) for tags, _ in both), 1)}
        return span_scores(*self._spans(both)) | accuracy if self.tag_set.spans else accuracy

    def _spans(self, both):
        """(true spans, spans found), each a list for each record."""
        return [[span_schemes.decode(tags) for tags in column] for column in zip(*both, strict=True)] or [[], []]

    def per_class(self, predictions, records):
        both = self._both(predictions, records)
        if self.tag_set.spans:
            return per_class(*self._spans(both))
        truth, found = (np.array([tag for pair in both for tag in pair[side]])[:, None] == self.tags for side in (0, 1))
        return classification.per_class(self.tags, truth, found)


def _words(record):
    """(words, their characters, the text that these are of)."""
    if "tokens" in record:
        return record["tokens"], word_offsets(record["tokens"]), " ".join(record["tokens"])
    found = split_words(record["text"])
    return [word for word, _, _ in found], [span for _, *span in found], record["text"]
