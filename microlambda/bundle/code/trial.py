"""A trial: the app's module is imported from its archives alone, in a clean process of the target's Python.

Beside the archives there is what Lambda's managed runtime has. Nothing of the project's settings is in the
environment, so a module that asks for a variable fails, and the trial says how.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microlambda.bundle.code import trial_child
from microlambda.bundle.code.import_times import ImportTime, read_import_times
from microlambda.bundle.errors import BundleError, ModulesMissing
from microlambda.bundle.interpreter import find_interpreter
from microlambda.project.distributions import is_installed, link_distributions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from microlambda.bundle.target import Target

_TIME_LIMIT = 60.0  # s; from a cold disk a large app takes ten

#: -S and -E: no site-packages, no PYTHON* variables; -P: not the script's folder.
_FLAGS = ("-S", "-E", "-s", "-P", "-B", "-W", "ignore", "-X", "importtime")

_NATIVE = (".so", ".pyd", ".dylib")
_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How the import went: `problem` tells why it failed or was not tried, `is_missing` that of a module.

    `imports` is the tree of what was loaded, `seconds` what all of it took.
    """

    seconds: float | None = None
    imports: tuple[ImportTime, ...] = ()
    problem: str | None = None
    is_missing: bool = False

    @property
    def is_imported(self) -> bool:
        """Tell whether the module was imported to its end."""
        return self.problem is None

    @property
    def heaviest(self) -> tuple[ImportTime, ...]:
        """Give all modules that were loaded, those that took most time by themselves first."""
        found = (one for root in self.imports for one in root.walk())
        return tuple(sorted(found, key=lambda one: one.own, reverse=True))

    @property
    def summary(self) -> str:
        """Say how long the import took; empty where it did not come to its end."""
        if self.seconds is None or not self.is_imported:
            return ""
        count = len(self.heaviest)
        return f"{self.seconds * 1000:.0f} ms on this machine, {count} module{'s' if count != 1 else ''}"

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what there is to say."""
        return () if self.problem is None else (self.problem,)

    def refuse_missing(self) -> None:
        """Raise `ModulesMissing` where a module was not found."""
        if self.is_missing and self.problem is not None:
            raise ModulesMissing(self.problem)

    def refuse_untried(self) -> None:
        """Raise `BundleError` where the import could not be tried here."""
        if self.seconds is None and self.problem is not None:
            raise BundleError(self.problem)


def try_import(
    archives: Sequence[Path], module: str, target: Target, *, time_limit: float = _TIME_LIMIT
) -> Trial:
    """Import `module` from archives: that of the code, and those of its layers, laid as on Lambda."""
    if problem := _hindrance(archives, target):
        return Trial(problem=f"the import of the app was not tried: {problem}.")
    interpreter = find_interpreter(target)
    if interpreter is None:
        return Trial(problem=f"the import of the app was not tried: there is no python{target.python} here.")
    with tempfile.TemporaryDirectory(prefix="microlambda-trial-") as name:
        # By its real name, which tracebacks have: on macOS temporary folders lie behind a link.
        folder = Path(name).resolve()
        _fill_runtime(folder / "runtime")
        with _unpacked(archives, folder, target) as path:
            return _run(interpreter, module, folder, [*path, folder / "runtime"], time_limit)


def _hindrance(archives: Sequence[Path], target: Target) -> str | None:
    """Say why what is for the target cannot run on this machine."""
    here, machine = platform.system(), platform.machine().lower()
    fits = target.host or (here == "Linux" and machine in (target.machine, target.architecture))
    if fits or not any(map(_is_native, archives)):
        return None
    return (
        f"the bundle has native libraries for {target.architecture}, and this machine is {here} on {machine}"
    )


def _is_native(archive: Path) -> bool:
    with zipfile.ZipFile(archive) as opened:
        return any(name.endswith(_NATIVE) or ".so." in name for name in opened.namelist())


def _fill_runtime(folder: Path) -> None:
    folder.mkdir()
    link_distributions(folder, *(name for name in ("boto3", "awslambdaric") if is_installed(name)))


@contextmanager
def _unpacked(archives: Sequence[Path], folder: Path, target: Target) -> Iterator[list[Path]]:
    """Unpack archives into folders that are read-only; gives what Lambda has of them on sys.path."""
    path: list[Path] = []
    for number, archive in enumerate(archives):
        place = folder / ("task" if number == 0 else f"layer{number}")
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(place)
        inner = place / "python"
        path += [place] if number == 0 else [inner / f"lib/python{target.python}/site-packages", inner]
    _chmod(folder, 0o555)
    try:
        yield path
    finally:
        _chmod(folder, 0o755)


def _chmod(folder: Path, mode: int) -> None:
    for root, folders, _files in os.walk(folder):  # follows no links, such as those to our own packages
        for name in folders:
            place = Path(root, name)
            if not place.is_symlink():
                place.chmod(mode)


def _run(interpreter: str, module: str, folder: Path, path: list[Path], time_limit: float) -> Trial:
    result, said = folder / "result.json", folder / "said.txt"
    command = [interpreter, *_FLAGS, str(trial_child.__file__), module, str(result), *map(str, path)]
    with said.open("wb") as output:
        code = _wait(command, _environment(module, folder), folder, output.fileno(), time_limit)
    times = said.read_text(encoding="utf-8", errors="replace").partition(trial_child.BEGIN)[2]
    imports = read_import_times(times)
    if code is None:
        return Trial(imports=imports, problem=f"the import of the app took more than {time_limit:g} s.")
    try:
        document = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Trial(imports=imports, problem=f"the import of the app ended its process (exit code {code}).")
    return _trial(document, imports)


def _wait(
    command: list[str], environment: dict[str, str], folder: Path, output: int, time_limit: float
) -> int | None:
    """Run to the end; None where that does not come in time. Nothing that it starts outlives it."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=output,
        cwd=folder / "task",
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            return process.wait(time_limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _environment(module: str, folder: Path) -> dict[str, str]:
    """Set what Lambda sets for every function, and no credentials."""
    return {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_LAMBDA_FUNCTION_NAME": "trial",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": "us-east-1",
        "HOME": str(folder),
        "LAMBDA_TASK_ROOT": str(folder / "task"),
        "LANG": "en_US.UTF-8",
        "MICROLAMBDA_APP": module,
        "PATH": os.defpath,
        "SYSTEMROOT": os.environ.get("SYSTEMROOT", ""),
        "TZ": ":UTC",
    }


def _trial(document: dict[str, Any], imports: tuple[ImportTime, ...]) -> Trial:
    error = document.get("error")
    if error is None:
        return Trial(seconds=document["seconds"], imports=imports)
    what = f"{error['type']}: {error['text']}".splitlines()[0][:_LONGEST]
    place = f"{error['place']}: " if error["place"] else ""
    known = "" if error["is_import"] else ", without the settings' environment"
    return Trial(
        seconds=document["seconds"],
        imports=imports,
        problem=f"the app does not import from its archives alone{known}: {place}{what}",
        is_missing=error["is_import"],
    )
