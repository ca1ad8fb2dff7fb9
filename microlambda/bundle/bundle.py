"""Making the bundle: the app's code, its dependencies and the runtime, in the archive that Lambda runs."""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import microlambda
from microlambda.bundle.archive import SMALLEST, Entry, names, write_archive
from microlambda.bundle.bytecode import (
    bytecode_name,
    compile_sources,
    compiler_digest,
    missing_note,
    sourceless_name,
)
from microlambda.bundle.cache import cache_folder
from microlambda.bundle.code.sources import Sources, file_of_module, find_sources, top_level
from microlambda.bundle.dependencies import Dependencies, prepare
from microlambda.bundle.errors import BundleError, BundleTooLarge, SourcesUnusable
from microlambda.bundle.inputs.requirements import read_requirements
from microlambda.bundle.interruption import unwinding
from microlambda.bundle.libraries import LIBRARIES, is_of, library_entries, required_libraries
from microlambda.bundle.runtime_files import left_out
from microlambda.project.limits import UPLOAD_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from microlambda.bundle.bytecode import Problem
    from microlambda.bundle.code.sources import Source
    from microlambda.bundle.slim.needed import Package
    from microlambda.bundle.target import Target
    from microlambda.project.settings import Settings

#: Lambda's quotas: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
UNPACKED_LIMIT = 250 * 1024 * 1024  # bytes, layers included

_MB = 1024 * 1024

#: Of ours, the one module that ships with its source: under another Python than the target it says so.
_FACE = "microlambda/__init__.py"


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """An archive that Lambda runs. Sizes are in bytes; `packages` are the dependencies in it."""

    archive: Path
    size: int
    unpacked_size: int
    inputs_hash: str
    packages: tuple[Package, ...]
    notes: tuple[str, ...]

    @property
    def needs_s3(self) -> bool:
        """Tell whether the archive is too large to be sent to Lambda directly."""
        return self.size > UPLOAD_LIMIT


@dataclass(frozen=True, kw_only=True)
class _Code:
    """Code that is ours to compile, of the project, the runtime and its libraries.

    `problems` are by names of entries.
    """

    entries: tuple[Entry, ...]
    problems: Mapping[str, Problem] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def build(
    settings: Settings,
    module: str,
    import_root: Path,
    *,
    target: Target,
    out: Path,
    say: Callable[[str], None],
    resolver: str | None = None,
    refresh: bool = False,
) -> Bundle:
    """Make the archive of the app whose module is `module`, in the folder `out`; never imports the app.

    `resolver` is "uv" or "pip"; the best that is installed otherwise. `refresh` resolves anew what is in the
    cache. What fails raises a `ToolError` and leaves `out` as it was.
    """
    with unwinding(), _explained():
        requirements = read_requirements(settings)
        say(f"Requirements: {requirements.label}")
        say(f"Target: {target}")
        sources = find_sources(settings, import_root, out=out)
        own = file_of_module(sources, module)
        code = _compiled(sources, target)
        _refuse_broken_app(own, code, settings.root, target)
        dependencies = prepare(
            requirements, target, root=settings.root, resolver=resolver, refresh=refresh, say=say
        )
        inputs = inputs_hash(settings, import_root, target, out=out)
        archive = archive_path(settings, out)
        unpacked, collisions = _write(archive, code, dependencies, sources)
        notes = [*requirements.notes, *sources.notes, *dependencies.notes, *code.notes, *collisions]
        return _bundle(archive, unpacked, inputs, dependencies.packages, notes)


@contextmanager
def _explained() -> Iterator[None]:
    """Say of what the system refuses that it is the bundle which was not made."""
    try:
        yield
    except OSError as exc:
        where = f" ({Path(exc.filename).name})" if isinstance(exc.filename, str) else ""
        raise BundleError(f"the bundle could not be made: {exc.strerror or exc}{where}.") from exc


