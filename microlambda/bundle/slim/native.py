"""Whether native libraries will load on the target: machine, C library and the Python that they are for.

A wheel's tags are its publisher's word. What the file itself asks for decides on Lambda, at import, when it
is too late.
"""

from __future__ import annotations

import mmap
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from microlambda.bundle.errors import NativeMismatch
from microlambda.bundle.slim.elf import AARCH64, ARM, MAGIC, X86, X86_64, BadElf, Elf, read_elf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from microlambda.bundle.target import Target

#: The C library of each runtime: python3.11 is on Amazon Linux 2, later ones on Amazon Linux 2023.
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
#: https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html
_GLIBC = {"3.11": (2, 26)}
_GLIBC_SINCE_3_12 = (2, 34)

_MACHINES = {"x86_64": X86_64, "arm64": AARCH64}
_MACHINE_NAMES = {
    **{X86: "32-bit x86", ARM: "32-bit arm", X86_64: "x86_64", AARCH64: "arm64"},
    **{21: "ppc64", 22: "s390x", 243: "riscv64", 258: "loongarch64"},
}

_LIBRARY = re.compile(r".*\.(?:so(?:\.[\w.-]+)?|dylib|pyd)")
_MACH_O = (
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
_WINDOWS = b"MZ"

#: Not worth opening: what is text, an image or packed by its name is no library.
_NEVER_NATIVE = (
    *(".py", ".pyi", ".pyc", ".pyx", ".pxd", ".h", ".c", ".txt", ".md", ".rst", ".json", ".toml", ".yaml"),
    *(".yml", ".xml", ".html", ".css", ".js", ".csv", ".po", ".mo", ".gz", ".bz2", ".xz", ".zip", ".png"),
    *(".jpg", ".svg", ".gif", ".ttf", ".npy", ".npz", ".pem", ".typed"),
)

#: The newest symbols of glibc go by a number. One version has a name: libraries linked with relative
#: relocations packed ask for it, of glibc 2.36. https://sourceware.org/glibc/wiki/Release/2.36
_VERSION = re.compile(r"GLIBC_(\d+)\.(\d+)")
_NAMED_VERSIONS = {"GLIBC_ABI_DT_RELR": (2, 36)}

#: The name of an extension module: its own, and the tag of the interpreters that take it (PEP 3149).
_EXTENSION = re.compile(
    r"(?P<stem>.*/|)(?P<module>[^./]+)\.(?P<tag>(?:cpython|cp|pypy|graalpy|abi)[\w-]*)\.(?:so|pyd)"
)

#: What in a path says that a file is one of several, each for another machine or system.
_PLATFORM = re.compile(
    r"(?<![a-z0-9])(?:x86_64|x86-64|amd64|x64|i[3-6]86|x86|arm64|aarch64|armv\w+|arm|darwin|macos|osx|mac|windows"
    r"|win32|win64|win|musl|musllinux|ppc64le|s390x|riscv64)(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A native library that does not load on the target; `is_harmless` where nothing tries to load it."""

    file: str
    problem: str  # "is for x86_64; the function is arm64"
    remedy: str
    is_harmless: bool = False


@dataclass(frozen=True, kw_only=True)
class _Library:
    name: str
    problem: str = ""
    remedy: str = ""

    @property
    def top(self) -> str:
        return self.name.partition("/")[0]


def runtime_glibc(python: str) -> tuple[int, int]:
    """Give the version of the C library in the Lambda runtime of this Python version ("3.13")."""
    return _GLIBC.get(python, _GLIBC_SINCE_3_12)


def check_native(files: Iterable[tuple[str, bytes | Path]], target: Target) -> list[Fault]:
    """Find the native libraries and executables among files that do not load on the target.

    Files are given by their names in the archive, and their content or the path of it. On the host the
    machine alone is judged, and on macOS and Windows nothing, for ELF is not what they load.
    """
    if target.host and sys.platform != "linux":
        return []
    files = list(files)
    libraries = [found for name, content in files if (found := _judge(name, content, target)) is not None]
    spare = _Spares(libraries, {name for name, _content in files})
    return [
        Fault(file=one.name, problem=one.problem, remedy=one.remedy, is_harmless=spare.has(one))
        for one in libraries
        if one.problem
    ]


def refuse_faults(
    faults: Iterable[Fault], *, owner: Callable[[str], str | None], accepted: Callable[[str], bool]
) -> list[str]:
    """Raise `NativeMismatch` for what will not load; gives notes on what nothing tries to load.

    `owner` names the distribution of a file, or None for one of the project; `accepted` tells of a file
    whether the settings keep it by name, as it is.
    """
    faults = list(faults)
    refused = [one for one in faults if not (one.is_harmless or accepted(one.file))]
    if refused:
        raise NativeMismatch(_message(refused, owner))
    return [
        f"{owner(one.file) or 'the project'} ships {one.file}, which {one.problem}: nothing loads it there."
        for one in faults
    ]


_SHOWN = 3


def _message(refused: list[Fault], owner: Callable[[str], str | None]) -> str:
    """Name one library of each problem that a distribution has, with what to do."""
    groups: dict[tuple[str | None, str], list[Fault]] = defaultdict(list)
    for one in refused:
        groups[owner(one.file), one.problem].append(one)
    told = []
    for (package, problem), faults in list(groups.items())[:_SHOWN]:
        more = f" (and {len(faults) - 1} more like it)" if len(faults) > 1 else ""
        if package is None:
            told.append(
                f"{faults[0].file}{more} of the project {problem}. Build it for the target, or exclude it."
            )
        else:
            told.append(
                f"{package} ships {faults[0].file}{more}, which {problem}. {faults[0].remedy}, or, if "
                f"nothing loads it, ship it as it is: keep = [{faults[0].file!r}]."
            )
    if len(groups) > _SHOWN:
        told.append(f"{len(groups) - _SHOWN} more packages have such libraries.")
    return "\n".join(told)


def _judge(name: str, content: bytes | Path, target: Target) -> _Library | None:
    """Read a file; None for what is no native library."""
    if name.endswith(_NEVER_NATIVE):
        return None
    if isinstance(content, bytes):
        return _judge_content(name, content, target)
    with content.open("rb") as file:
        start = file.read(4)
        if start != MAGIC:
            return _judge_content(name, start, target)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _judge_content(name, mapped, target)


def _judge_content(name: str, content: bytes | mmap.mmap, target: Target) -> _Library | None:
    if content[:4] != MAGIC:
        return _judge_foreign(name, bytes(content[:4]))
    try:
        elf = read_elf(content)
    except BadElf as exc:
        return _Library(name=name, problem=f"cannot be read: {exc}", remedy="Install it again with --refresh")
    if not elf.is_loadable:
        return None
    problem, remedy = _problem(name, elf, target)
    return _Library(name=name, problem=problem, remedy=remedy)


def _judge_foreign(name: str, start: bytes) -> _Library | None:
    """Judge what is no ELF file, and named as a library."""
    if not _LIBRARY.fullmatch(name):
        return None
    if start in _MACH_O:
        problem = "is for macOS"
    elif start[:2] == _WINDOWS:
        problem = "is for Windows"
    else:
        problem = "is no native library, whatever its name says"
    return _Library(name=name, problem=problem, remedy="Pin a version with a wheel for Linux")


def _problem(name: str, elf: Elf, target: Target) -> tuple[str, str]:
    """Tell what keeps an ELF file from loading, and what to do; two empty texts where nothing does."""
    wrong_machine = "Pin a version with a wheel for this architecture, or change architecture in the settings"
    if elf.machine != _MACHINES.get(target.architecture, elf.machine) or elf.bits != 64 or not elf.is_little:
        return f"is for {_machine(elf)}; the function is {target.architecture}", wrong_machine
    if target.host:
        return "", ""
    if any(one.startswith(("libc.musl-", "ld-musl-")) for one in elf.needed) or "ld-musl" in elf.interpreter:
        return (
            "is for musl, the C library of Alpine; Lambda has glibc",
            "Pin a version with a manylinux wheel",
        )
    asked, has = _glibc(elf), runtime_glibc(target.python)
    if asked > has:
        remedy = "Pin an older version" + (
            ", or set python = '3.12' or newer, which has 2.34" if has < _GLIBC_SINCE_3_12 >= asked else ""
        )
        return (
            f"needs glibc {_dotted(asked)}; the runtime of python{target.python} has {_dotted(has)}",
            remedy,
        )
    if (tag := _foreign_tag(name, target)) is not None:
        return f"is for {tag}; the function runs Python {target.python}", "Pin a version with a wheel for it"
    return "", ""


def _machine(elf: Elf) -> str:
    if elf.machine == X86_64 and elf.bits == 32:
        return "x86_64 with 32-bit addresses"
    name = _MACHINE_NAMES.get(elf.machine, f"the machine {elf.machine} of ELF")
    return name if elf.is_little else f"{name} (big-endian)"


def _glibc(elf: Elf) -> tuple[int, int]:
    asked = [_NAMED_VERSIONS[one] for one in elf.versions if one in _NAMED_VERSIONS]
    asked += [(int(m[1]), int(m[2])) for one in elf.versions if (m := _VERSION.match(one))]
    return max(asked, default=(0, 0))


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _foreign_tag(name: str, target: Target) -> str | None:
    """Give the tag in an extension module's name where the target's Python would not take it."""
    found = _EXTENSION.fullmatch(name)
    if found is None or found["tag"] in {
        "abi3",
        target.cache_tag,
        f"{target.cache_tag}-{target.machine}-linux-gnu",
    }:
        return None
    return found["tag"]


class _Spares:
    """Which of the faulty libraries are one of several, where another one of them loads."""

    def __init__(self, libraries: Iterable[_Library], names: set[str]) -> None:
        libraries = list(libraries)
        good = [one for one in libraries if not one.problem]
        self.tops = {one.top for one in good}
        self.modules = {_module(one.name) for one in good} | {_source_module(name) for name in names}

    def has(self, library: _Library) -> bool:
        """Tell whether nothing will try to load this one."""
        if _EXTENSION.fullmatch(library.name):
            return _module(library.name) in self.modules
        return library.top in self.tops and _PLATFORM.search(library.name) is not None


def _module(name: str) -> str:
    parent, slash, base = name.rpartition("/")
    return f"{parent}{slash}{base.partition('.')[0]}"


def _source_module(name: str) -> str:
    """Name the module that a source is; a package as well as a file may stand in for an extension module."""
    return name.removesuffix(".py").removesuffix("/__init__") if name.endswith(".py") else ""
