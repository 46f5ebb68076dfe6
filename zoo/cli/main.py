"""Train, evaluate, use and export NLP models. Results on standard output, messages on standard error."""

import io
import os
import sys

import typer

from zoo.cli import chat_command, check_command, generate_command, model_commands, predict_command
from zoo.cli.options import with_imports
from zoo.runtime.errors import USER_ERROR, single_line, user_message

INTERRUPTED = 130  # exit status after Ctrl-C
UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # Typer's own class has no public name

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no start-up messages of TensorFlow

app = typer.Typer(add_completion=False, help=__doc__)
app.command("list")(with_imports(model_commands.list_))
app.command()(with_imports(check_command.check))
app.command()(with_imports(model_commands.train))
app.command("import")(with_imports(model_commands.import_))
app.command()(with_imports(model_commands.average))
app.command()(with_imports(model_commands.evaluate))
app.command()(with_imports(predict_command.predict))
app.command()(with_imports(generate_command.generate))
app.command()(with_imports(chat_command.chat))
app.command()(with_imports(model_commands.export))


def main() -> None:
    """Run the command line.

    Exit status: 0 success; 2 a user error, reported in one line; 1 a bug, with its traceback; 130 Ctrl-C.
    """
    try:
        sys.exit(_run(sys.argv[1:] or ["--help"]))
    except BrokenPipeError:  # `zoo predict ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes standard output when it exits
        sys.exit(0)
    except KeyboardInterrupt:
        hint = " Continue an unfinished run with --resume." if "train" in sys.argv[1:2] else ""
        print(f"Ended by Ctrl-C.{hint}", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:
        message = _usage_message(error) if isinstance(error, UsageError) else user_message(error)
        if not message:
            raise
        print(f"zoo: {message}", file=sys.stderr)
        sys.exit(USER_ERROR)


def _run(arguments):
    """Run a command and return its exit status; errors are raised. (Typer's own runner would print them in boxes.)"""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # \udce9 for a lone surrogate, which is an escape in JSON too
    try:
        with typer.main.get_command(app).make_context("zoo", arguments) as context:
            context.command.invoke(context)
    except typer.Exit as end:  # of --help
        return end.exit_code
    sys.stdout.flush()
    return 0


def _usage_message(error):
    command = error.ctx.command_path if error.ctx else "zoo"
    return f"{single_line(error.format_message())} (see {command} --help)"
