"""Constraints of JSON schemas, the `response_format` of requests, for the tokens of one model."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import Any

from zoo.generation.constraints.token_table import Constraint, constraint_for
from zoo.runtime.errors import UserError, single_line
from zoo.serving.openai.openai_error import OpenAIError
from zoo.text.tokenizer import Tokenizer

SCHEMAS = 16  # whose tables are cached


class JsonConstraints:
    """A cache of the constraints of JSON schemas: the least recently used one goes. Safe to call from any thread.

    Args:
        tokenizer: of the model.
        vocabulary: number of logits of its network.
    """

    def __init__(self, tokenizer: Tokenizer, vocabulary: int):
        self._tokenizer, self._vocabulary = tokenizer, vocabulary
        self._constraints: OrderedDict[str, Constraint | None] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, schema: dict[str, Any] | None) -> Constraint | None:
        """The constraint of a schema; None for None. Raises OpenAIError for a schema that cannot be enforced."""
        if schema is None:
            return None
        key = json.dumps(schema)
        with self._lock:
            if key not in self._constraints:
                self._constraints[key] = self._build(schema)
            self._constraints.move_to_end(key)
            if len(self._constraints) > SCHEMAS:
                self._constraints.popitem(last=False)
            return self._constraints[key]

    def _build(self, schema):
        try:
            return constraint_for(self._tokenizer, self._vocabulary, json_schema=schema)
        except UserError as error:
            raise OpenAIError(single_line(str(error)), "response_format", "invalid_json_schema") from error
