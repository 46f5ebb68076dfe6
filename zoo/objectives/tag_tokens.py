"""Sequence labelling: tag each word of a text, such as named entities, slots of a request, parts of speech.

Scores of tags on the features of each word's first piece (Devlin 2018, section 5.3, arXiv:1810.04805), each word alone
or, with `crf`, all words together (Lample 2016, arXiv:1603.01360). The compile/fit preset is AdamW with warm-up and
decay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice

import keras
import numpy as np

from zoo.data import span_schemes
from zoo.data.tag_set import TagSet
from zoo.data.word_alignment import align_words, chunk_words
from zoo.layers.crf import CRF, CRFLoss
from zoo.layers.dropout import Dropout
from zoo.layers.tags import decode_tags
from zoo.metrics import classification
from zoo.metrics.spans import per_class, span_scores
from zoo.objectives import Fields, Objective, Preparation, Reports
from zoo.objectives._requirements import check_token_features
from zoo.objectives._tagging import AUTO, TagPreparation, decide_texts, named_spans, names_of, words_of
from zoo.runtime.errors import UserError, one_of

HEAD = "tags"  # name of the layer that scores tags


@dataclass(frozen=True, kw_only=True)
class TagTokens(Objective, Reports):
    """A tag for each word; in a span scheme, the spans.

    A text of more than `length` ids is read in several windows, so each word has a tag. A word that the tokenizer drops
    gets the tag that fits its neighbours best or, without `crf`, the first tag.
    """

    tags: tuple[str, ...] = ()  # in the order of the outputs; empty: those of the training split
    scheme: str = AUTO  # span scheme: bio, iob1 or bioes; plain: tags encode no spans; auto: that of the data
    crf: bool = False  # conditional random field: the best sequence of tags
    valid_only: bool = True  # decode no tags side by side that the scheme forbids
    dropout: float = 0.5  # before the output layer; Lample 2016, section 5.1

    per_token = ("labels",)
    packable = False  # a CRF would join the tags of neighbouring texts
    graph_input, answer_name = "words", "tags"
    text_outputs = ()  # names of further model outputs, for a text rather than for each word
    fields = Fields(required=("tokens", "tags"), inputs=("text",), texts=("tokens",), optional=("text", "spans"))

    def __post_init__(self) -> None:
        one_of("scheme", self.scheme, (AUTO, *span_schemes.NAMES, span_schemes.PLAIN))

    @property
    def tag_set(self) -> TagSet:
        """The tags with their scheme."""
        return TagSet(self.tags, self.scheme)

    @property
    def monitor(self) -> str:
        return "f1" if self.tag_set.spans else "accuracy"

    def preparation(self, architecture) -> Preparation:
        return TagPreparation(self)

    def check_architecture(self, architecture) -> None:
        check_token_features(architecture, "tag_tokens")

    def examples(self, records, tokenizer, train=True):
        for record, alignment in zip(records, self._alignments(records, tokenizer), strict=True):
            examples = self._windows(alignment, tokenizer, self._labels(record, alignment) if train else None)
            yield from (example for example in examples if not train or (example["labels"] >= 0).any())

    def _windows(self, alignment, tokenizer, labels=None):
        """Yield an example for each window of a text; with the `labels` of its pieces, where these are known."""
        before, after = tokenizer.template.special_ids(1, self.length)
        for chunk in chunk_words(len(alignment.ids), self._room(tokenizer)):
            example = {"tokens": np.concatenate([before, alignment.ids[chunk], after]).astype("int32")}
            if labels is not None:
                example["labels"] = np.pad(labels[chunk], (len(before), len(after)), constant_values=-1)
            yield example

    def _labels(self, record, alignment):
        """The id of each word's tag at its first piece, -1 elsewhere."""
        labels, has_piece = np.full(len(alignment.ids), -1, "int32"), alignment.first >= 0
        labels[alignment.first[has_piece]] = self.tag_set.ids(record["tags"])[has_piece]
        return labels

    def _alignments(self, records, tokenizer):
        return align_words([words_of(record)[0] for record in records], tokenizer)

    def _room(self, tokenizer):
        """The number of pieces of words that fit into a window. Raises UserError where none does."""
        room = self.length - sum(map(len, tokenizer.template.special_ids(1, self.length)))
        if room < 1:
            raise UserError(f"Expected room for words beside the special tokens. Received: length={self.length}.")
        return room

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time).
        Targets: (batch, time) indices of `tags`; where a token has none -1 with `crf`, else any index.
        Weights: (batch, time), 0 where a token has no tag: at padding and at all tokens of a word but its first.
        """
        labels = batch.pop("labels")
        return batch, labels if self.crf else np.maximum(labels, 0), (labels >= 0).astype("float32")

    def head(self, architecture, backbone):
        x = Dropout(self.dropout, name="tags_dropout")(backbone.output)
        layer = CRF if self.crf else keras.layers.Dense
        return keras.Model(backbone.input, layer(len(self.tags), dtype="float32", name=HEAD)(x))

    def loss(self, model):
        if self.crf:  # needs the transitions, which no output holds
            return CRFLoss(model.get_layer(HEAD))
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def predict(self, run, records, tokenizer):
        """The decision of `decide` for each text, without padding."""
        alignments = self._alignments(records, tokenizer)
        windows = [list(self._windows(alignment, tokenizer)) for alignment in alignments]
        outputs = iter(run(list(chain.from_iterable(windows))))
        texts = []
        for alignment, examples in zip(alignments, windows, strict=True):
            parts = [part if self.text_outputs else {HEAD: part} for part in islice(outputs, len(examples))]
            scores = self._word_scores(alignment, [part[HEAD] for part in parts], tokenizer)
            texts.append({HEAD: scores} | {name: parts[0][name] for name in self.text_outputs})
        return decide_texts(run, texts, self.decoder_inputs(run.model))

    def _word_scores(self, alignment, outputs, tokenizer):
        """(words, tags): the scores at each word's first piece, from those of all windows of a text."""
        begin = len(tokenizer.template.special_ids(1)[0])
        chunks = zip(outputs, chunk_words(len(alignment.ids), self._room(tokenizer)), strict=True)
        scores = [scores[begin : begin + chunk.stop - chunk.start] for scores, chunk in chunks]
        return np.concatenate([*scores, np.zeros((1, len(self.tags)), "float32")])[alignment.first]  # last: `NO_PIECE`

    def decoder_inputs(self, model) -> dict:
        """Further inputs of `decide`: the transition scores of a CRF."""
        return {"transitions": model.get_layer(HEAD).transition_scores()} if self.crf else {}

    def decide(self, outputs):
        """The spans (or tags), (rows, spans) each, with -1 and "" as padding, and `word_tags`, (rows, words).

        `labels` (or `tags`) are indices of `outputs`, `scores` probabilities: of a span, that of the least probable
        word. `first` and `last` are words.

        Args:
            outputs: `tags`, scores of the tags of each word, (rows, words, tags); `padding_mask`, (rows, words); and
                what `decoder_inputs` returns.
        """
        mask = outputs["padding_mask"]
        allowed = self.tag_set.allowed() if self.valid_only else None
        tag, score = decode_tags(outputs[HEAD], mask, outputs.get("transitions"), allowed)
        return {"word_tags": tag} | named_spans(self.tag_set, tag, score, mask)

    @property
    def outputs(self):
        key, names = names_of(self.tag_set)
        return {key: names, "scores": None, "first": None, "last": None}

    def answer(self, decision, record):
        """The spans in the order of the text, each with its score, a probability, and its characters.

        In a span scheme [{"text", "label", "score", "start", "end"}]; else for each word [{"text", "tag", ...}].
        Characters are those of the record's text or of its tokens with one blank between each two.
        """
        (_, offsets, text), (key, names) = words_of(record), names_of(self.tag_set)
        columns = (decision[column].tolist() for column in (key, "scores", "first", "last"))
        answer = []
        for name, score, first, last in zip(*columns, strict=True):
            start, end = int(offsets[first][0]), int(offsets[last][1])
            span = {"text": text[start:end], key.removesuffix("s"): names[name], "score": score}
            answer.append(span | {"start": start, "end": end})
        return answer

    def format(self, answer) -> str:
        if not self.tag_set.spans:
            return " ".join(f"{word['text']}/{word['tag']}" for word in answer)
        return "  ".join(f"{span['label']}: {span['text']} {span['score']:.3f}" for span in answer) or "(none)"

    def tag_pairs(self, decisions: Sequence[dict], records: Sequence[dict]) -> list[tuple]:
        """(true tags, predicted tags) of each record."""
        predicted = ([self.tags[i] for i in decision["word_tags"]] for decision in decisions)
        if not self.valid_only:  # the same spans may be tagged in another scheme
            predicted = map(self.tag_set.normalise, predicted)
        return list(zip((self.tag_set.normalise(record["tags"]) for record in records), predicted, strict=True))

    def scores(self, decisions, records):
        pairs = self.tag_pairs(decisions, records)
        correct = sum(true == tag for pair in pairs for true, tag in zip(*pair, strict=True))
        accuracy = {"accuracy": correct / max(sum(len(tags) for tags, _ in pairs), 1)}
        return span_scores(*self._spans(decisions, pairs)) | accuracy if self.tag_set.spans else accuracy

    def _spans(self, decisions, pairs):
        """(true spans, predicted spans), each a list of (label, start, end) for each record."""
        _, names = names_of(self.tag_set)
        columns = ([decision[name].tolist() for name in ("labels", "first", "last")] for decision in decisions)
        spans = (zip(*arrays, strict=True) for arrays in columns)
        predicted = [[(names[label], first, last + 1) for label, first, last in text] for text in spans]
        return [span_schemes.decode(tags) for tags, _ in pairs], predicted

    def per_class(self, decisions, records):
        pairs = self.tag_pairs(decisions, records)
        if self.tag_set.spans:
            return per_class(*self._spans(decisions, pairs))
        sides = (np.array([tag for pair in pairs for tag in pair[side]])[:, None] == self.tags for side in (0, 1))
        return classification.per_class(self.tags, *sides)
