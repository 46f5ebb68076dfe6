"""What objectives ask of architectures; each refuses, with the reason, one that is not able."""

from zoo.runtime.errors import UserError


def check_reads_tokens(architecture, objective):
    """Raise UserError where a network reads anything but one sequence of tokens."""
    inputs = architecture.inputs()
    if inputs[0] != "tokens":
        raise UserError(
            f"{objective} needs an architecture that reads one sequence of tokens. Received: "
            f"{type(architecture).__name__}, which reads {' and '.join(inputs)}."
        )


def check_feature_a_token(architecture, objective):
    """Raise UserError where a network does not give a feature for each of one sequence of tokens."""
    inputs, name = architecture.inputs(), type(architecture).__name__
    if inputs[0] != "tokens":
        raise UserError(
            f"{objective} needs one sequence of tokens. Received: {name}, which reads {' and '.join(inputs)}."
        )
    if architecture.pooling is None:
        raise UserError(f"{objective} needs a feature a token. Received: {name}, which gives one a text.")


def check_sees_both_sides(architecture, objective):
    """Raise UserError where a network cannot guess a token from those before and after it."""
    check_feature_a_token(architecture, objective)
    if architecture.causal:
        raise UserError(
            f"{objective} needs a network that sees both sides of a hidden token. Received: "
            f"{type(architecture).__name__}, which is causal "
            "(recurrent ones see both with bidirectional=True, convolutional ones with causal=False)."
        )


def check_sees_no_later_token(architecture, objective):
    """Raise UserError where a network cannot learn to tell a token from those before it alone."""
    check_feature_a_token(architecture, objective)
    if not architecture.causal:
        raise UserError(
            f"{objective} needs a network whose features see no later token. Received: "
            f"{type(architecture).__name__}, whose do "
            "(of recurrent and convolutional ones, those with bidirectional=False or causal=True do not)."
        )
