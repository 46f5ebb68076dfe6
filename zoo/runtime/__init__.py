"""Files, console, interrupts, parsing, plugins and error messages."""
