"""The command line: the same verbs as the Python functions. Results on standard output, messages on standard error."""

import os

import typer

from zoo.cli import chat_command, generate_command, model_commands, predict_command
from zoo.runtime import exits

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up lines are not for people

app = typer.Typer(add_completion=False, help=__doc__)
app.command("list")(model_commands.list_)
app.command()(model_commands.train)
app.command("import")(model_commands.import_)
app.command()(model_commands.average)
app.command()(model_commands.evaluate)
app.command()(predict_command.predict)
app.command()(generate_command.generate)
app.command()(chat_command.chat)
app.command()(model_commands.export)


def main():
    """Run the command line."""
    exits.run(app)
