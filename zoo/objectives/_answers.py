"""How an objective is used on the command line: an example command, and answers as fields of JSON and columns."""

import shlex
from pathlib import Path
from typing import Any, ClassVar

from zoo.objectives._preparation import Fields

EXAMPLES = {  # an example of each text that a trained model takes
    "text": "some text",
    "text_pair": "another text",
    "question": "a question",
    "context": "a text that holds the answer",
    "source": "some text",
    "instruction": "an instruction",
}


class Answers:
    """How an objective's models are used on the command line, and its answers as fields of JSON and of tables."""

    answer_name = "answer"  # the name of an answer that is no dict
    command = "predict"  # the command of `zoo` that a trained model is for: predict, generate or chat
    fields: ClassVar[Fields]

    def example_command(self, folder: str | Path) -> str:
        """A complete command line that uses the model in `folder`, such as `zoo predict folder "some text"`."""
        words = [f'"{EXAMPLES.get(name, f"some {name}")}"' for name in self.fields.inputs]
        if self.fields.contains:
            words[0] = f'"some {self.fields.contains[0]} text"'
        return " ".join(["zoo", self.command, shlex.quote(str(folder)), *([] if self.command == "chat" else words)])

    def answer_fields(self, answer: Any) -> dict[str, Any]:
        """An answer as {name: value} for JSON."""
        return answer if isinstance(answer, dict) else {self.answer_name: answer}

    def answer_columns(self, answer: Any) -> dict[str, Any]:
        """An answer as {column: value} of a table."""
        return self.answer_fields(answer)
