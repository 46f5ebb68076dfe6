"""What objectives require of their settings and of architectures; each check raises UserError with the reason."""

from zoo.runtime.errors import UserError


def check_positive(objective, *fields: str) -> None:
    """Raise UserError for a field of an objective below 1."""
    for name in fields:
        if getattr(objective, name) < 1:
            raise UserError(f"Expected {name} to be 1 or more. Received: {name}={getattr(objective, name)}.")


def check_reads_tokens(architecture, objective: str) -> None:
    """Raise UserError for a network that reads anything but one sequence of tokens."""
    inputs = architecture.inputs()
    if inputs[0] != "tokens":
        raise UserError(
            f"{objective} needs one sequence of tokens. Received: {_name(architecture)}, "
            f"which reads {' and '.join(inputs)}."
        )


def check_reads_source(architecture, objective: str) -> None:
    """Raise UserError for a network that is no encoder-decoder."""
    inputs = architecture.inputs()
    if inputs[0] != "source":
        raise UserError(
            f"{objective} needs an encoder-decoder, which reads source and target. "
            f"Received: {_name(architecture)}, which reads {' and '.join(inputs)}."
        )


def check_feature_a_token(architecture, objective: str) -> None:
    """Raise UserError for a network without a feature vector for each token of one sequence."""
    check_reads_tokens(architecture, objective)
    if architecture.pooling is None:
        raise UserError(
            f"{objective} needs a feature a token. Received: {_name(architecture)}, which gives one a text."
        )


def check_sees_both_sides(architecture, objective: str) -> None:
    """Raise UserError for a network that cannot predict a token from the tokens before and after it."""
    check_feature_a_token(architecture, objective)
    if architecture.causal:
        raise UserError(
            f"{objective} needs a network that sees both sides of a masked token. Received: "
            f"{_name(architecture)}, which is causal "
            "(recurrent ones see both with bidirectional=True, convolutional ones with causal=False)."
        )


def check_sees_no_later_token(architecture, objective: str) -> None:
    """Raise UserError for a network that is not causal, so features depend on later tokens."""
    check_feature_a_token(architecture, objective)
    if not architecture.causal:
        raise UserError(
            f"{objective} needs a network whose features see no later token. Received: "
            f"{_name(architecture)}, whose do "
            "(of recurrent and convolutional ones, those with bidirectional=False or causal=True do not)."
        )


def check_generates(architecture, objective: str) -> None:
    """Raise UserError for a network that cannot generate text: neither causal nor an encoder-decoder."""
    if architecture.inputs()[0] == "source":
        return
    if architecture.pooling is None or not architecture.causal:
        reason = "are one a text" if architecture.pooling is None else "see all"
        raise UserError(
            f"{objective} needs a causal network or an encoder-decoder, which write token by token. "
            f"Received: {_name(architecture)}, whose features {reason}."
        )


def _name(architecture):
    return type(architecture).__name__
