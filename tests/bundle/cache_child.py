"""Runs that fill a cache and write an archive, and are stopped: `MODE FOLDER`, gives a report as JSON.

Each run is a fork of this process, so that many of them are cheap.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microlambda.bundle.archive import Entry, write_archive
from microlambda.bundle.cache import read_sealed, write_sealed
from microlambda.bundle.earlier import EarlierArchives
from microlambda.bundle.errors import BundleError
from microlambda.bundle.pack import make_archive
from microlambda.bundle.store import Store
from microlambda.bundle.sweeping import sweep
from microlambda.bundle.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a process does to files, as Python's audit events call it: each is a moment to be killed at.
MOMENTS = ("open", "os.", "shutil.", "tempfile.")
KILLED = 9
CACHE_REFUSED, REFUSED = 3, 4


def work(root: Path, site: Path) -> None:
    """Do what a build does to the cache: read an entry or make it, and write an archive of it."""
    root.mkdir(exist_ok=True)
    cache = root / "cache"
    store = Store(folder=cache / "dependencies")
    kept = store.read("key")
    if kept is None:
        with store.making() as folder:
            earlier = EarlierArchives(store)
            facts = make_archive(
                site, folder / "made.zip", target=Target.for_host(), interpreter=None, earlier=earlier
            )
            entries = {"prefix": "", "digests": facts.digests}
            kept = store.keep(
                "key",
                folder / "made.zip",
                {"unpacked": facts.unpacked, "entries": entries},
                sha256=facts.sha256,
            )
    compiled = read_sealed(cache / "bytecode" / "app.pyc")
    if compiled is None:
        compiled = noise(150)
        write_sealed(cache / "bytecode" / "app.pyc", compiled)
    write_archive(root / "out.zip", [Entry(name="app.pyc", content=compiled)], base=kept.archive)
    sweep(cache)


def noise(parts: int) -> bytes:
    """Give the same bytes each time, 32 a part, which no compression makes smaller."""
    return b"".join(hashlib.sha256(b"%d" % part).digest() for part in range(parts))


def forked(*steps: Callable[[], object]) -> int:
    """Run in a process of its own; gives its exit code."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        try:
            for step in steps:
                step()
        except BundleError as exc:
            sys.stderr.write(f"{exc}\n")
            sys.stderr.flush()
            os._exit(CACHE_REFUSED)
        except OSError:
            os._exit(REFUSED)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def die_at(moment: int) -> None:
    left = moment

    def hook(event: str, _arguments: Any) -> None:
        nonlocal left
        if event.startswith(MOMENTS):
            left -= 1
            if left < 0:
                os._exit(KILLED)

    sys.addaudithook(hook)


def limited(size: int) -> None:
    """Let no file grow larger: to a process this is what a full disk is."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def digest(root: Path) -> str:
    return hashlib.sha256((root / "out.zip").read_bytes()).hexdigest()


def killed(folder: Path, site: Path) -> dict[str, Any]:
    """Die at the first moment, run again; die at the second, run again; and so on, until nothing is left."""
    made: set[str] = set()
    codes: list[int] = []
    moment = 0
    while not codes or codes[-1] == KILLED:
        root = folder / f"at-{moment}"
        codes.append(forked(partial(die_at, moment), partial(work, root, site)))
        again = forked(partial(work, root, site))
        made.add(digest(root) if again == 0 else f"exit code {again}")
        moment += 1
    return {"moments": len(codes), "made": sorted(made), "last": codes[-1]}


def full(folder: Path, site: Path) -> dict[str, Any]:
    """Find no room for the manifest, for half of an archive, for bytecode; then run with room."""
    codes: list[int] = []
    left: list[str] = []
    made: set[str] = set()
    for size in (0, 1, 100, 5_000, 40_000, 98_000, 10_000_000):
        root = folder / f"full-{size}"
        codes.append(forked(partial(limited, size), partial(work, root, site)))
        if codes[-1]:
            files = [path for path in root.rglob("*") if path.is_file()]
            left += [path.name for path in files if path.name.startswith(".") or path.name == "out.zip"]
        forked(partial(work, root, site))
        made.add(digest(root))
    return {"codes": codes, "left": left, "made": sorted(made)}


def at_once(folder: Path, site: Path) -> dict[str, Any]:
    """Start two and four runs at one time with one empty cache; each writes to a folder of its own."""
    made: set[str] = set()
    codes = []
    for count in (2, 4):
        start = time.time() + 0.05
        shared = folder / f"cache-{count}"
        shared.mkdir()
        roots = [folder / f"run-{count}-{number}" for number in range(count)]
        pids = []
        for root in roots:
            root.mkdir()
            (root / "cache").symlink_to(shared, target_is_directory=True)
            pid = os.fork()
            if pid == 0:
                time.sleep(max(0, start - time.time()))
                work(root, site)
                os._exit(0)
            pids.append(pid)
        codes += [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
        made |= {digest(root) for root in roots}
    return {"codes": codes, "made": sorted(made)}


def main() -> None:
    mode, folder = sys.argv[1], Path(sys.argv[2])
    site = folder / "site"
    (site / "pure").mkdir(parents=True)
    for number in range(5):
        (site / "pure" / f"data{number}.bin").write_bytes(noise(number * 300))
    modes = {"killed": killed, "full": full, "at once": at_once}
    sys.stdout.write(json.dumps(modes[mode](folder, site)))


if __name__ == "__main__":
    main()
