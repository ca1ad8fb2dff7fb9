"""The command line itself: its list, its errors, how it ends."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING, ClassVar

import click
import pytest
from click.testing import CliRunner

from microlambda.cli.main import COMMANDS, LazyGroup, main
from microlambda.project.errors import AppImportFailed, ToolError

if TYPE_CHECKING:
    from collections.abc import Callable

HEAVY = ("boto3", "botocore", "moto", "rich", "tomlkit", "watchfiles", "werkzeug")


class NoPermission(ToolError):
    exit_code: ClassVar[int] = 7


def run(failing: Callable[[], object]) -> click.testing.Result:
    """What the command line does about a command that fails."""

    class Group(LazyGroup):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
            return click.Command(cmd_name, callback=failing)

    return CliRunner().invoke(Group("microlambda"), ["deploy"])


def raising(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def test_help_lists_every_command_and_imports_none_of_what_they_need() -> None:
    code = (
        "import sys\nfrom microlambda.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        f"print('LOADED', [name for name in {HEAVY!r} if name in sys.modules])"
    )

    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert "LOADED []" in output
    assert [line.split()[0] for line in output.partition("Commands:")[2].splitlines()[1:-1]] == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_listed_command_exists_and_explains_itself(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])

    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: main {name} ")


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])

    assert result.output == f"microlambda {version('microlambda')}\n"


def test_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "microlambda", "--version"], check=True, capture_output=True, text=True
    )

    assert done.stdout.startswith("microlambda ")


def test_a_misspelt_command_is_answered_with_the_nearest() -> None:
    result = CliRunner().invoke(main, ["deplyo"])

    assert result.exit_code == 2
    assert "No such command 'deplyo'. Did you mean 'deploy'?" in result.output


def test_a_command_like_no_other_is_answered_with_all() -> None:
    result = CliRunner().invoke(main, ["xyzzy"])

    assert "Commands: new, local, routes," in result.output


def test_a_tool_error_is_one_message_and_its_exit_code() -> None:
    result = run(raising(NoPermission("creating the role 'x' needs iam:CreateRole.")))

    assert result.exit_code == 7
    assert result.stderr == "NoPermission: creating the role 'x' needs iam:CreateRole.\n"
    assert result.stdout == ""


def test_an_error_of_the_users_module_shows_their_traceback() -> None:
    error = AppImportFailed("app.py:1: KeyError: 'TOKEN'")
    error.__cause__ = KeyError("TOKEN")

    result = run(raising(error))

    assert result.stderr == "AppImportFailed: app.py:1: KeyError: 'TOKEN'\nKeyError: 'TOKEN'\n"


def test_notes_of_an_error_are_shown_below_it() -> None:
    error = ToolError("broken.")
    error.add_note("Where it broke.")

    assert run(raising(error)).stderr == "ToolError: broken.\nWhere it broke.\n"


def test_any_other_error_is_a_bug_and_keeps_its_traceback() -> None:
    result = run(raising(ZeroDivisionError("ours")))

    assert isinstance(result.exception, ZeroDivisionError)


def test_ctrl_c_ends_a_command_quietly() -> None:
    result = run(raising(KeyboardInterrupt()))

    assert result.exit_code == 130
    assert result.output == ""
