"""Words that errors share."""

import difflib


def nearest(name, known):
    """The known name nearest to `name`, or None."""
    near = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return near[0] if near else None


def did_you_mean(name, known):
    """ " Did you mean 'x'?", or nothing where no known name is near."""
    near = nearest(name, known)
    return f" Did you mean {near!r}?" if near else ""


def unknown(what, received, known):
    """One line for a name that is not among the `known` ones, with the nearest of them."""
    return f"Unknown {what}. Received: {received!r}.{did_you_mean(received, known)} Known: {', '.join(known)}."


def shown(value, limit=80):
    """`repr(value)`, shortened in the middle so that a message stays one line."""
    text = repr(value)
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[-limit // 2 :]}"
