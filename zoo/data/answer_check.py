"""Answers that do not stand in their contexts where they say they do: left out, and people are told of them."""

from zoo.runtime.console import console
from zoo.runtime.errors import shown

NAMED = 5  # of those left out; the others are counted


class AnswerFilter:
    """What one pass over a split leaves out."""

    def __init__(self):
        self.named, self.answers, self.records = [], 0, 0

    def keep(self, record, place):
        """The record with those of its answers that are sound, or None where it had some and none is."""
        given = record.get("answers", [])
        sound = [answer for answer in given if _is_sound(answer, record["context"])] if "context" in record else given
        if len(sound) == len(given):
            return record
        self._add([answer for answer in given if answer not in sound], record, place)
        self.records += not sound
        return {**record, "answers": sound} if sound else None

    def _add(self, wrong, record, place):
        name = record.get("id", "")
        question = f" question {name}" if name and not place.endswith(f" {name}") else ""  # SQuAD's places end so
        self.answers += len(wrong)
        self.named += [f"{place}{question}, {_why(answer, record['context'])}" for answer in wrong]
        del self.named[NAMED:]

    def tell(self, where):
        """Say on standard error what was left out, if anything was."""
        if self.answers:
            more = f"; and {self.answers - NAMED} more" if self.answers > NAMED else ""
            console.print(
                f"Left out of {where}: {self.answers} answers that are not in their contexts where they say, and with "
                f"them {self.records} questions that have no other: {'; '.join(self.named)}{more}.",
                markup=False,
            )


def _is_sound(answer, context):
    text, start = answer["text"], answer["start"]
    return text != "" and start >= 0 and context[start : start + len(text)] == text


def _why(answer, context):
    text, start = answer["text"], answer["start"]
    if text == "":
        return f"an empty answer at {start}"
    there = context[start : start + len(text)] if start >= 0 else ""
    return f"{shown(text, 40)} at {start}, where {shown(there, 40) if there else 'nothing'} stands"
