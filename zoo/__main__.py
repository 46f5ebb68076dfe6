"""python -m zoo: the command line."""

from zoo.cli.main import main

main()
