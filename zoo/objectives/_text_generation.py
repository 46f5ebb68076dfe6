"""Base class of text generation objectives: next-token training, perplexity of references, BLEU of generated texts."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from zoo.metrics.language import perplexity
from zoo.metrics.text import ROUGES, text_scores
from zoo.objectives import Generates, Preparation
from zoo.runtime.errors import UserError, one_of
from zoo.text.tokenizer import Tokenizer
from zoo.transforms.token_scoring import with_token_losses

ROLES = ("padding", "start", "end", "unknown", "mask")  # attributes of a tokenizer with the ids of special tokens
MONITORS = ("perplexity", "bleu", "chrf", *ROUGES)


@dataclass(frozen=True, kw_only=True)
class TextGeneration(Generates):
    """Text generation, scored by the perplexity of reference texts and by generated texts (BLEU, chrF, ROUGE)."""

    eval_samples: int = 64  # validation records for which text is generated in each epoch; others only have a loss
    monitor: str = "perplexity"  # selects the best weights: this, or bleu, chrf, rouge1, rouge2 or rougeL
    ignore_case: bool = False  # in BLEU and chrF, for a tokenizer that lowercases; ROUGE always does
    # before a target: the roles of special tokens, or tokens; set by the architecture, or by the import of a folder
    decoder_start: tuple[str, ...] = ("start",)

    def __post_init__(self) -> None:
        one_of("monitor", self.monitor, MONITORS)
        if self.monitor != "perplexity" and self.eval_samples < 1:
            raise UserError(
                f"monitor={self.monitor!r} needs generated texts: eval_samples of at least 1. "
                f"Received: eval_samples={self.eval_samples}."
            )

    @abstractmethod
    def reference(self, record: dict) -> str | None:
        """The reference text of a record; None where it has none."""

    @abstractmethod
    def scored_examples(self, records: Sequence[dict], tokenizer: Tokenizer) -> tuple[list[dict], Sequence[int]]:
        """`(examples, record indices)`: all training examples of a list of records, and the record of each."""

    def preparation(self, architecture) -> Preparation:
        return GenerationPreparation(replace(self, decoder_start=architecture.decoder_start))

    def start_and_end(self, tokenizer: Tokenizer) -> tuple[np.ndarray, int]:
        """The start ids of the decoder, (n,) int32, and the id of the end token.

        Raises UserError for a tokenizer without an end token.
        """
        if tokenizer.end is None:
            name = type(self).__module__.rpartition(".")[2]
            raise UserError(
                f"{name} needs a tokenizer with a token that ends texts, such as [SEP] or </s>. Received: one without."
            )
        start = [getattr(tokenizer, name) if name in ROLES else tokenizer.id(name) for name in self.decoder_start]
        return np.array([tokenizer.padding if i is None else i for i in start], "int32"), tokenizer.end

    def predict(self, run, records, tokenizer):
        """For each record {"text"}, the generated text, and where all have references also their "losses" in nats.

        During training, all but the first `eval_samples` records have None as text.
        """
        prompts = [self.prompt_ids(record, tokenizer) for record in records]
        prompts = prompts[: self.eval_samples] if run.during_training else prompts
        texts = [self.clean(tokenizer.decode(ids)) for ids in run.generate(prompts)]
        decisions: list[dict] = [{"text": text} for text in (*texts, *[None] * (len(records) - len(texts)))]
        if all(self.reference(record) is not None for record in records):
            for decision, losses in zip(decisions, self._losses(run, records, tokenizer), strict=True):
                decision["losses"] = losses
        return decisions

    def clean(self, text: str) -> str:
        """Post-process a generated text before it is returned and scored."""
        return text

    def _losses(self, run, records, tokenizer):
        """The losses of each record's labels in nats."""
        examples, record_ids = self.scored_examples(records, tokenizer)
        parts = [[] for _ in records]
        for i, example, losses in zip(record_ids, examples, run(examples, with_token_losses), strict=True):
            parts[i].append(losses[: len(example["labels"])][example["labels"] >= 0])
        return [np.concatenate(part) for part in parts]

    def answer(self, decision, record) -> dict:
        """`{"text"}`: the generated text."""
        return {"text": decision["text"]}

    def format(self, answer) -> str:
        return " ".join(answer["text"].split())

    def scores(self, decisions, records):
        """Loss in nats and perplexity of the references' tokens; BLEU, chrF and ROUGE of the generated texts."""
        losses = np.concatenate([decision["losses"] for decision in decisions] or [np.zeros(0)]).astype("float64")
        loss = float(losses.mean()) if len(losses) else 0.0
        pairs = [
            (decision["text"], self.reference(record))
            for decision, record in zip(decisions, records, strict=True)
            if decision["text"] is not None
        ]
        scores = {"loss": loss, "perplexity": perplexity(loss)}
        if not pairs:
            return scores
        texts, references = map(list, zip(*pairs, strict=True))
        return scores | text_scores(texts, references, self.ignore_case)


class GenerationPreparation(Preparation["TextGeneration"]):
    """Checks that each record has a text to learn."""

    def add(self, split: str, location: str, record: dict) -> None:
        self.objective.check_record(location, record)
