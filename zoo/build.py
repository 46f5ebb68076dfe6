"""`zoo.build`: a compiled `keras.Model` from an architecture and an objective, by name."""

from dataclasses import fields, replace
from inspect import formatannotation
from typing import Any, get_type_hints

import keras

from zoo import catalog
from zoo.architectures import Architecture
from zoo.objectives import Objective, build_model, compile_model
from zoo.runtime.errors import UserError, unknown


def build(architecture: str | Architecture, objective: str | Objective, **settings: Any) -> keras.Model:
    """Build and compile an architecture's backbone with an objective's head: `zoo.build("lstm", "tag_tokens")`.

    Args:
        architecture: a name of `zoo list architectures`, a named size such as "bert:tiny", or an `Architecture`.
        objective: a name of `zoo list objectives`, or an `Objective`.
        settings: fields of either, where it is given by name. A field of both, such as `dropout`, is set in both.

    Returns a compiled model from {input: (batch, time) int32 ids} to the head's outputs, which are logits.

    Integers are the targets of classes and of tokens. What `fit` takes is a table in docs/objectives.md, and in the
    docstring of the objective's `collate`:

    >>> import numpy as np, zoo
    >>> model = zoo.build("lstm", "classify_text", vocabulary=50, labels=["bad", "good"], width=8, units=8)
    >>> inputs, labels = {"tokens": np.random.randint(1, 50, (32, 7))}, np.random.randint(0, 2, 32)
    >>> history = model.fit(inputs, labels, epochs=2, verbose=0)
    >>> model.predict(inputs, verbose=0).shape
    (32, 2)

    Raises UserError for unknown names and fields, for a field that means one thing in the architecture and another in
    the objective, and where the architecture does not suit the objective.
    """
    parts: dict[str, Any] = {"architectures": architecture, "objectives": objective}
    classes = {
        kind: catalog.load(kind, part.partition(":")[0]) for kind, part in parts.items() if isinstance(part, str)
    }
    known = {kind: {field.name for field in fields(cls) if field.init} for kind, cls in classes.items()}
    _check_settings(settings, classes, known)
    for kind, cls in classes.items():
        values = {name: _as_tuple(value) for name, value in settings.items() if name in known[kind]}
        parts[kind] = replace(catalog.create(kind, parts[kind]), **values) if ":" in parts[kind] else cls(**values)
    prepared = parts["objectives"].preparation(parts["architectures"]).objective
    return compile_model(prepared, build_model(prepared, parts["architectures"]))


def _check_settings(settings, classes, known):
    for name in settings:
        matching = [classes[kind] for kind in known if name in known[kind]]
        if not matching:
            raise UserError(unknown("field", name, sorted(set().union(*known.values()))))
        types = {cls.__name__: formatannotation(get_type_hints(cls)[name]) for cls in matching}
        if len(set(types.values())) > 1:
            meanings = " and ".join(f"{hint} in {owner}" for owner, hint in types.items())
            raise UserError(
                f"Expected a field with one meaning. Received: {name}, which is {meanings}. "
                f"Give an instance of one of them, such as {matching[0].__name__}({name}=...), in place of its name."
            )


def _as_tuple(value):
    return tuple(value) if isinstance(value, list) else value
