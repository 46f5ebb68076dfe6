"""Limits of continuous batching, and the errors of a batch that is at them; without a framework."""

MAX_TOP_LOGPROBS = 20  # the limit of OpenAI's API


class QueueFullError(RuntimeError):
    """The queue of requests is full: try again later."""


class BatchClosedError(RuntimeError):
    """The batch takes no further requests, or ended before the text did."""
