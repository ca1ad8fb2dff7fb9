"""An interpreter of the target's Python, which compiles for it: of this machine, or brought by uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.resolving.names import uv_program
from microlambda.bundle.resolving.running import run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from microlambda.bundle.target import Target

#: Bytecode is not worth a longer wait.
_FETCH_TIMEOUT = 120  # s

#: Where uv reaches nothing it is to say so at once; it puts no python3.14 on PATH and into no registry.
_QUICK = {
    "NO_COLOR": "1",
    "UV_HTTP_RETRIES": "0",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_INSTALL_BIN": "0",
    "UV_PYTHON_INSTALL_REGISTRY": "0",
}

#: Of several threads that need one, the first finds it or has it fetched.
_providing = threading.Lock()

#: Why uv brought none, by versions of Python.
_refusals: dict[str, str] = {}


def missing_note(target: Target) -> str:
    """Say what it costs to have no interpreter of the target's version, and why uv brought none."""
    why = f", and {refusal}" if (refusal := _refusals.get(target.python)) else ""
    return (
        f"no bytecode in the bundle: there is no python{target.python} on this machine{why}. Lambda will "
        "compile every module that the app imports at each cold start, which may more than double its time. "
        f"`uv python install {target.python}` brings one."
    )


def provide_interpreter(target: Target, say: Callable[[str], None]) -> str | None:
    """Find an interpreter of the target's Python version, or let uv fetch one.

    None where neither does; `missing_note` then says why. It is tried once in a process.
    """
    with _providing:
        return _provide(target, say)


def _provide(target: Target, say: Callable[[str], None]) -> str | None:
    found = find_interpreter(target)
    if found is not None or target.python in _refusals:
        return found
    refusal = _forbidden(os.environ) or _fetch(target.python, say)
    if refusal is not None:
        _refusals[target.python] = refusal
        return None
    find_interpreter.cache_clear()
    found = find_interpreter(target)
    if found is None:
        _refusals[target.python] = "what uv fetched is not found"
    return found


@cache
def find_interpreter(target: Target) -> str | None:
    """Find an interpreter of the target's Python version on this machine."""
    return next((path for path in _candidates(target.python) if _is_version(path, target.python)), None)


def _forbidden(environ: Mapping[str, str]) -> str | None:
    """Tell what of the environment keeps uv from fetching anything by itself.

    https://docs.astral.sh/uv/reference/environment/
    """
    downloads = environ.get("UV_PYTHON_DOWNLOADS", "").lower()
    if downloads in {"never", "manual", "false", "0"}:
        return f"uv is not to fetch one (UV_PYTHON_DOWNLOADS={downloads})"
    if environ.get("UV_OFFLINE", "").lower() not in {"", "0", "false"}:
        return "uv is offline (UV_OFFLINE)"
    return None


def _fetch(version: str, say: Callable[[str], None]) -> str | None:
    """Let uv install a Python; gives why it did not."""
    uv = uv_program()
    if uv is None:
        return "uv, which could fetch one, is not installed"
    say(f"Fetching python{version} with uv, to compile for it")
    try:
        said = run([uv, "python", "install", version], environ=_QUICK, timeout=_FETCH_TIMEOUT, apart=True)
    except subprocess.TimeoutExpired:
        return f"uv did not fetch one within {_FETCH_TIMEOUT} s"
    except OSError as exc:
        return f"uv does not run ({exc.strerror})"
    return None if said.returncode == 0 else f"uv did not fetch one{_because(said.stderr)}"


def _because(output: str) -> str:
    """Take the last cause that uv names, which is the first in time."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    causes = [line for line in lines if line.lower().startswith(("cause:", "caused by:"))] or lines
    if not causes:
        return ""
    cause = causes[-1].partition(":")[2] if causes[-1] not in lines[:1] else causes[-1].removeprefix("error:")
    return f": {cause.strip().rstrip('.')}"


def _candidates(version: str) -> Iterator[str]:
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        yield sys.executable
    # Before PATH, where pyenv's launchers lie: a script that takes a tenth of a second to find the same one.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from _newest_first(pyenv.glob(f"versions/{version}.*/bin/python"))
    if found := shutil.which(f"python{version}"):
        yield found
    if (uv := uv_program()) is not None:
        yield from _said([uv, "python", "find", "--no-python-downloads", "--no-project", version])


def _newest_first(paths: Iterable[Path]) -> Iterator[str]:
    def patch(path: Path) -> int:
        last = path.parent.parent.name.rpartition(".")[2]
        return int(last) if last.isdecimal() else -1  # a development version, such as 3.14-dev

    yield from (str(path) for path in sorted(paths, key=patch, reverse=True))


def _said(command: Sequence[str]) -> list[str]:
    try:
        said = run(command, timeout=30, apart=True)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return said.stdout.splitlines()[:1] if said.returncode == 0 else []


def _is_version(path: str, version: str) -> bool:
    """Ask it: what is on PATH may be a launcher of pyenv's with nothing behind it, or another Python."""
    probe = "import sys; print(sys.implementation.name, '%d.%d' % sys.version_info[:2], sys.version_info[3])"
    return _said([path, "-S", "-E", "-c", probe]) == [f"cpython {version} final"]
