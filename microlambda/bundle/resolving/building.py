"""Building a source into a wheel that runs anywhere.

A wheel that comes out as `none-any` runs on Lambda too; anything else was made for this machine. Sources are
built with the compilers switched off, for what needs one cannot become such a wheel, unless this machine is
the target.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from microlambda.bundle.resolving.request import BuildFailed
from microlambda.bundle.resolving.running import run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.metadata import Distribution

    from microlambda.bundle.resolving.request import Request

#: A build without a compiler that takes longer than this is not a pure package.
BUILD_TIMEOUT = 300  # s

#: What a build says that wanted a compiler.
_WANTS_COMPILER = re.compile(r"\bfalse\b.*(?:non-zero|failed|exit)|\bcompiler", re.IGNORECASE)

#: What ends a build at its first C, Fortran or Rust file: `false` does nothing and fails.
_NO_COMPILERS = dict.fromkeys(("CC", "CXX", "FC", "F77", "F90", "RUSTC", "LD"), "false")

#: Equal sources give equal wheels: build backends date files with this, the first day that zip knows.
#: https://reproducible-builds.org/specs/source-date-epoch/
_EPOCH = "315532800"
_EPOCH_IN_ZIP = (1980, 1, 1, 0, 0, 0)

#: A build that asks git about a folder of the user's changes nothing there, its index neither.
_REPRODUCIBLE = {"SOURCE_DATE_EPOCH": _EPOCH, "PYTHONHASHSEED": "0", "GIT_OPTIONAL_LOCKS": "0"}

#: What an installer adds to a distribution. direct_url.json has the path of a folder of ours.
_ADDED = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")

FOR_THIS_MACHINE = BuildFailed(
    why="Its source builds only for the machine that it is built on.", is_native=True
)
NEEDS_COMPILER = BuildFailed(why="Its source needs a compiler.", is_native=True)
TOO_SLOW = BuildFailed(why=f"Building its source took more than {BUILD_TIMEOUT} s.")


def run_build(command: Sequence[str], request: Request, work: Path, environ: Mapping[str, str]) -> str | None:
    """Run a resolver that builds; gives what it said where it failed, and None where it went well."""
    switched_off = {} if request.target.host else _NO_COMPILERS
    environ = {**environ, **_REPRODUCIBLE, **switched_off}
    said = run(command, cwd=request.root, work=work, environ=environ, timeout=BUILD_TIMEOUT)
    return said.stdout if said.returncode != 0 else None


def wants_compiler(output: str) -> bool:
    """Tell whether a build failed for want of a compiler."""
    return _WANTS_COMPILER.search(output) is not None


def check_built(name: str, wheels: Path) -> BuildFailed | None:
    """Look at the wheel that was built of a package; remove it and say why if only this machine runs it."""
    for wheel in wheels.glob("*.whl"):
        try:
            built, _version, _build, _tags = parse_wheel_filename(wheel.name)
        except InvalidWheelFilename:
            return BuildFailed(why="Its source builds a wheel without a proper name.")
        if built == canonicalize_name(name):
            if is_pure(wheel):
                return None
            wheel.unlink()
            return FOR_THIS_MACHINE
    return BuildFailed(why="Its source builds no wheel of that name.")


def is_pure(wheel: Path) -> bool:
    """Tell from the name of a wheel whether it runs on any machine."""
    tags = parse_wheel_filename(wheel.name)[3]
    return all(tag.platform == "any" and tag.abi == "none" for tag in tags)


def wheel_of(name: str, wheels: Path) -> Path:
    """Find the wheel of a package that was built."""
    return next(one for one in wheels.glob("*.whl") if parse_wheel_filename(one.name)[0] == name)


def wheel_line(wheel: Path, *, extras: str = "", marker: str = "", is_hashed: bool) -> str:
    """Ask for a wheel that was built, in a line of a requirements file."""
    line = (
        f"{parse_wheel_filename(wheel.name)[0]}{extras} @ {wheel.as_uri()}{f' ; {marker}' if marker else ''}"
    )
    return f"{line} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}" if is_hashed else line


def pack(distribution: Distribution, wheels: Path) -> None:
    """Write a wheel of an installed distribution: its files, under the name that its tags give."""
    info = f"{_escaped(distribution)}.dist-info"
    content = {
        file.as_posix(): Path(str(file.locate()))
        for file in distribution.files or ()
        if file.parts[0] not in {"..", "bin"} and not (file.parts[0] == info and file.name in _ADDED)
    }
    content = {name: path for name, path in sorted(content.items()) if path.is_file()}
    listed = [f"{name},{_record(path.read_bytes())}\n" for name, path in content.items()]
    with zipfile.ZipFile(wheels / wheel_name(distribution), "w") as archive:
        for name, path in content.items():
            _write(archive, name, path.read_bytes())
        _write(archive, f"{info}/RECORD", "".join([*listed, f"{info}/RECORD,,\n"]).encode())


def wheel_name(distribution: Distribution) -> str:
    """Name the wheel that a distribution was installed from, but for its build number."""
    return f"{_escaped(distribution)}-{_compressed(tags_of(distribution))}.whl"


def tags_of(distribution: Distribution) -> list[str]:
    """Give the tags that the wheel of a distribution says it has: cp313-cp313-manylinux_2_17_x86_64."""
    lines = (distribution.read_text("WHEEL") or "").splitlines()
    return [line.partition(":")[2].strip() for line in lines if line.startswith("Tag:")]


def _escaped(distribution: Distribution) -> str:
    return f"{canonicalize_name(distribution.name).replace('-', '_')}-{distribution.version}"


def _compressed(tags: Iterable[str]) -> str:
    """Join tags as wheel names do: py2-none-any and py3-none-any are py2.py3-none-any."""
    columns = zip(*(tag.split("-") for tag in tags), strict=True)
    return "-".join(".".join(dict.fromkeys(column)) for column in columns)


def _record(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(content)}"


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH_IN_ZIP)
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)
