"""The pytest plugin: a project's tests find its app, and run with the environment of its stage `local`.

A plain `pytest`, in the project's folder or with its path, puts the folder that the archive would be rooted
in (the project, or its `src/`) first on `sys.path`, so that `from app import app` works from `tests/`; and it
puts the variables of the stage `local` into `os.environ` before any module of the tests or of the app is
imported. They win over variables that are set already, as they do on Lambda. Both are undone at the end.

The fixtures `microlambda_app`, `microlambda_client` and `microlambda_context` are there for the app of the
project that the tests belong to.

Where there is no microlambda project, nothing happens, and nothing is imported. `pytest -p no:microlambda`
switches the plugin off.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from microlambda import App
    from microlambda.emulator.runtime_client import LambdaContext
    from microlambda.testing.client import TestClient

_PROJECT: pytest.StashKey[tuple[Path, ...]] = pytest.StashKey()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Find the project that is tested, and set up its path and environment."""
    projects = tuple(dict.fromkeys(_projects(early_config)))
    early_config.stash[_PROJECT] = projects
    if len(projects) == 1:
        _set_up(projects[0], early_config)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say what was set up."""
    projects = config.stash.get(_PROJECT, ())
    if not projects:
        return []
    if len(projects) > 1:
        names = ", ".join(map(str, projects))
        return [
            f"microlambda: several projects ({names}); the environment of none is set, run them one by one"
        ]
    return [f"microlambda: {projects[0]}, stage local"]


def _projects(config: pytest.Config) -> Iterator[Path]:
    """Find the projects of what was asked to be tested, or of where pytest runs."""
    invoked = config.invocation_params.dir
    arguments = getattr(config.known_args_namespace, "file_or_dir", None) or ()
    places = [invoked / str(argument).partition("::")[0] for argument in arguments]
    for start in [place for place in places if place.exists()] or (invoked, config.rootpath):
        for folder in (start, *start.parents):
            # An app without settings is looked for below the invocation only: a stray ~/app.py is nobody's.
            if _has_settings(folder) or (folder.is_relative_to(invoked) and _has_app(folder)):
                yield folder.resolve()
                break


# By a glance, without our own modules: most pytest runs have nothing to do with microlambda.


def _has_settings(folder: Path) -> bool:
    return (folder / "microlambda.toml").is_file() or "[tool.microlambda" in _text(folder / "pyproject.toml")


def _has_app(folder: Path) -> bool:
    app = _text(folder / "app.py")
    return "import microlambda" in app or "from microlambda " in app


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else ""
    except (OSError, ValueError):
        return ""


def _set_up(root: Path, config: pytest.Config) -> None:
    from microlambda.project.environment import applied
    from microlambda.project.errors import ToolError
    from microlambda.project.layout import import_root
    from microlambda.project.settings import load_settings, resolve_environment

    try:
        settings = load_settings(root, "local")
        environment = resolve_environment(settings.function("http"), os.environ)
    except ToolError as exc:
        raise pytest.UsageError(f"microlambda: {type(exc).__name__}: {exc}") from exc
    changed = ExitStack()
    changed.enter_context(applied(environment))
    config.add_cleanup(changed.close)
    _put_on_path(import_root(root, settings.app), config)


def _put_on_path(folder: Path, config: pytest.Config) -> None:
    entry = str(folder)
    sys.path.insert(0, entry)

    def take_away() -> None:
        if entry in sys.path:
            sys.path.remove(entry)

    config.add_cleanup(take_away)


@pytest.fixture(scope="session")
def microlambda_app(pytestconfig: pytest.Config) -> App:
    """The project's App: the one that the settings name, or the only one."""
    from microlambda.project.errors import ToolError
    from microlambda.project.loader import load_app

    projects = pytestconfig.stash.get(_PROJECT, ())
    if len(projects) != 1:
        found = f"several: {', '.join(map(str, projects))}" if projects else "none"
        pytest.fail(f"microlambda_app is the App of the project that is tested, and there is {found}.")
    (root,) = projects
    try:
        return load_app(root, command="local").app
    except ToolError as exc:
        pytest.fail(f"microlambda: {type(exc).__name__}: {exc}")


@pytest.fixture
def microlambda_client(microlambda_app: App) -> TestClient:
    """A new test client for the project's app: HTTP, and events of every source."""
    return microlambda_app.test_client()


@pytest.fixture
def microlambda_context(microlambda_app: App) -> LambdaContext:
    """A second argument for calling a handler by hand: `app(event, microlambda_context)`."""
    from microlambda.testing.lambda_context import make_context

    return make_context(microlambda_app.name)
