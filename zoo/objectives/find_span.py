"""Find the stretch of a text that answers a question, or say that there is none.

Extractive question answering as in Devlin 2018, https://arxiv.org/abs/1810.04805, sections 4.2 and 4.3: question and
context are one sequence, a linear layer gives each token a logit of beginning and one of ending the answer, and the
first place stands for "no answer here". The compile/fit preset for a pretrained network is section 4.2's: batches of
32, 3 epochs, a learning rate of 5e-5, with AdamW, 10 % warm-up and linear decay as in appendix A.2. The difference: see
`zoo.data.qa_windows` for how windows are compared.
"""

from dataclasses import dataclass, replace

import keras
import numpy as np

from zoo.data.qa_windows import BEGIN, CANDIDATE, END, Spans, qa_windows, span_labels, strip_span
from zoo.layers.answer_spans import SpanLoss, exact_match, match_question, span_logits, top_spans
from zoo.layers.dropout import Dropout
from zoo.metrics import answers as metrics
from zoo.objectives import Objective
from zoo.runtime.errors import UserError, one_of

ALLOWANCES = ("auto", "yes", "no")


@dataclass(frozen=True, kw_only=True)
class FindSpan(Objective):
    """A stretch of the context for each question. Constants are those of BERT's run_squad.py."""

    length: int = 384  # longest window, in token ids, the question included
    stride: int = 128  # tokens of the context from one window to the next
    question_length: int = 64  # longest question, in tokens; longer ones are cut
    answer_length: int = 30  # longest answer, in tokens
    n_best: int = 20  # answers that are weighed against each other
    match_question: bool = False  # each token with the question once more, for networks without attention; BERT does not
    dropout: float = 0.0  # of the features, and of what compares; BERT has none there
    allow_no_answer: str = "auto"  # yes: no answer is an answer, too; no; auto: yes where training data has questions without
    threshold: float = 0.5  # probability of no answer above which none is given; calibrated on validation

    monitor = "f1"
    packable = False  # places count from the beginning of a row
    graph_input = "windows"
    per_token = ("labels",)

    def __post_init__(self):
        one_of("allow_no_answer", self.allow_no_answer, ALLOWANCES)
        for name in ("stride", "question_length", "answer_length", "n_best"):
            if getattr(self, name) < 1:
                raise UserError(f"Expected {name} to be 1 or more. Received: {name}={getattr(self, name)}.")

    @property
    def no_answer_allowed(self):
        """Whether no answer is an answer, too."""
        return self.allow_no_answer == "yes"

    def check_architecture(self, architecture):
        names, name = architecture.inputs(), type(architecture).__name__
        if names[0] != "tokens":
            raise UserError(
                "find_span needs an architecture that reads question and context as one sequence of tokens. "
                f"Received: {name}, which reads {' and '.join(names)}."
            )
        if architecture.pooling is None:
            raise UserError(
                "find_span needs features of each token, to say where an answer begins and ends. "
                f"Received: {name}, which has one vector a text."
            )

    def needs(self):
        return ("context", "question", "answers")

    def asks(self):
        return ("question", "context")

    def texts(self, record):
        return [record["question"], record["context"]]

    def fit(self, dataset):
        if self.allow_no_answer != "auto":
            return self
        none = any(not record["answers"] for record in dataset.records("train"))
        return replace(self, allow_no_answer="yes" if none else "no")

    def examples(self, records, tokenizer, train=True):
        for record, own in zip(records, self._windows(records, tokenizer), strict=True):
            for window in own:
                row = {"tokens": window.ids, "segments": window.segments}
                if not train:
                    yield row
                elif len(window.ids):  # a tokenizer without special tokens leaves nothing of two empty texts
                    yield row | {"labels": span_labels(window, record["answers"])}

    def _windows(self, records, tokenizer):
        """A list of windows for each record; a context that several questions share is encoded once."""
        contexts = list(dict.fromkeys(record["context"] for record in records))
        encoded = dict(zip(contexts, tokenizer.encode_batch(contexts, special=False), strict=True))
        questions = tokenizer.encode_batch(
            [record["question"] for record in records], length=self.question_length, special=False
        )
        layout = tokenizer.template
        least = sum(map(len, layout.pair)) + self.question_length + 1
        if self.length < least:  # not only when a long question comes
            raise UserError(
                f"Expected objective.length of at least {least}, for questions of up to {self.question_length} tokens. "
                f"Received: length={self.length}."
            )
        for record, question in zip(records, questions, strict=True):
            yield qa_windows(question, encoded[record["context"]], layout, self.length, self.stride)

    def collate(self, batch, random):
        bits = np.maximum(batch.pop("labels"), 0)[..., None]
        targets = (bits & [CANDIDATE, BEGIN, END] > 0).astype("float32")
        return batch, targets, np.ones(len(targets), "float32")

    def predict(self, run, records, tokenizer):
        """The `Spans` of each record."""
        own = list(self._windows(records, tokenizer))
        outputs = iter(run([{"tokens": w.ids, "segments": w.segments} for found in own for w in found]))
        pairs = ([(window, next(outputs)) for window in found] for found in own)
        return [Spans.combine(found, self.answer_length, self.n_best) for found in pairs]

    def head(self, architecture, backbone):
        x, inputs = Dropout(self.dropout, name="head_dropout")(backbone.output), dict(backbone.input)
        if self.match_question:
            inputs.setdefault("segments", keras.Input((None,), dtype="int32", name="segments"))
            x = match_question(x, inputs["tokens"], inputs["segments"], architecture.padding, self.dropout)
        return keras.Model(inputs, span_logits(x, inputs["tokens"], architecture))

    def loss(self):
        return SpanLoss()

    def metrics(self):
        return [keras.metrics.MeanMetricWrapper(exact_match, name="exact")]

    def calibrate(self, predictions, records):
        """Where no answer is an answer, a threshold with the highest F1 on validation records, midway to the next."""
        if not self.no_answer_allowed:
            return self
        best = self.scores(predictions, records)["best_f1_threshold"]
        above = [value for value in self._no_answer(predictions) if value > best]
        return replace(self, threshold=(best + min(above, default=1.0)) / 2)

    def _no_answer(self, predictions):
        return [one.probabilities(self.no_answer_allowed)[1] for one in predictions]

    def answer(self, prediction, record):
        """`{"answer", "score", "start", "end", "n_best", "no_answer"}`; no answer is "", its offsets None.

        `score` is the probability of the answer given, `no_answer` that there is none; `n_best` are the best answers
        there are, the likeliest first, each with its score. Offsets are characters of the context.
        """
        shares, nothing = prediction.probabilities(self.no_answer_allowed)
        places = (strip_span(record["context"], *span) for span in prediction.offsets.tolist())
        best = [
            {"answer": record["context"][start:end], "score": share, "start": start, "end": end}
            for (start, end), share in zip(places, shares.tolist(), strict=True)
        ]
        none = {"answer": "", "score": nothing, "start": None, "end": None}
        given = best[0] if best and not self._declines(nothing) else none
        return {**given, "n_best": best, "no_answer": nothing}

    def _declines(self, nothing):
        return self.no_answer_allowed and nothing > self.threshold

    def format(self, answer):
        return f"{answer['answer'] or '(no answer)'}  {answer['score']:.3f}"

    def serve(self, outputs):
        """The best answer of each record: its `first` and `last` token, -1 for none, `score` and `no_answer`.

        `outputs` are the arguments of `zoo.layers.answer_spans.top_spans` up to `counts`: the model's and where they belong.
        """
        scores, first, last = top_spans(**outputs, longest=self.answer_length, best=self.n_best)
        there = keras.ops.isfinite(scores[:, :1])
        nothing = keras.ops.where(there, 0.0 if self.no_answer_allowed else -np.inf, 0.0)
        shares = keras.ops.softmax(keras.ops.concatenate([scores, nothing], axis=1), axis=1)
        best, nothing, there = shares[:, 0], shares[:, -1], there[:, 0]
        given = keras.ops.logical_and(there, nothing <= self.threshold) if self.no_answer_allowed else there
        tokens = {name: keras.ops.where(given, at[:, 0], -1) for name, at in {"first": first, "last": last}.items()}
        return tokens | {"score": keras.ops.where(given, best, nothing), "no_answer": nothing}

    def scores(self, predictions, records):
        """Of SQuAD 1.1; of SQuAD 2.0 where some of the records have no answer."""
        answers = [_first(one, record["context"]) for one, record in zip(predictions, records, strict=True)]
        truths = [[answer["text"] for answer in record["answers"]] for record in records]
        if all(truths) and not self.no_answer_allowed:
            return metrics.answer_scores(answers, truths)
        nothing = self._no_answer(predictions) if self.no_answer_allowed else None
        return metrics.answer_or_none_scores(answers, truths, nothing, self.threshold)

    def selection_key(self, scores):
        """The F1 that the best threshold would give, as it is calibrated only when training has ended."""
        return (scores.get("best_f1", scores["f1"]),)


def _first(spans, context):
    """The text of the best span."""
    return context[slice(*strip_span(context, *spans.offsets[0].tolist()))] if len(spans.offsets) else ""
