"""Filter and report of answers (SQuAD) whose text is not at their offset in the context."""

from zoo.runtime.console import console
from zoo.runtime.errors import shorten

MAX_LISTED = 5  # answers listed in a report; further ones are counted


class AnswerFilter:
    """Filters the answers of one pass over a split, and counts what it drops."""

    def __init__(self) -> None:
        self._listed, self._answers, self._records = [], 0, 0

    def keep(self, record: dict, location: str) -> dict | None:
        """The record with its valid answers; None where it has answers and none is valid."""
        answers = record.get("answers", [])
        valid = [a for a in answers if _is_valid(a, record["context"])] if "context" in record else answers
        if len(valid) == len(answers):
            return record
        self._add([answer for answer in answers if answer not in valid], record, location)
        self._records += not valid
        return {**record, "answers": valid} if valid else None

    def _add(self, invalid, record, location):
        name = record.get("id", "")
        question = f" question {name}" if name and not location.endswith(f" {name}") else ""  # SQuAD's locations end so
        self._answers += len(invalid)
        self._listed += [f"{location}{question}, {_reason(answer, record['context'])}" for answer in invalid]
        del self._listed[MAX_LISTED:]

    def report(self, split: str) -> None:
        """Print on standard error which answers were dropped, if any; `split` describes the split."""
        if self._answers:
            more = f"; and {self._answers - MAX_LISTED} more" if self._answers > MAX_LISTED else ""
            console.print(
                f"Dropped from {split}: {self._answers} answers whose text is not at their offset in the context, and "
                f"{self._records} questions without another answer: {'; '.join(self._listed)}{more}.",
            )


def _is_valid(answer, context):
    text, start = answer["text"], answer["start"]
    return text != "" and start >= 0 and context[start : start + len(text)] == text


def _reason(answer, context):
    text, start = answer["text"], answer["start"]
    if text == "":
        return f"an empty answer at {start}"
    instead = context[start : start + len(text)] if start >= 0 else ""
    return f"{shorten(text, 40)} at {start}, where {shorten(instead, 40) if instead else 'nothing'} stands"
