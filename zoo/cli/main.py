"""Train, evaluate, use and export NLP models. Results on standard output, messages on standard error."""

import io
import os
import sys
from typing import Annotated

import typer

from zoo.cli import (
    chat_command,
    check_command,
    clean_command,
    course_command,
    explore_command,
    export_command,
    generate_command,
    model_commands,
    predict_command,
    runs_command,
    search_command,
    serve_command,
    show_command,
)
from zoo.cli.options import with_imports
from zoo.runtime.errors import USER_ERROR, single_line, user_message
from zoo.runtime.version import VERSION

COMPLETION = "_ZOO_COMPLETE"  # variable of the environment in which a shell asks for completions
INTERRUPTED = 130  # exit status after Ctrl-C
UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # Typer's own class has no public name

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # no start-up messages of TensorFlow

HELP = {"help_option_names": ["-h", "--help"]}
app = typer.Typer(help=__doc__, context_settings=HELP)
app.command("list")(with_imports(model_commands.list_))
app.command()(with_imports(show_command.show))
app.command()(with_imports(check_command.check))
app.command()(with_imports(model_commands.train))
app.command()(with_imports(search_command.search))
app.command()(runs_command.runs)
app.command()(with_imports(runs_command.compare))
app.command("import")(with_imports(model_commands.import_))
app.command()(with_imports(model_commands.average))
app.command()(with_imports(model_commands.evaluate))
app.command()(with_imports(predict_command.predict))
app.command()(with_imports(generate_command.generate))
app.command()(with_imports(chat_command.chat))
app.command()(with_imports(explore_command.explore))
app.command()(with_imports(export_command.export))
app.command()(serve_command.serve)
app.command()(with_imports(course_command.course))
app.command()(clean_command.clean)


def _print_version(value: bool) -> None:
    if value:
        print(f"zoo {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train, evaluate, use and export NLP models. Results on standard output, messages on standard error."""


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
    if COMPLETION in os.environ:  # the shell asks for completions
        app(prog_name="zoo")
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
