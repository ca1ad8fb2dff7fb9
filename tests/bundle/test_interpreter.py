"""Interpreters of the target's Python: found, fetched by uv, or missed with the reason."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from microlambda.bundle import interpreter
from microlambda.bundle.archive import names
from microlambda.bundle.interpreter import find_interpreter, missing_note, provide_interpreter
from microlambda.bundle.interruption import Stop, Stopped
from microlambda.bundle.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bundle.conftest import Project

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
TARGET = Target.for_lambda(HERE, "x86_64")
#: How a uv of a test brings an interpreter: this one.
REAL = sys.executable
BRING = f"PATH=/bin:/usr/bin ln -s '{REAL}' '{{}}'"

NOBODYS = Target.for_lambda("3.99", "x86_64")


class Machine:
    """A machine on which nothing but a uv of the test's is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []

    def uv(self, install: str) -> None:
        """Put a uv there that installs by this script, and finds what that brought."""
        program = self.folder / "uv"
        program.write_text(
            f'#!/bin/sh\ncase "$2" in\nfind) test -e "{self.brought}" && echo "{self.brought}" || exit 2;;\n'
            f'install) echo "$3" >> "{self.asked}"\n{install}\n;;\nesac\n'
        )
        program.chmod(0o755)

    @property
    def brought(self) -> Path:
        return self.folder / "python-of-uv"

    @property
    def asked(self) -> Path:
        return self.folder / "asked.txt"

    @property
    def versions_asked(self) -> list[str]:
        return self.asked.read_text().split() if self.asked.exists() else []


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("UV_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    # Who runs us does not count, for an interpreter of this version is to be missing.
    candidates = interpreter._candidates
    monkeypatch.setattr(interpreter, "_candidates", lambda version: _but_ours(candidates(version)))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "elsewhere" / "python"))
    monkeypatch.setattr(interpreter, "_refusals", {})
    find_interpreter.cache_clear()
    yield Machine(folder)
    find_interpreter.cache_clear()


def _but_ours(candidates: Iterator[str]) -> Iterator[str]:
    return (path for path in candidates if path != sys.executable)


def test_uv_brings_an_interpreter_that_is_not_there(machine: Machine) -> None:
    machine.uv(BRING.format(machine.brought))

    first = provide_interpreter(TARGET, machine.said.append)
    second = provide_interpreter(TARGET, machine.said.append)

    assert first == second == find_interpreter(TARGET) == str(machine.brought)
    assert machine.said == [f"Fetching python{HERE} with uv, to compile for it"]
    assert machine.versions_asked == [HERE]


def test_an_interpreter_that_is_there_is_taken(machine: Machine) -> None:
    machine.uv("exit 1")
    machine.brought.symlink_to(REAL)

    assert provide_interpreter(TARGET, machine.said.append) == str(machine.brought)
    assert (machine.said, machine.versions_asked) == ([], [])


@pytest.mark.parametrize(
    ("install", "reason"),
    [
        (
            "echo 'error: Failed to install cpython-3.99\n  cause: Failed to download\n  cause: "
            "Connection refused (os error 111)' >&2; exit 1",
            "uv did not fetch one: Connection refused (os error 111)",
        ),
        (
            "echo 'Python downloads are not allowed (`python-downloads = \"never\"`).' >&2; exit 1",
            'uv did not fetch one: Python downloads are not allowed (`python-downloads = "never"`)',
        ),
        (
            "echo 'error: No download found for request: cpython-3.99' >&2; exit 2",
            "for request: cpython-3.99",
        ),
        ("exit 1", "uv did not fetch one. Lambda will"),
        ("exit 0", "what uv fetched is not found"),
        ("exec sleep 60", "uv did not fetch one within 0.2 s"),
    ],
    ids=["no connection", "uv's own settings", "unknown to uv", "no reason", "brings nothing", "too slow"],
)
def test_where_uv_fails_the_note_says_why_and_it_is_not_asked_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, install: str, reason: str
) -> None:
    monkeypatch.setattr(interpreter, "_FETCH_TIMEOUT", 0.2 if "sleep" in install else 20)
    machine.uv(f"PATH=/bin:/usr/bin\n{install}")

    assert provide_interpreter(NOBODYS, machine.said.append) is None
    assert provide_interpreter(NOBODYS, machine.said.append) is None

    assert reason in missing_note(NOBODYS)
    assert machine.said == ["Fetching python3.99 with uv, to compile for it"]
    assert machine.versions_asked == ["3.99"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("UV_PYTHON_DOWNLOADS", "never"), ("UV_PYTHON_DOWNLOADS", "manual"), ("UV_OFFLINE", "1")],
)
def test_uv_is_not_asked_where_the_environment_forbids_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    machine.uv(BRING.format(machine.brought))
    monkeypatch.setenv(name, value)

    assert provide_interpreter(TARGET, machine.said.append) is None

    assert name in missing_note(TARGET)
    assert (machine.said, machine.versions_asked) == ([], [])


def test_without_uv_the_note_says_what_brings_one(machine: Machine) -> None:
    assert provide_interpreter(NOBODYS, machine.said.append) is None

    assert "uv, which could fetch one, is not installed" in missing_note(NOBODYS)
    assert "`uv python install 3.99` brings one" in missing_note(NOBODYS)
    assert machine.said == []


def test_code_and_dependencies_have_the_bytecode_of_an_interpreter_that_was_just_fetched(
    machine: Machine, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.uv(BRING.format(machine.brought))
    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(tmp_path / "empty"))

    bundle = project.bundle(target=TARGET)

    assert f"__pycache__/app.{TARGET.cache_tag}.pyc" in names(bundle.code.archive)
    assert not [note for note in bundle.notes if "bytecode" in note]
    assert machine.versions_asked == [HERE]


def test_without_an_interpreter_the_note_is_one(
    machine: Machine, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("MICROLAMBDA_CACHE_DIR", str(tmp_path / "empty"))

    notes = project.bundle(target=TARGET).notes

    assert len([note for note in notes if note.startswith("no bytecode in the bundle")]) == 1


def test_what_ends_the_work_ends_a_uv_that_fetches(machine: Machine) -> None:
    machine.uv("exec /bin/sleep 600")
    stop, ended = Stop(), threading.Event()

    def fetch() -> None:
        stop.obey()
        with suppress(Stopped):
            provide_interpreter(TARGET, machine.said.append)
        ended.set()

    thread = threading.Thread(target=fetch)
    thread.start()
    while not machine.versions_asked:
        thread.join(0.01)
    stop.set()
    thread.join(60)

    assert ended.is_set()
    assert machine.said == [f"Fetching python{HERE} with uv, to compile for it"]
