"""Files, console, interrupts and error messages."""
