"""Where messages to people go: standard error, so that standard output holds results only."""

from rich.console import Console

console = Console(stderr=True, soft_wrap=True, highlight=False)
