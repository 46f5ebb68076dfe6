"""Messages are printed as they are: names of files and labels are no markup and hold no emoji."""

import pytest

from zoo.runtime.console import console, print_once


@pytest.mark.parametrize(
    "text", ["x[/bold]/data.tsv", "[red]label[/red]", ":smile:", "[", "\\[a]", "[link=file:///a]b"]
)
def test_names_are_printed_as_they_are(capsys, text):
    console.print(f"Read {text}.")
    print_once(f"Once {text}.")
    assert capsys.readouterr().err == f"Read {text}.\nOnce {text}.\n"
