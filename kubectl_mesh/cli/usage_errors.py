"""What is wrong with a command line, in the form of every other error: the object first, then a hint.

The parser that typer brings is vendored and private, so its errors are told apart by what they carry.
"""

import re
from difflib import get_close_matches
from typing import Any

_UNKNOWN_COMMAND = re.compile(r"No such command '(?P<word>.*?)'")


def explain(error: Any) -> tuple[str, str]:
    """Return message and hint for an error of the parser."""
    ctx = getattr(error, "ctx", None)
    program = ctx.command_path if ctx is not None else ""
    if found := _UNKNOWN_COMMAND.match(error.message):
        return _unknown_command(found["word"], ctx, program)
    if hasattr(error, "possibilities"):
        return _unknown_option(error.option_name, error.possibilities or (), program)
    if hasattr(error, "param_type"):
        return _missing(error, ctx)
    message = error.format_message().rstrip(".")
    return message[:1].lower() + message[1:], f"{program} --help" if program else "--help shows how it is used"


def _unknown_command(word: str, ctx: Any, program: str) -> tuple[str, str]:
    close = get_close_matches(word, ctx.command.list_commands(ctx), n=3)
    suggestion = f"did you mean {' or '.join(close)}? " if close else ""
    return f'unknown command "{word}" for "{program}"', f"{suggestion}{program} --help lists the commands"


def _unknown_option(flag: str, similar: Any, program: str) -> tuple[str, str]:
    close = get_close_matches(flag, similar, n=1)
    suggestion = f"did you mean {close[0]}? " if close else ""
    return f"unknown option {flag}", f"{suggestion}{program} --help lists the options"


def _missing(error: Any, ctx: Any) -> tuple[str, str]:
    parameter = error.param
    usage = " ".join(ctx.get_usage().removeprefix("Usage:").split())
    if parameter is not None and parameter.param_type_name == "option":
        return f"missing option {max(parameter.opts, key=len)}", f"{usage}; --help has an example"
    name = (parameter.metavar or parameter.name.upper()) if parameter is not None else ""
    return f"missing argument {name}".rstrip(), f"{usage}; --help has an example"
