"""The version of the zoo, which pyproject.toml and every file that the zoo writes take from here."""

VERSION = "0.1.0"
