"""The dependencies of a bundle, resolved once and kept.

An entry of the cache is `dependencies.zip`, slimmed and with bytecode, and `manifest.json`. Its name is a
hash of what decides the result: requirements, target, resolver and the resolver's configuration in the
environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from microlambda.bundle.archive import folder_entries, write_archive
from microlambda.bundle.bytecode import Job, bytecode_name, compile_all, find_interpreter, missing_note
from microlambda.bundle.cache import cache_folder, filling
from microlambda.bundle.inputs.requirement_lines import OURS
from microlambda.bundle.resolving.programs import find_resolver
from microlambda.bundle.resolving.resolver import Request, resolve
from microlambda.bundle.slim.needed import Package, reduce_to_needed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.resolving.resolver import Resolver
    from microlambda.bundle.target import Target

_ARCHIVE = "dependencies.zip"
_MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """What the requirements come to: an archive of them, or None where there are none.

    `use_us` tells whether microlambda is mentioned anywhere in them, and so may be used by one.
    """

    archive: Path | None = None
    packages: tuple[Package, ...] = ()
    notes: tuple[str, ...] = ()
    use_us: bool = False


def prepare(
    requirements: Requirements,
    target: Target,
    *,
    root: Path,
    resolver: str | None,
    refresh: bool,
    say: Callable[[str], None],
) -> Dependencies:
    """Give the dependencies, from the cache where they are there; `refresh` resolves them anew."""
    if not requirements.direct:
        return Dependencies()
    chosen = find_resolver(resolver)
    entry = cache_folder() / "dependencies" / _key(requirements, target, chosen, has_bytecode=True)
    if not refresh and (found := _read(entry)) is not None:
        say("Dependencies: unchanged, from the cache")
        return found
    interpreter = find_interpreter(target)
    if interpreter is None:
        entry = entry.with_name(_key(requirements, target, chosen, has_bytecode=False))
        if not refresh and (found := _read(entry)) is not None:
            say("Dependencies: unchanged, from the cache")
            return found
    say(f"Resolving with {chosen.name} {chosen.version} for {target}")
    _fill(entry, Request(requirements=requirements, target=target, root=root), chosen, interpreter)
    made = _read(entry)
    if made is None:
        raise OSError(f"the cache under {entry.parent} does not keep what is written to it")
    return made


def _key(requirements: Requirements, target: Target, resolver: Resolver, *, has_bytecode: bool) -> str:
    parts = {
        "lines": requirements.lines,
        "constraints": requirements.constraints,
        "files": [hashlib.sha256(path.read_bytes()).hexdigest() for path in requirements.local_files],
        "target": asdict(target),
        "host": target.markers if target.host else {},
        "resolver": resolver.name,
        "configuration": {
            name: value
            for name, value in sorted(os.environ.items())
            if name.startswith(("PIP_", "UV_")) and not name.endswith("_CACHE_DIR")
        },
        "bytecode": has_bytecode,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _fill(entry: Path, request: Request, resolver: Resolver, interpreter: str | None) -> None:
    # Whatever is there was not wanted: it is damaged, or to be resolved anew.
    with filling(entry, replace=entry.is_dir()) as work:
        site = work / "site"
        site.mkdir()
        resolve(request, resolver, site)
        packages, notes = reduce_to_needed(site, request.requirements, request.target)
        use_us = any(OURS.encode() in path.read_bytes() for path in site.rglob("*") if path.is_file())
        if interpreter is not None:
            _compile(site, request.target, interpreter)
        else:
            notes = (*notes, missing_note(request.target))
        archive = work / _ARCHIVE
        write_archive(archive, folder_entries(site))
        manifest = {
            "size": archive.stat().st_size,
            "packages": [asdict(package) for package in packages],
            "notes": notes,
            "use_us": use_us,
        }
        (work / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        shutil.rmtree(site)


def _compile(site: Path, target: Target, interpreter: str) -> None:
    """Compile every module; what does not compile is a template, or code for another Python."""
    jobs = []
    for source in sorted(site.rglob("*.py")):
        name = source.relative_to(site).as_posix()
        jobs.append(Job(source=source, output=site / bytecode_name(name, target), name=name))
    compile_all(jobs, interpreter)


def _read(entry: Path) -> Dependencies | None:
    """Read an entry; None where there is none, or where its archive is not what was written."""
    try:
        manifest: dict[str, Any] = json.loads((entry / _MANIFEST).read_text(encoding="utf-8"))
        archive = entry / _ARCHIVE
        if archive.stat().st_size != manifest["size"]:
            return None
        packages = tuple(Package(**package) for package in manifest["packages"])
        return Dependencies(
            archive=archive,
            packages=packages,
            notes=tuple(manifest["notes"]),
            use_us=manifest["use_us"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
