"""The command line: the same verbs as the Python functions. Results on standard output, messages on standard error."""

import os

import typer

from zoo import exits
from zoo.cli import chat, generate, models, predict

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up lines are not for people

app = typer.Typer(add_completion=False, help=__doc__)
app.command("list")(models.list_)
app.command()(models.train)
app.command("import")(models.import_)
app.command()(models.average)
app.command()(models.evaluate)
app.command()(predict.predict)
app.command()(generate.generate)
app.command()(chat.chat)
app.command()(models.export)


def main():
    """Run the command line."""
    exits.run(app)
