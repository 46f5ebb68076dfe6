"""Checks of an objective's settings and of the architecture; each raises UserError with the reason."""

from typing import TYPE_CHECKING

from zoo.runtime.errors import UserError

if TYPE_CHECKING:
    from zoo.architectures import Architecture
    from zoo.objectives._objective import Objective


def check_positive(objective: "Objective", *fields: str) -> None:
    """Raise UserError for a field of an objective below 1."""
    for name in fields:
        if getattr(objective, name) < 1:
            raise UserError(f"Expected {name} to be 1 or more. Received: {name}={getattr(objective, name)}.")


def check_reads_tokens(architecture: "Architecture", objective: str) -> None:
    """Raise UserError for an architecture with inputs other than one sequence of tokens."""
    inputs = architecture.inputs()
    if inputs[0] != "tokens":
        raise UserError(
            f"{objective} needs an architecture that reads one sequence of tokens. Received: "
            f"{_name(architecture)}, which reads {' and '.join(inputs)}."
        )


def check_reads_text(architecture: "Architecture", objective: str, start: int | None) -> None:
    """As `check_reads_tokens`; an encoder-decoder reads a text twice where a `start` id of its decoder is given."""
    if start is None or architecture.inputs()[0] != "source":
        check_reads_tokens(architecture, objective)


def check_reads_source(architecture: "Architecture", objective: str) -> None:
    """Raise UserError for an architecture that is no encoder-decoder."""
    inputs = architecture.inputs()
    if inputs[0] != "source":
        raise UserError(
            f"{objective} needs an encoder-decoder, which reads source and target. "
            f"Received: {_name(architecture)}, which reads {' and '.join(inputs)}."
        )


def check_token_features(architecture: "Architecture", objective: str) -> None:
    """Raise UserError for an architecture without a feature vector for each token of one sequence."""
    check_reads_tokens(architecture, objective)
    if architecture.pooling is None:
        raise UserError(
            f"{objective} needs a feature vector per token. Received: {_name(architecture)}, which has one per text."
        )


def check_bidirectional(architecture: "Architecture", objective: str) -> None:
    """Raise UserError for an architecture whose features lack the context on both sides of a token."""
    check_token_features(architecture, objective)
    if architecture.causal:
        raise UserError(
            f"{objective} needs a bidirectional network, with context on both sides of a masked token. Received: "
            f"{_name(architecture)}, which is causal "
            "(recurrent networks are bidirectional with bidirectional=True, convolutional ones with causal=False)."
        )


def check_causal(architecture: "Architecture", objective: str) -> None:
    """Raise UserError for an architecture that is not causal: its features depend on later tokens."""
    check_token_features(architecture, objective)
    if not architecture.causal:
        raise UserError(
            f"{objective} needs a causal network, whose features see no later token. Received: "
            f"{_name(architecture)}, which is not causal "
            "(recurrent networks are causal with bidirectional=False, convolutional ones with causal=True)."
        )


def check_generates(architecture: "Architecture", objective: str) -> None:
    """Raise UserError for an architecture that cannot generate text: neither causal nor an encoder-decoder."""
    if architecture.inputs()[0] == "source":
        return
    if architecture.pooling is None or not architecture.causal:
        reason = "has one feature vector per text" if architecture.pooling is None else "is not causal"
        raise UserError(
            f"{objective} needs a causal network or an encoder-decoder, which generate token by token. "
            f"Received: {_name(architecture)}, which {reason}."
        )


def _name(architecture):
    return type(architecture).__name__
