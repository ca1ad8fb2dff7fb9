"""Which files are watched, and which changes are told."""

from __future__ import annotations

import os
import py_compile
import sys
from importlib.util import cache_from_source
from pathlib import Path

import click
import pytest

from microlambda.local.watch import Watcher, folders_elsewhere, forget_bytecode, project_folders


@pytest.mark.parametrize(
    "ignored", [".git", ".venv", "__pycache__", "node_modules", "build", ".mypy_cache", "lib/__pycache__"]
)
def test_caches_and_hidden_folders_are_not_watched(tmp_path: Path, ignored: str) -> None:
    (tmp_path / "lib" / "deep").mkdir(parents=True)
    (tmp_path / ignored / "below").mkdir(parents=True)

    watched = project_folders(tmp_path)

    assert watched == [tmp_path, tmp_path / "lib", tmp_path / "lib" / "deep"]


def test_a_virtual_environment_of_any_name_is_not_watched(tmp_path: Path) -> None:
    (tmp_path / "py" / "lib").mkdir(parents=True)
    (tmp_path / "py" / "pyvenv.cfg").touch()

    assert project_folders(tmp_path) == [tmp_path]


def test_modules_under_development_elsewhere_are_watched_and_installed_ones_not(tmp_path: Path) -> None:
    project, library = tmp_path / "project", tmp_path / "library"
    for folder in (project, library):
        folder.mkdir()
        (folder / "module.py").touch()
    files = [str(project / "module.py"), str(library / "module.py"), str(click.__file__), os.__file__]

    assert folders_elsewhere(project, files) == {library}


def test_the_bytecode_of_a_changed_source_is_forgotten(tmp_path: Path) -> None:
    source = tmp_path / "app.py"
    source.write_text("x = 1\n")
    cached = Path(cache_from_source(str(source)))
    py_compile.compile(str(source), cfile=str(cached))

    forget_bytecode({source, tmp_path / "never_imported.py"})

    assert not cached.exists()
    assert sys.implementation.cache_tag in cached.name


def test_a_stop_in_the_moment_of_the_start_ends_the_watching(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher(tmp_path, lambda _changed: None)
    clear = watcher._interrupt.clear

    def stopped_just_before() -> None:
        watcher._stopped = True
        watcher._interrupt.set()
        clear()

    monkeypatch.setattr(watcher._interrupt, "clear", stopped_just_before)

    watcher.start()
    watcher._thread.join(30)

    assert not watcher._thread.is_alive()
