"""Bytecode for the target, compiled by an interpreter of its version.

The code folder is read-only on Lambda, so what is not compiled here is compiled again at every cold start.
The files are of the unchecked-hash kind: Python takes them without a look at the source. They carry the path
that each file has on Lambda, never one of this machine.

A module of the user's or of a dependency ships as its source with `__pycache__/*.pyc` beside it. One of ours
ships slim: the bytecode alone, in the place of the source, without docstrings, annotations and columns.
"""

from __future__ import annotations

import hashlib
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from microlambda.bundle.cache import read_sealed, write_sealed
from microlambda.bundle.compiler import CHILD, Module, compile_modules
from microlambda.bundle.compiler import Problem as Problem
from microlambda.bundle.interpreter import provide_interpreter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from microlambda.bundle.target import Target

#: Where Lambda unpacks the archive.
TASK_ROOT = "/var/task"


def bytecode_name(name: str, target: Target) -> str:
    """Name the bytecode of a module as Python looks it up: a/b.py is a/__pycache__/b.cpython-313.pyc."""
    path = PurePosixPath(name)
    return (path.parent / "__pycache__" / f"{path.stem}.{target.cache_tag}.pyc").as_posix()


def sourceless_name(name: str) -> str:
    """Name the bytecode of a module that ships without its source: a/b.py is a/b.pyc."""
    return f"{name}c"


def compile_sources(
    sources: Mapping[str, bytes],
    target: Target,
    folder: Path,
    *,
    slim: Collection[str] = (),
    say: Callable[[str], None] = lambda _line: None,
) -> tuple[dict[str, bytes], dict[str, Problem]] | None:
    """Compile modules, given by their names in the archive; gives bytecode and problems by those names.

    `slim` are the names of those that ship slim. Each file's bytecode is kept under `folder`, so that only
    what changed is compiled. None where no interpreter fits.
    """
    places = {
        name: folder / target.cache_tag / _place(name, content, is_slim=name in slim)
        for name, content in sources.items()
    }
    kept = {name: read_sealed(place) for name, place in places.items()}
    compiled = {name: content for name, content in kept.items() if content is not None}
    lacking = {name: place for name, place in places.items() if name not in compiled}
    if not lacking:
        return compiled, {}
    interpreter = provide_interpreter(target, say)
    if interpreter is None:
        return None
    made, problems = _compile_lacking(lacking, sources, slim, interpreter)
    return compiled | made, problems


@cache
def compiler_build(interpreter: str) -> str:
    """Tell one build of an interpreter from the next: they may compile to different bytes."""
    stat = Path(interpreter).stat()
    return f"{Path(interpreter).resolve()} {stat.st_size} {stat.st_mtime_ns} {compiler_digest()}"


def _place(name: str, content: bytes, *, is_slim: bool) -> Path:
    form = compiler_digest() if is_slim else "whole"
    key = hashlib.sha256(f"{name}\0{form}\0".encode() + content).hexdigest()
    return Path(key[:2], f"{key[2:]}.pyc")


@cache
def compiler_digest() -> str:
    """Hash what decides how our modules are compiled, beside their content."""
    return hashlib.sha256(CHILD.read_bytes()).hexdigest()


def _compile_lacking(
    lacking: Mapping[str, Path], sources: Mapping[str, bytes], slim: Collection[str], interpreter: str
) -> tuple[dict[str, bytes], dict[str, Problem]]:
    modules = [
        Module(
            name=name,
            path=f"{TASK_ROOT}/{name}",
            read=partial(sources.__getitem__, name),
            is_slim=name in slim,
        )
        for name in lacking
    ]
    compiled: dict[str, bytes] = {}
    problems: dict[str, Problem] = {}
    for module, made in compile_modules(modules, interpreter):
        if isinstance(made, Problem):
            problems[module.name] = made
        else:
            write_sealed(lacking[module.name], made)
            compiled[module.name] = made
    return compiled, problems
