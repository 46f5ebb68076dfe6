"""Version policies: which versions of a model are served, as in the model config of TensorFlow Serving."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from zoo.runtime.errors import UserError, did_you_mean


@dataclass(frozen=True)
class VersionPolicy:
    """The versions to serve: the `latest` ones, all (latest=0), or `specific` numbers; and those with a label.

    Attributes:
        latest: number of the highest versions; 0 for all.
        specific: version numbers; then `latest` means nothing.
        labels: {label: version} of the models without labels of their own.
        model_labels: {model: {label: version}}.
    """

    latest: int = 1
    specific: frozenset[int] = frozenset()
    labels: Mapping[str, int] = field(default_factory=dict)
    model_labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def labels_of(self, model: str) -> Mapping[str, int]:
        """{label: version} of a model."""
        return {**self.labels, **self.model_labels.get(model, {})}

    def check_models(self, models: Collection[str]) -> None:
        """Raise UserError where a label is of a model that is not served."""
        for model in self.model_labels:
            if model not in models:
                message = f"Expected --label of a model that is served: {', '.join(models)}. Received: {model!r}."
                raise UserError(message + did_you_mean(model, models))

    def select(self, model: str, versions: Collection[int]) -> set[int]:
        """The versions of a model to serve, of those that can be loaded."""
        selected = set(versions) & self.specific if self.specific else set(sorted(versions)[-self.latest :])
        return selected | (set(self.labels_of(model).values()) & set(versions))


def parse_policy(text: str, labels: Iterable[str] = ()) -> VersionPolicy:
    """The policy of `latest`, `latest:N`, `all` or numbers such as `3,5`, and of labels LABEL=N or MODEL:LABEL=N.

    Raises UserError for any other form, and for a label that is there twice.
    """
    everywhere, by_model = {}, {}
    for label in labels:
        match = re.fullmatch(r"(?:([^/:=]+):)?([^/:=]+)=(\d{1,18})", label)
        if not match:
            raise UserError(f"Expected a label such as canary=2 or MODEL:canary=2. Received: {label!r}.")
        versions = by_model.setdefault(match[1], {}) if match[1] else everywhere
        if match[2] in versions:
            raise UserError(f"Expected each label once. Received: {label!r} after version {versions[match[2]]}.")
        versions[match[2]] = int(match[3])
    latest, specific = _parse_versions(text)
    return VersionPolicy(latest, specific, everywhere, by_model)


def _parse_versions(text):
    if text == "all":
        return 0, frozenset()
    if match := re.fullmatch(r"latest(?::([1-9]\d{0,8}))?", text):
        return int(match[1] or 1), frozenset()
    if re.fullmatch(r"\d{1,18}(,\d{1,18})*", text):
        return 0, frozenset(map(int, text.split(",")))
    raise UserError(f"Expected --versions latest, latest:N, all or numbers such as 3,5. Received: {text!r}.")
