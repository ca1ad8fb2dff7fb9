"""`microlambda new NAME`: a project that serves, tests and deploys as it is."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

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

# "{name}-{stage}-{handler}" is a function's name on AWS, of 64 characters at most: this leaves room for both.
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_TAKEN = ("app", "main", "__main__")


class InvalidName(ToolError):
    """The name cannot be an app's name on AWS."""


class ProjectExists(ToolError):
    """The folder holds files already."""


@click.command(short_help="Make a project: an app, its settings, its first test.")
@click.argument("name")
def command(name: str) -> None:
    """Make a project in the new folder NAME: an app, its settings, its first test.

    NAME may be a path, and `.` for the current folder; the app is called like its last part.
    """
    if not name.strip():
        raise InvalidName("the name is empty. Give the project one: microlambda new shop")
    folder = Path(name)
    app_name = folder.resolve().name
    _check_name(app_name)
    _check_folder(folder)
    write_project(folder, app_name)
    click.echo(f"Made {app_name} in {folder}: {', '.join(FILES)}.")
    click.echo("Next:")
    for line in (
        f"cd {shlex.quote(str(folder))}",
        "microlambda local",
        "pytest",
        "microlambda deploy --local",
    ):
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


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InvalidName(
            f"{name!r} cannot name an app on AWS. Take 1 to 40 letters, digits, '-' and '_', a letter first"
            f"{_suggestion(name)}."
        )
    if name in _TAKEN:
        raise InvalidName(
            f"{name!r} says nothing about the app, and all its AWS resources would start with it. Take "
            "another name."
        )


def _suggestion(name: str) -> str:
    near = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-").lstrip("0123456789-_")[:40]
    return f", such as {near!r}" if _NAME.fullmatch(near) and near not in _TAKEN else ""


def _check_folder(folder: Path) -> None:
    if folder.is_dir():
        # A repository that was just created holds nothing but .git.
        there = sorted(path.name for path in folder.iterdir() if path.name != ".git")
        if there:
            shown = ", ".join(there[:3]) + (", ..." if len(there) > 3 else "")
            raise ProjectExists(f"{folder} holds files already: {shown}. Give another name, or empty it.")
    elif folder.exists() or folder.is_symlink():
        raise ProjectExists(f"{folder} is there already, and is no folder. Give another name.")
