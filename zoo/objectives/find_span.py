"""Extractive question answering: find the span of a text that answers a question, or say that there is no answer.

As in Devlin 2018, https://arxiv.org/abs/1810.04805, sections 4.2 and 4.3: question and context are one sequence, a
linear layer gives each token a logit of beginning and one of ending the answer, and the first token stands for "no
answer here". `zoo.data.qa_windows` says what differs. The compile/fit preset for a pretrained network is section 4.2's:
batches of 32, 3 epochs, a learning rate of 5e-5, with AdamW, 10 % warm-up and linear decay as in appendix A.2.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import ops

from zoo.data.qa_windows import BEGIN, CANDIDATE, END, check_room, qa_windows, span_labels, strip_span, window_batches
from zoo.layers.answer_spans import SpanLoss, match_question, span_logits, top_spans
from zoo.layers.dropout import Dropout
from zoo.metrics import answers as metrics
from zoo.objectives import Calibrates, Fields, Objective, Preparation
from zoo.objectives._requirements import check_positive, check_token_features
from zoo.runtime.errors import one_of

PAIR = ("question", "context")
AUTO, YES, NO = "auto", "yes", "no"


@dataclass(frozen=True, kw_only=True)
class FindSpan(Objective, Calibrates):
    """A span of the context for each question. Constants are those of BERT's run_squad.py."""

    length: int = 384  # longest window, in token ids, the question included
    stride: int = 128  # tokens of the context from one window to the next
    question_length: int = 64  # longest question, in tokens; longer ones are truncated
    answer_length: int = 30  # longest answer, in tokens
    n_best: int = 20  # candidate answers per question
    match_question: bool = False  # match each token with the question, for networks without attention; BERT does not
    dropout: float = 0.0  # of the features, and within the matching; BERT has none there
    allow_no_answer: str = AUTO  # whether "no answer" is an answer: yes, no, or auto, if training data has no answers
    threshold: float = 0.5  # probability of no answer above which none is returned; calibrated on validation

    monitor, means = "f1", ("exact_match", "f1")
    packable = False  # positions count from the beginning of a row
    graph_input = "windows"
    per_token = ("labels",)
    fields = Fields(required=("context", "question", "answers"), inputs=PAIR, texts=PAIR, optional=("id",))

    def __post_init__(self) -> None:
        one_of("allow_no_answer", self.allow_no_answer, (AUTO, YES, NO))
        check_positive(self, "stride", "question_length", "answer_length", "n_best")

    @property
    def no_answer_allowed(self) -> bool:
        """Whether "no answer" is an answer."""
        return self.allow_no_answer == YES

    def preparation(self, architecture) -> Preparation:
        return AnswerPreparation(self)

    def check_architecture(self, architecture) -> None:
        check_token_features(architecture, "find_span")

    def examples(self, records, tokenizer, train=True):
        for record, windows in zip(records, self.windows(records, tokenizer), strict=True):
            for window in windows:
                example = {"tokens": window.ids, "segments": window.segments}
                if not train:
                    yield example
                elif len(window.ids):  # none for two empty texts and a tokenizer without special tokens
                    yield example | {"labels": span_labels(window, record["answers"])}

    def windows(self, records, tokenizer):
        """Yield a list of `Window`s for each record; a context that several questions share is encoded once."""
        check_room(tokenizer.template, self.length, self.question_length)
        contexts = list(dict.fromkeys(record["context"] for record in records))
        encoded = dict(zip(contexts, tokenizer.encode_batch(contexts, special=False), strict=True))
        questions = [record["question"] for record in records]
        questions = tokenizer.encode_batch(questions, length=self.question_length, special=False)
        for record, question in zip(records, questions, strict=True):
            yield qa_windows(question, encoded[record["context"]], tokenizer.template, self.length, self.stride)

    def collate(self, batch, random):
        """Inputs: `tokens` (batch, time), question and context; `segments` (batch, time), 1 at the context.
        Targets: (batch, time, 3) of 0 and 1: the token may begin or end an answer; the answer begins; it ends here.
        Weights: (batch,) of each window; none counts each once.
        """
        bits = np.maximum(batch.pop("labels"), 0)[..., None]
        targets = (bits & [CANDIDATE, BEGIN, END] > 0).astype("float32")
        return batch, targets, np.ones(len(targets), "float32")

    def head(self, architecture, backbone):
        x, inputs = Dropout(self.dropout, name="head_dropout")(backbone.output), dict(backbone.input)
        if self.match_question:
            inputs.setdefault("segments", keras.Input((None,), dtype="int32", name="segments"))
            x = match_question(x, inputs["tokens"], inputs["segments"], architecture.padding, self.dropout)
        return keras.Model(inputs, span_logits(x, inputs["tokens"], architecture))

    def loss(self, model):
        return SpanLoss()

    def predict(self, run, records, tokenizer):
        """The decision of `decide` for each record, and the character offsets of its n best `spans`, (spans, 2)."""
        groups = list(self.windows(records, tokenizer))
        outputs = run([{"tokens": w.ids, "segments": w.segments} for windows in groups for w in windows])
        decisions: list[dict] = [{}] * len(records)
        for indices, batch in window_batches(groups, outputs, self.length, self.answer_length):
            decision = run.decide(batch)
            for row, i in enumerate(indices):
                decisions[i] = _with_char_offsets({name: array[row] for name, array in decision.items()}, groups[i][0])
        return decisions

    def decide(self, outputs):
        """The best answer of each record: its `first` and `last` token, -1 for none, its `score`, and `no_answer`.

        `score` is the probability of the answer, `no_answer` that there is none. `best_first`, `best_last` and
        `best_scores`, (rows, n_best), are the most probable spans, with -1 as padding.

        Args:
            outputs: `logits` of all windows, and their `record`, `token` and `context`: see
                `zoo.layers.answer_spans.top_spans`.
        """
        scores, first, last = top_spans(**outputs, max_length=self.answer_length, count=self.n_best)
        exists = ops.isfinite(scores)
        no_answer = ops.where(exists[:, :1], 0.0 if self.no_answer_allowed else -np.inf, 0.0)
        probabilities = ops.softmax(ops.concatenate([scores, no_answer], axis=1), axis=1)
        no_answer, answered = probabilities[:, -1], exists[:, 0]
        if self.no_answer_allowed:
            answered = ops.logical_and(answered, no_answer <= self.threshold)
        best = {"best_first": first, "best_last": last, "best_scores": probabilities[:, :-1]}
        best = {name: ops.where(exists, array, -1) for name, array in best.items()}
        answer = {name: ops.where(answered, best[f"best_{name}"][:, 0], -1) for name in ("first", "last")}
        score = ops.where(answered, probabilities[:, 0], no_answer)
        return answer | {"score": score, "no_answer": no_answer} | best

    @property
    def outputs(self):
        return {"first": None, "last": None, "score": None, "no_answer": None}

    def calibrate(self, decisions, records) -> "FindSpan":
        """With "no answer", a copy with the threshold of the highest F1, midway to the next higher probability."""
        best = self.scores(decisions, records).get("best_f1_threshold")
        if best is None:
            return self
        above = [value for value in _no_answer(decisions) if value > best]
        return replace(self, threshold=(best + min(above, default=1.0)) / 2)

    def answer(self, decision, record) -> dict:
        """`{"answer", "score", "start", "end", "n_best", "no_answer"}`; no answer is "", its offsets None.

        `score` is the probability of the answer, `no_answer` that there is none; `n_best` are the most probable
        answers, each with its score. Offsets are characters of the context.
        """
        best = []
        for span, score in zip(decision["spans"].tolist(), decision["best_scores"].tolist(), strict=True):
            start, end = strip_span(record["context"], *span)
            best.append({"answer": record["context"][start:end], "score": score, "start": start, "end": end})
        no_answer = float(decision["no_answer"])
        none = {"answer": "", "score": no_answer, "start": None, "end": None}
        return {**(best[0] if decision["first"] >= 0 else none), "n_best": best, "no_answer": no_answer}

    def format(self, answer) -> str:
        return f"{answer['answer'] or '(no answer)'}  {answer['score']:.3f}"

    def scores(self, decisions, records):
        """The scores of SQuAD 1.1, or of SQuAD 2.0 where records lack an answer."""
        pairs = zip(decisions, records, strict=True)
        answers = [next(iter(self.answer(*pair)["n_best"]), {"answer": ""})["answer"] for pair in pairs]
        truths = [[answer["text"] for answer in record["answers"]] for record in records]
        if all(truths) and not self.no_answer_allowed:
            return metrics.answer_scores(answers, truths)
        no_answer = _no_answer(decisions) if self.no_answer_allowed else None
        return metrics.answer_or_none_scores(answers, truths, no_answer, self.threshold)

    def selection_key(self, scores):
        """The F1 with the best threshold, which is calibrated only when training has ended."""
        return (scores.get("best_f1", scores["f1"]),)


class AnswerPreparation(Preparation["FindSpan"]):
    """Sets `allow_no_answer` from the training split: yes where a question lacks an answer."""

    def __init__(self, objective: FindSpan) -> None:
        super().__init__(objective)
        self.unanswered = False

    def add(self, split: str, location: str, record: dict) -> None:
        self.unanswered |= split == "train" and not record["answers"]

    def finish(self, describe: Callable[[str], str]) -> FindSpan:
        if self.objective.allow_no_answer != AUTO:
            return self.objective
        return replace(self.objective, allow_no_answer=YES if self.unanswered else NO)


def _no_answer(decisions):
    return [float(decision["no_answer"]) for decision in decisions]


def _with_char_offsets(decision, window):
    """A record's decision without padding, with the character offsets of its best spans."""
    exists = decision["best_first"] >= 0
    best = {name: decision[name][exists] for name in ("best_first", "best_last", "best_scores")}
    spans = np.stack([window.offsets[best["best_first"], 0], window.offsets[best["best_last"], 1]], axis=1)
    return decision | best | {"spans": spans}
