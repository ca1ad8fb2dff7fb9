"""Bytecode for the target, compiled by an interpreter of its version.

The code folder is read-only on Lambda, so what is not compiled here is compiled again at every cold start.
The files are of the unchecked-hash kind: Python takes them without a look at the source. They carry the path
that each file has on Lambda, never one of this machine.

A module of the user's or of a dependency ships as its source with `__pycache__/*.pyc` beside it. One of ours
ships slim: the bytecode alone, in the place of the source, without docstrings, annotations and columns.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from microlambda.bundle.cache import replace_file
from microlambda.bundle.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from microlambda.bundle.target import Target

#: Where Lambda unpacks the archive.
TASK_ROOT = "/var/task"

_CHILD = Path(__file__).with_name("compile_child.py")

#: Fewer files than this are not worth a second process.
_PER_PROCESS = 100


@dataclass(frozen=True, kw_only=True)
class Job:
    """One file to compile: where it is, where its bytecode goes, and its name in the archive."""

    source: Path
    output: Path
    name: str
    is_slim: bool = False


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a file does not compile, and the line where that shows, if it has one."""

    message: str
    line: int | None

    def __str__(self) -> str:
        return f"{self.message} (line {self.line})" if self.line else self.message


def missing_note(target: Target) -> str:
    """Say what it costs to have no interpreter of the target's version."""
    return (
        f"no bytecode in the bundle: there is no python{target.python} on this machine. Lambda will compile "
        "every module that the app imports at each cold start, which may more than double its time. "
        f"`uv python install {target.python}` brings one."
    )


def bytecode_name(name: str, target: Target) -> str:
    """Name the bytecode of a module as Python looks it up: a/b.py is a/__pycache__/b.cpython-313.pyc."""
    path = PurePosixPath(name)
    return (path.parent / "__pycache__" / f"{path.stem}.{target.cache_tag}.pyc").as_posix()


def sourceless_name(name: str) -> str:
    """Name the bytecode of a module that ships without its source: a/b.py is a/b.pyc."""
    return f"{name}c"


def compile_all(jobs: Sequence[Job], interpreter: str) -> dict[str, Problem]:
    """Compile files; gives what is wrong with those that do not compile, by their names in the archive."""
    parts = [part for is_slim in (True, False) for part in _parts(jobs, is_slim=is_slim)]
    problems: dict[str, Problem] = {}
    with ThreadPoolExecutor(max(1, len(parts))) as pool:
        for found in pool.map(lambda part: _compile(part, interpreter), parts):
            problems |= found
    return problems


def _parts(jobs: Sequence[Job], *, is_slim: bool) -> list[Sequence[Job]]:
    """Divide jobs of one kind among processes: the option that leaves out columns is a whole process's."""
    jobs = [job for job in jobs if job.is_slim == is_slim]
    processes = max(1, min(os.cpu_count() or 1, len(jobs) // _PER_PROCESS))
    return [jobs[start::processes] for start in range(processes) if jobs]


def _compile(jobs: Sequence[Job], interpreter: str) -> dict[str, Problem]:
    work = [
        [str(job.source), str(job.output), f"{TASK_ROOT}/{job.name}", job.name, job.is_slim] for job in jobs
    ]
    # A line table names the columns too, for the marks under a line of source; ours ship without the lines.
    options = ["-X", "no_debug_ranges"] if jobs[0].is_slim else []
    # -S -P: nothing on its path but the standard library. The hash seed is fixed, for sets may be marshalled.
    said = subprocess.run(
        [interpreter, *options, "-S", "-s", "-P", "-B", "-W", "ignore", str(_CHILD)],
        input=json.dumps(work),
        capture_output=True,
        env={"PYTHONHASHSEED": "0", "SYSTEMROOT": os.environ.get("SYSTEMROOT", "")},
        text=True,
        encoding="utf-8",
        check=False,
    )
    if said.returncode != 0:
        raise BundleError(f"{interpreter} failed to compile for the bundle:\n{said.stderr.strip()[-500:]}")
    return {
        name: Problem(message=message, line=line) for name, (message, line) in json.loads(said.stdout).items()
    }


def compile_sources(
    sources: Mapping[str, bytes], target: Target, folder: Path, *, slim: Collection[str] = ()
) -> tuple[dict[str, bytes], dict[str, Problem]] | None:
    """Compile modules, given by their names in the archive; gives bytecode and problems by those names.

    `slim` are the names of those that ship slim. Each file's bytecode is kept under `folder`, so that only
    what changed is compiled. None where no interpreter fits.
    """
    entries = {
        name: folder / target.cache_tag / _place(name, content, is_slim=name in slim)
        for name, content in sources.items()
    }
    lacking = {name: entry for name, entry in entries.items() if not entry.is_file()}
    problems: dict[str, Problem] = {}
    if lacking:
        interpreter = find_interpreter(target)
        if interpreter is None:
            return None
        problems = _compile_lacking(lacking, sources, slim, interpreter)
    compiled = {name: entry.read_bytes() for name, entry in entries.items() if name not in problems}
    return compiled, problems


def _place(name: str, content: bytes, *, is_slim: bool) -> Path:
    form = compiler_digest() if is_slim else "whole"
    key = hashlib.sha256(f"{name}\0{form}\0".encode() + content).hexdigest()
    return Path(key[:2], f"{key[2:]}.pyc")


@cache
def compiler_digest() -> str:
    """Hash what decides how our modules are compiled, beside their content."""
    return hashlib.sha256(_CHILD.read_bytes()).hexdigest()


def _compile_lacking(
    lacking: Mapping[str, Path], sources: Mapping[str, bytes], slim: Collection[str], interpreter: str
) -> dict[str, Problem]:
    with tempfile.TemporaryDirectory(prefix="microlambda-compile-") as work:
        jobs = []
        for number, name in enumerate(lacking):
            source = Path(work) / f"{number}.py"
            source.write_bytes(sources[name])
            output = source.with_suffix(".pyc")
            jobs.append(Job(source=source, output=output, name=name, is_slim=name in slim))
        problems = compile_all(jobs, interpreter)
        for job in jobs:
            if job.name not in problems:
                replace_file(lacking[job.name], job.output.read_bytes())
    return problems


@cache
def find_interpreter(target: Target) -> str | None:
    """Find an interpreter of the target's Python version on this machine."""
    return next((path for path in _candidates(target.python) if _is_version(path, target.python)), None)


def _candidates(version: str) -> Iterator[str]:
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        yield sys.executable
    if found := shutil.which(f"python{version}"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from _newest_first(pyenv.glob(f"versions/{version}.*/bin/python"))
    if (uv := _uv()) is not None:
        yield from _said([uv, "python", "find", "--no-python-downloads", "--no-project", version])


def _newest_first(paths: Iterable[Path]) -> Iterator[str]:
    def patch(path: Path) -> int:
        last = path.parent.parent.name.rpartition(".")[2]
        return int(last) if last.isdecimal() else -1  # a development version, such as 3.14-dev

    yield from (str(path) for path in sorted(paths, key=patch, reverse=True))


def _uv() -> str | None:
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")


def _said(command: Sequence[str]) -> list[str]:
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return said.stdout.splitlines()[:1] if said.returncode == 0 else []


def _is_version(path: str, version: str) -> bool:
    """Ask it: what is on PATH may be a launcher of pyenv's with nothing behind it, or another Python."""
    probe = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2], sys.version_info[3])"
    return _said([path, "-S", "-E", "-c", probe]) == [f"cpython {version} final"]
