"""Every architecture, small enough for tests."""

from dataclasses import fields

from zoo import catalog

SIZES = {
    "vocabulary": 40,
    "length": 16,
    "width": 16,
    "depth": 1,
    "units": 12,
    "heads": 2,
    "kv_heads": 1,
    "hidden": 24,
    "filters": 8,
    "buckets": 64,
}
STILL = {"dropout": 0.0, "embedding_dropout": 0.0, "word_dropout": 0.0}  # nothing left out: eight rows by heart


def shrunk(name, **settings):
    """The architecture of that name with those of `SIZES` and `settings` that are fields of it."""
    cls = catalog.load("architectures", name)
    known = {field.name for field in fields(cls)}
    return cls(**{field: value for field, value in (SIZES | settings).items() if field in known})


def serving(objective, **settings):
    """Names of the architectures that, shrunk, can serve an objective."""
    return [name for name in catalog.names("architectures") if not catalog.refusal(objective, shrunk(name, **settings))]
