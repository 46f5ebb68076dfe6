"""Errors of serving: the canonical status codes of gRPC, and the HTTP statuses that TensorFlow Serving maps them to."""

from enum import Enum
from http import HTTPStatus


class Code(Enum):
    """A canonical status code: its number in gRPC, and its HTTP status in TensorFlow Serving's REST API."""

    CANCELLED = 1, 499
    UNKNOWN = 2, HTTPStatus.INTERNAL_SERVER_ERROR
    INVALID_ARGUMENT = 3, HTTPStatus.BAD_REQUEST
    DEADLINE_EXCEEDED = 4, HTTPStatus.GATEWAY_TIMEOUT
    NOT_FOUND = 5, HTTPStatus.NOT_FOUND
    ALREADY_EXISTS = 6, HTTPStatus.CONFLICT
    PERMISSION_DENIED = 7, HTTPStatus.FORBIDDEN
    RESOURCE_EXHAUSTED = 8, HTTPStatus.TOO_MANY_REQUESTS
    FAILED_PRECONDITION = 9, HTTPStatus.BAD_REQUEST
    ABORTED = 10, HTTPStatus.CONFLICT
    OUT_OF_RANGE = 11, HTTPStatus.BAD_REQUEST
    UNIMPLEMENTED = 12, HTTPStatus.NOT_IMPLEMENTED
    INTERNAL = 13, HTTPStatus.INTERNAL_SERVER_ERROR
    UNAVAILABLE = 14, HTTPStatus.SERVICE_UNAVAILABLE
    DATA_LOSS = 15, HTTPStatus.INTERNAL_SERVER_ERROR
    UNAUTHENTICATED = 16, HTTPStatus.UNAUTHORIZED

    def __init__(self, number: int, http: int):
        self.number = number
        self.http = int(http)

    @classmethod
    def from_number(cls, number: int) -> "Code":
        """The code of a gRPC number; UNKNOWN for any other number."""
        return next((code for code in cls if code.number == number), cls.UNKNOWN)


class ServingError(Exception):
    """A request that cannot be answered.

    Attributes:
        code: the `Code`.
        message: one sentence for the client.
        retry_after: seconds after which a client may try again, for a server at its limit; else None.
        http: the HTTP status: that of the code, unless HTTP has a more exact one, such as 413.
    """

    def __init__(self, code: Code, message: str, retry_after: int | None = None, http: int | None = None):
        super().__init__(message)
        self.code, self.message, self.retry_after = code, message, retry_after
        self.http = http or code.http


def invalid(message: str) -> ServingError:
    """The ServingError of a wrong request: INVALID_ARGUMENT."""
    return ServingError(Code.INVALID_ARGUMENT, message)
