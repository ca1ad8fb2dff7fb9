"""Management commands that make no sense in a function: they need a terminal, or write into the project."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from microlambda.project.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence

_TERMINAL = "needs a terminal, and a function has none."
_FILES = "writes files of the project, which a function cannot keep."
_HELP = ("-h", "--help", "--version")
_NO_INPUT = ("--noinput", "--no-input")

#: What a command lacks, what it does without that, and what to do instead, by names. A command without
#: anything to add is refused always; `python manage.py NAME` is the remedy where none is written.
_REFUSED: dict[str, tuple[tuple[str, ...], str, str]] = {
    "shell": (
        ("-c", "--command"),
        _TERMINAL,
        'Give it what to run: microlambda manage shell -c "from shop.models import Order; '
        'print(Order.objects.count())"',
    ),
    "dbshell": (
        (),
        _TERMINAL,
        "Connect from your machine, or ask through the ORM: microlambda manage shell -c ...",
    ),
    "createsuperuser": (
        _NO_INPUT,
        _TERMINAL,
        "Give it --noinput, --username and --email, and the function the password: "
        'DJANGO_SUPERUSER_PASSWORD = "${secret:...}" in the environment of the settings.',
    ),
    "changepassword": (
        (),
        _TERMINAL,
        "Set the password through the ORM, from a secret in the environment: microlambda manage shell -c ...",
    ),
    "flush": (_NO_INPUT, "asks before it empties the database, and nobody can answer.", "Give it --noinput."),
    "runserver": ((), "serves until Ctrl-C, and a function answers once.", "Serve it: microlambda local"),
    "testserver": ((), "serves until Ctrl-C, and a function answers once.", ""),
    "test": ((), "runs the project's tests, which are not shipped.", ""),
    "makemigrations": (("--check", "--dry-run"), _FILES, ""),
    "squashmigrations": ((), _FILES, ""),
    "optimizemigration": (("--check",), _FILES, ""),
    "makemessages": ((), _FILES, ""),
    "compilemessages": ((), _FILES, ""),
    "startapp": ((), _FILES, ""),
    "startproject": ((), _FILES, ""),
}

#: Options of all commands that come too late in a function.
_TOO_LATE = {
    "--settings": "the settings are loaded when the function starts. Set DJANGO_SETTINGS_MODULE in the "
    "environment of the settings.",
    "--pythonpath": "modules are found where the archive has them. Leave it out.",
}


class CommandRefused(ToolError):
    """A management command that cannot work in a function; it was not sent."""

    exit_code: ClassVar[int] = 2


def check_sendable(arguments: Sequence[str]) -> None:
    """Refuse a command that cannot work in a function.

    What its arguments say is not told: it may be secret.
    """
    name, rest = arguments[0], arguments[1:]
    for option, why in _TOO_LATE.items():
        if any(_is(one, option) for one in rest):
            raise CommandRefused(f"{option} has no effect here: {why}")
    if name not in _REFUSED or any(one in _HELP for one in rest):
        return
    wanted, reason, remedy = _REFUSED[name]
    if not any(_is(one, option) for one in rest for option in wanted):
        remedy = remedy or f"Run it on your machine: python manage.py {name}"
        raise CommandRefused(f"{name!r} {reason} {remedy}")


def _is(argument: str, option: str) -> bool:
    """Tell whether an argument is the option, alone or with its value attached."""
    return argument.startswith(f"{option}=" if option.startswith("--") else option) or argument == option
