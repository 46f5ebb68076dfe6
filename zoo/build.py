"""A compiled `keras.Model` from the names of an architecture and an objective."""

from dataclasses import fields

from zoo import catalog
from zoo.runtime.errors import UserError, unknown


def build(architecture, objective, **settings):
    """Draw an architecture with an objective's head, and compile it with that objective's loss and metrics.

    Args:
        architecture: a name of `zoo list architectures`, or an `Architecture`.
        objective: a name of `zoo list objectives`, or an `Objective`.
        settings: fields of either; one that both have (`dropout`) goes to both.

    Returns a `keras.Model` from {"tokens": (batch, time) int32 ids} to the head's outputs. Raises UserError for
    unknown names and fields, and where the architecture cannot serve the objective.
    """
    parts = {"architectures": architecture, "objectives": objective}
    makers = {kind: catalog.load(kind, part) for kind, part in parts.items() if isinstance(part, str)}
    known = {kind: {field.name for field in fields(make) if field.init} for kind, make in makers.items()}
    for name in settings:
        if not any(name in own for own in known.values()):
            raise UserError(unknown("field", name, sorted(set().union(*known.values()))))
    for kind, make in makers.items():
        parts[kind] = make(**{name: _frozen(value) for name, value in settings.items() if name in known[kind]})
    architecture, objective = parts.values()
    objective = objective.suit(architecture)
    return objective.compile(objective.model(architecture))


def _frozen(value):
    return tuple(value) if isinstance(value, list) else value
