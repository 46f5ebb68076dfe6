"""Special tokens of a tokenizer: template, begin token, markers in texts, and control tokens of chat templates."""

from functools import cached_property

import numpy as np
import tokenizers

from zoo.text.encoding import ControlTokens
from zoo.text.template import SpecialTokenTemplate, template_of
from zoo.text.tokenizer_settings import TokenizerSettings


class SpecialTokenMethods:
    """The methods of a `Tokenizer` that concern its special tokens."""

    backend: tokenizers.Tokenizer
    settings: TokenizerSettings | None

    @cached_property
    def template(self) -> SpecialTokenTemplate:
        """The special ids around a text and around a pair of texts."""
        return template_of(self.backend)

    @cached_property
    def markers(self) -> frozenset[int]:
        """The ids of additional special tokens, which texts may hold and `decode` leaves out."""
        ids = map(self.backend.token_to_id, self.settings.markers if self.settings else ())
        return frozenset(id for id in ids if id is not None)

    @cached_property
    def prefix(self) -> tuple[int, ...]:
        """The ids that a causal language model reads before a text, such as Llama's <s>; none for GPT-2."""
        before, after = self.template.single
        return before if self.settings or not after else ()

    @cached_property
    def identity(self) -> str:
        """A string that differs for tokenizers whose ids or special tokens differ."""
        return self.backend.to_str() + (self.settings.to_json() if self.settings else "")

    @cached_property
    def control_tokens(self) -> ControlTokens:
        """The encoder of conversations that a chat template rendered."""
        tokens = self.backend.get_added_tokens_decoder().values() if self.settings else ()
        return ControlTokens(self.backend, [token.content for token in tokens])

    def guard(self, text: str) -> str:
        """A user's text for a chat template: `chat_ids` reads the control tokens in it as text."""
        return self.control_tokens.guard(text)

    def chat_ids(self, text: str) -> np.ndarray:
        """The ids, (n,) int32, of a conversation rendered by a chat template.

        Special tokens of a published tokenizer that the template writes, such as <|im_start|>, are one id each; in
        what a user wrote, which `guard` marks, they are text. Tokenizers that zoo trained have no such tokens.
        """
        return np.array(self.control_tokens.ids(text), np.int32)
