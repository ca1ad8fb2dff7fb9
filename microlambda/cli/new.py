"""`microlambda new`: a project that serves, tests and deploys as it is, or the settings of one."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from microlambda.cli.existing import adopt
from microlambda.cli.naming import InvalidName, check_name
from microlambda.project.errors import ToolError
from microlambda.project.limits import DEFAULT_TIMEOUT, default_python
from microlambda.project.settings import new_id

_TEMPLATES = Path(__file__).parent / "templates" / "project"

#: The project's files, and the template of each. `.gitignore` has another name there, or it would act.
FILES = {
    "app.py": "app.py",
    "microlambda.toml": "microlambda.toml",
    "requirements.txt": "requirements.txt",
    "tests/test_app.py": "test_app.py",
    ".gitignore": "gitignore",
    "README.md": "README.md",
}


class ProjectExists(ToolError):
    """The folder holds files already."""


@click.command(short_help="Make a project: an app, its settings, its first test.")
@click.argument("name", required=False, metavar="[NAME]")
@click.option(
    "--from",
    "target",
    metavar="MODULE:ATTRIBUTE",
    help="In the folder of a web application: write the settings for this one.",
)
def command(name: str | None, target: str | None) -> None:
    """Make a project in the new folder NAME: an app, its settings, its first test.

    NAME may be a path, and `.` for the current folder; the app is called like its last part.

    Without NAME, in the folder of a Flask, Quart, FastAPI, Starlette or Django application: write the
    settings with which it is served and deployed as it is.
    """
    if target is not None and name not in (None, "."):
        raise click.UsageError(
            f"--from is for an application in the current folder, and NAME, {name!r}, for a new one."
        )
    if name in (None, ".") and (target is not None or _holds_files(Path.cwd())):
        _write_settings(Path.cwd(), target)
    elif name is None:
        raise InvalidName("this folder is empty, and a new project needs a name: microlambda new shop")
    else:
        _make(name)


def _make(name: str) -> None:
    """Make a new project, and say what to run next."""
    if not name.strip():
        raise InvalidName("the name is empty. Give the project one: microlambda new shop")
    folder = Path(name)
    app_name = folder.resolve().name
    check_name(app_name)
    _check_folder(folder)
    write_project(folder, app_name)
    click.echo(f"Made {app_name} in {folder}: {', '.join(FILES)}.")
    _next(f"cd {shlex.quote(str(folder))}", "microlambda local", "pytest", "microlambda deploy --local")


def _write_settings(root: Path, target: str | None) -> None:
    """Write the settings of a project that is there, and say what to run next."""
    adopted = adopt(root, target)
    if adopted is None:
        raise ProjectExists(
            f"{root} holds files already: {_shown(_files(root))}. No application of Flask, Quart, FastAPI, "
            "Starlette or Django was found among them. Name one, microlambda new --from module:attribute, or "
            "make a project in a folder of its own: microlambda new shop"
        )
    for line in adopted.told(root):
        click.echo(line)
    _next("microlambda local", "microlambda deploy --local", "microlambda deploy")


def _next(*lines: str) -> None:
    click.echo("Next:")
    for line in lines:
        if line != "cd .":
            click.echo(f"  {line}")


def write_project(folder: Path, app_name: str) -> None:
    """Write the project's files, with a new id in its settings."""
    values = {
        "@NAME@": app_name,
        "@ID@": new_id(),
        "@PYTHON@": default_python(),
        "@TIMEOUT@": str(DEFAULT_TIMEOUT),
    }
    for file, template in FILES.items():
        text = (_TEMPLATES / f"{template}.template").read_text(encoding="utf-8")
        for mark, value in values.items():
            text = text.replace(mark, value)
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _check_folder(folder: Path) -> None:
    if folder.is_dir():
        if there := _files(folder):
            raise ProjectExists(
                f"{folder} holds files already: {_shown(there)}. Give another name, or empty it."
            )
    elif folder.exists() or folder.is_symlink():
        raise ProjectExists(f"{folder} is there already, and is no folder. Give another name.")


def _files(folder: Path) -> list[str]:
    # A repository that was just created holds nothing but .git.
    return sorted(path.name for path in folder.iterdir() if path.name != ".git")


def _holds_files(folder: Path) -> bool:
    return bool(_files(folder))


def _shown(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
