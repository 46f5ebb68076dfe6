"""The exact parser of request bodies: RapidJSON's grammar, errors and byte offsets, without recursion.

Text after the value is ignored.
"""

from typing import Any

from zoo.serving.tensorflow_serving.tf_json.scanner import JSONError, Scanner

EMPTY = "The document is empty."
NAME = "Missing a name for object member."
COLON = "Missing a colon after a name of object member."
MEMBER = "Missing a comma or '}' after an object member."
ELEMENT = "Missing a comma or ']' after an array element."


class Members(dict):
    """An object that repeats a name: as a dict it holds the first value of each; `pairs` has all members in order."""

    def __init__(self, pairs: list[tuple[str, Any]]):
        super().__init__(reversed(pairs))
        self.pairs = pairs


def make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of a JSON object as a dict; `Members` where a name is repeated."""
    members = dict(pairs)
    return members if len(members) == len(pairs) else Members(pairs)


def read(body: bytes) -> Any:
    """The first JSON value of `body`: None, bool, int (of 64 bits), float, str, list or dict. Raises JSONError."""
    return _Reader(body).document()


class _Reader(Scanner):
    """A position in a text, and the arrays and objects that are open there."""

    def __init__(self, body):
        super().__init__(body)
        self.opened = []  # (list of elements or of members, whether of an object)
        for byte in b"\xef\xbb\xbf":  # a byte order mark
            self.at += self.body[self.at] == byte

    def document(self):
        self.skip()
        if self.peek() in b"\0]},:":
            raise JSONError(EMPTY, self.at)
        while True:
            value, closed = self.start()
            while closed:
                if not self.opened:
                    return value
                value, closed = self.add(value)

    def start(self):
        """Read a scalar or an empty array or object, or open one: `(value, whether it is closed)`."""
        character = self.peek()
        if character not in b"{[":
            return self.scalar(character), True
        self.at += 1
        self.skip()
        if self.peek() == (b"}" if character == b"{" else b"]"):
            self.at += 1
            return {} if character == b"{" else [], True
        self.opened.append(([], character == b"{"))
        if character == b"{":
            self.name()
        return None, False

    def add(self, value):
        """Add a value to the innermost array or object, and close that if it ends: `(value, whether it is closed)`."""
        items, is_object = self.opened[-1]
        items.append((items.pop(), value) if is_object else value)
        self.skip()
        character = self.peek()
        if character == b",":
            self.at += 1
            self.skip()
            if is_object:
                self.name()
            return None, False
        if character != (b"}" if is_object else b"]"):
            raise JSONError(MEMBER if is_object else ELEMENT, self.at)
        self.at += 1
        self.opened.pop()
        return make_object(items) if is_object else items, True

    def name(self):
        if self.peek() != b'"':
            raise JSONError(NAME, self.at)
        self.opened[-1][0].append(self.string())
        self.skip()
        if not self.consume(b":"):
            raise JSONError(COLON, self.at)
        self.skip()
