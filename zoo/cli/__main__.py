"""python -m zoo.cli: the command line."""

from zoo.cli import main

main()
