"""The exit status of a child process, in words."""

import signal


def describe_exit(code: int) -> str:
    """How a process ended whose return code is `code`, as of `subprocess`: negative, the number of a signal."""
    if code >= 0:
        return f"exit status {code}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
    return f"{name}, perhaps for lack of memory" if name == "SIGKILL" else name