def inputs_hash(settings: Settings, import_root: Path, target: Target, *, out: Path | None = None) -> str:
    """Hash what decides the bundle: sources, requirements, target and this version of ours; builds nothing.

    The same inputs give the same hash in any folder and on any machine.
    """
    requirements = read_requirements(settings)
    sources = find_sources(settings, import_root, out=out)
    parts = {
        "compiler": compiler_digest(),
        "runtime": [(entry.name, _digest(entry.content)) for entry in (*_runtime(), *library_entries())],
        "left out": sorted(left_out(_runtime(), sources.files)),
        "sources": [
            (source.name, source.is_executable, _digest(source.path.read_bytes())) for source in sources.files
        ],
        "requirements": requirements.portable,
        "files": [_digest(path.read_bytes()) for path in requirements.local_files],
        "target": asdict(target),
    }
    return _digest(json.dumps(parts, sort_keys=True).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@cache
def _runtime() -> tuple[Entry, ...]:
    """Read what of ours may ship: the package's face and the runtime."""
    package = Path(microlambda.__file__).parent
    paths = [package / "__init__.py", *sorted((package / "runtime").rglob("*.py"))]
    return tuple(
        Entry(name=path.relative_to(package.parent).as_posix(), content=path.read_bytes()) for path in paths
    )


def _compiled(sources: Sources, target: Target) -> _Code:
    entries = [
        Entry(name=file.name, content=file.path.read_bytes(), is_executable=file.is_executable)
        for file in sources.files
    ]
    own = sources.regular & set(LIBRARIES)
    ours = [*_runtime(), *(entry for entry in library_entries() if not is_of(entry, own))]
    slim = {entry.name for entry in ours if entry.name.endswith(".py")}
    entries += ours
    modules = {entry.name: entry.content for entry in entries if entry.name.endswith(".py")}
    result = compile_sources(modules, target, cache_folder() / "bytecode", slim=slim)
    if result is None:
        return _Code(entries=_sorted(entries), notes=(missing_note(target), *_hidden_libraries(own)))
    bytecode, problems = result
    return _Code(
        entries=_sorted(_with_bytecode(entries, bytecode, slim, target)),
        problems=problems,
        notes=(*_broken(problems, target), *_hidden_libraries(own)),
    )


def _with_bytecode(
    entries: list[Entry], bytecode: Mapping[str, bytes], slim: set[str], target: Target
) -> list[Entry]:
    """Put bytecode beside the sources, and of ours into their place."""
    sourceless = slim & bytecode.keys() - {_FACE}
    kept = [entry for entry in entries if entry.name not in sourceless]
    for name, content in bytecode.items():
        place = sourceless_name(name) if name in sourceless else bytecode_name(name, target)
        kept.append(Entry(name=place, content=content))
    return kept


def _broken(problems: Mapping[str, Problem], target: Target) -> list[str]:
    return [
        f"{name} is no Python {target.python}: {problem}. Its import will fail on Lambda."
        for name, problem in problems.items()
    ]


def _hidden_libraries(own: Collection[str]) -> list[str]:
    return [
        f"{name} of the project hides the library of the same name, by which the runtime reads forms."
        for name in sorted(own)
    ]


def _refuse_broken_app(own: Source, code: _Code, root: Path, target: Target) -> None:
    """Refuse an app whose own module does not compile; any other may be one that nothing imports."""
    problem = code.problems.get(own.name)
    if problem is None:
        return
    root = root.resolve()
    where = own.path.relative_to(root).as_posix() if own.path.is_relative_to(root) else own.name
    where += f":{problem.line}" if problem.line else ""
    raise SourcesUnusable(
        f"{where} is no Python {target.python}: {problem.message}. "
        "It is the app's own module, so no function could start. Mend it, or change python in the settings."
    )


def _sorted(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.name))


def _write(path: Path, code: _Code, dependencies: Dependencies, sources: Sources) -> tuple[int, list[str]]:
    """Write the archive; gives what it unpacks to, and notes.

    Of a module that the project and a dependency both have, the project's ships; a library of the runtime's
    that is among the dependencies, as they have it. What of the runtime the project cannot need stays out.
    """
    present = names(dependencies.archive) if dependencies.archive is not None else []
    required = required_libraries(present) - sources.regular
    unneeded = frozenset() if dependencies.use_us else left_out(_runtime(), sources.files)
    entries = [
        entry
        for entry in code.entries
        if not is_of(entry, required) and entry.name.removesuffix("c") not in unneeded
    ]
    taken = {entry.name for entry in entries}
    # Beside a module of ours without its source, Python would take a source of that name.
    taken |= {name.removesuffix("c") for name in taken if name.endswith(".pyc")}
    shadowing = sources.regular | {"microlambda"}
    dropped = {name for name in present if name in taken or top_level(name) in shadowing}
    keep = (lambda name: name not in dropped) if dropped else None

    def check(unpacked: int) -> None:
        _refuse_too_large(unpacked, path.stem, dependencies.packages)

    size = write_archive(path, entries, base=dependencies.archive, keep=keep, check=check, level=SMALLEST)
    hidden = sorted({top_level(name) for name in dropped} - {"microlambda"})
    return size, [
        f"{name} of the project hides the dependency of the same name, which is left out." for name in hidden
    ]


def archive_path(settings: Settings, out: Path) -> Path:
    """Name the archive that a build for these settings writes to the folder `out`."""
    name = settings.name or settings.root.resolve().name
    return out / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name).strip('-.') or 'bundle'}.zip"


def _bundle(
    archive: Path, unpacked: int, inputs: str, packages: tuple[Package, ...], notes: list[str]
) -> Bundle:
    size = archive.stat().st_size
    if size > UPLOAD_LIMIT:
        notes.append(
            f"the archive has {size / _MB:.1f} MB; Lambda takes 50 MB in a direct upload, more only from S3."
        )
    return Bundle(
        archive=archive,
        size=size,
        unpacked_size=unpacked,
        inputs_hash=inputs,
        packages=packages,
        notes=tuple(dict.fromkeys(notes)),
    )


def _refuse_too_large(unpacked: int, name: str, packages: tuple[Package, ...]) -> None:
    if unpacked <= UNPACKED_LIMIT:
        return
    largest = sorted(packages, key=lambda package: package.size, reverse=True)[:5]
    shown = ", ".join(f"{package.name} {package.size / _MB:.0f} MB" for package in largest)
    raise BundleTooLarge(
        f"the bundle {name!r} unpacks to {unpacked / _MB:.1f} MB; Lambda accepts 250 MB. "
        f"{f'Largest: {shown}. ' if shown else ''}"
        "Exclude what the app does not need, or use a container image."
    )
