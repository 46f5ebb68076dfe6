"""Log-probabilities of tokens in OpenAI's form, where a token has other bytes at the beginning of a text."""

from types import SimpleNamespace

from zoo.generation.generation_handle import TextPiece
from zoo.serving.openai.chat_api import ChatFormat

FIRST, LATER = [b"a", b"b"], [b" a", b" b"]


def test_only_the_first_token_of_a_streamed_text_begins_it():
    tokenizer = SimpleNamespace(token_bytes=(FIRST, LATER))
    request = SimpleNamespace(config=SimpleNamespace(constraint=object()))
    choice, format = SimpleNamespace(index=0, request=request), ChatFormat(tokenizer, has_logprobs=True)
    tokens = []
    for id, text in ((0, "a"), (1, " b"), (0, " a")):
        piece = format.piece(choice, TextPiece(text, [id], [-1.0], [[(id, -1.0)]]))
        tokens += [token["token"] for token in piece["logprobs"]["content"]]
    assert tokens == ["a", " b", " a"]
