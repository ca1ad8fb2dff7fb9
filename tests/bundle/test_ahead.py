"""Wheels are compiled and compressed while the resolver still fetches others."""

from __future__ import annotations

import shutil
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from microlambda.bundle import pack
from microlambda.bundle.ahead import Ahead
from microlambda.bundle.compiler import Compiler, Module, Problem, compilers_begun
from microlambda.bundle.errors import BundleError
from microlambda.bundle.inputs.required import Requirements
from microlambda.bundle.pack import ArchiveFacts, Entries, Packing
from microlambda.bundle.resolving.programs import find_resolver
from microlambda.bundle.resolving.resolver import Request, resolved
from microlambda.bundle.target import Target
from tests.bundle.conftest import Wheelhouse
from tests.bundle.resolved import SimpleIndex, served_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HOST = Target.for_host()
WAIT = 60  # s
FILES = {
    "shop/__init__.py": "from shop.price import price\n",
    "shop/price.py": "def price(n):\n    return {1, 2, n}\n",
    "shop/data.txt": "x" * 1000,
    "shop/tests/test_price.py": "from shop import price\n",
    "shop/price.pyi": "def price(n: int) -> set[int]: ...\n",
}


class Unpacking:
    """The folder in which a resolver unpacks wheels, and what is made of them meanwhile."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "archive"
        self.site = folder / "site"
        self.entries = Entries()
        self.made: list[str] = []
        self._changed = threading.Condition()
        self._make = self.entries.make_ahead
        self.entries.make_ahead = self._noted  # type: ignore[method-assign]  # to see when it is done

    def _noted(self, content_of: Callable[[], bytes | Problem], *made_of: str | bytes) -> None:
        self._make(content_of, *made_of)
        with self._changed:
            self.made.append(str(made_of[0]))
            self._changed.notify_all()

    def wait_for(self, *kinds: str) -> None:
        """Wait until so many of each kind are made."""
        with self._changed:
            assert self._changed.wait_for(lambda: sorted(self.made) == sorted(kinds), WAIT), self.made

    def unpack(self, wheel: str, files: dict[str, str]) -> None:
        """Put a wheel there, whole at once, and into the site, as resolvers do."""
        coming = self.folder.parent / "coming" / wheel
        for root in (coming, self.site):
            for name, content in files.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.folder.mkdir(exist_ok=True)
        coming.rename(self.folder / wheel)

    @contextmanager
    def ahead(self, compilers: Callable[[], Sequence[Compiler]] | None) -> Iterator[Ahead]:
        """Make entries ahead, compiled where there are compilers; the folder is watched from the start."""
        with Ahead(
            lambda: self.folder,
            self.entries,
            interpreter=sys.executable if compilers else None,
            task_root="/var/task",
            compilers=compilers or tuple,
        ) as ahead:
            assert ahead.watches.wait(WAIT)
            yield ahead

    def written(self, entries: Entries, name: str) -> tuple[bytes, ArchiveFacts]:
        path = self.site.parent / name
        with Packing(self.site, entries) as packing:
            facts = packing.write(path, HOST, sys.executable)
        return path.read_bytes(), facts


@pytest.fixture
def unpacking(tmp_path: Path) -> Unpacking:
    return Unpacking(tmp_path)


@pytest.fixture
def compilers() -> Iterator[Callable[[], Sequence[Compiler]]]:
    with compilers_begun(sys.executable) as begun:
        yield begun


def not_again(*args: object, **_options: object) -> None:
    raise AssertionError(f"{args} is made again")


def test_what_was_made_ahead_is_in_the_archive_as_if_it_were_made_then(
    unpacking: Unpacking, compilers: Callable[[], Sequence[Compiler]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with unpacking.ahead(compilers) as ahead:
        unpacking.unpack("one", FILES)
        unpacking.wait_for("file", "file", "file", "bytecode", "bytecode")  # no tests, no stubs
        ahead.end()
    for name in ("shop/tests", "shop/price.pyi"):
        path = unpacking.site / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    expected = unpacking.written(Entries(), "then.zip")

    monkeypatch.setattr(pack, "pack", not_again)
    monkeypatch.setattr(pack, "compile_modules", lambda modules, *_: iter(modules or ()))

    assert unpacking.written(unpacking.entries, "ahead.zip") == expected


def test_the_folder_may_come_later_and_wheels_one_by_one(
    unpacking: Unpacking, compilers: Callable[[], Sequence[Compiler]]
) -> None:
    assert not unpacking.folder.exists()

    with unpacking.ahead(compilers):
        unpacking.unpack("one", {"one/__init__.py": ""})
        unpacking.wait_for("file", "bytecode")
        unpacking.unpack("two", {"two/data.txt": "two"})
        unpacking.wait_for("file", "bytecode", "file")


def test_what_was_there_before_is_left_alone(
    unpacking: Unpacking, compilers: Callable[[], Sequence[Compiler]]
) -> None:
    unpacking.unpack("old", FILES)

    with unpacking.ahead(compilers):
        unpacking.unpack("new", {"new/data.txt": "new"})
        unpacking.wait_for("file")


def test_what_differs_from_what_was_unpacked_is_made_anew(
    unpacking: Unpacking, compilers: Callable[[], Sequence[Compiler]]
) -> None:
    with unpacking.ahead(compilers):
        unpacking.unpack("one", {"one.py": "answer = 1\n"})
        unpacking.wait_for("file", "bytecode")
    (unpacking.site / "one.py").write_text("answer = 2\n")

    assert unpacking.written(unpacking.entries, "ahead.zip") == unpacking.written(Entries(), "then.zip")


def test_a_module_that_does_not_compile_is_told_as_ever(
    unpacking: Unpacking, compilers: Callable[[], Sequence[Compiler]]
) -> None:
    with unpacking.ahead(compilers):
        unpacking.unpack("one", {"one.py": "print 'of another Python'\n"})
        unpacking.wait_for("file", "bytecode")

    _, facts = unpacking.written(unpacking.entries, "ahead.zip")

    assert facts.problems.keys() == {"one.py"}


def test_who_wants_what_is_being_made_waits_for_it(unpacking: Unpacking) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slowly() -> bytes:
        begun.set()
        assert go_on.wait(WAIT)
        return b"made"

    making = threading.Thread(target=unpacking.entries.make_ahead, args=(slowly, "file", b"x"))
    making.start()
    assert begun.wait(WAIT)
    threading.Timer(0.05, go_on.set).start()

    found = unpacking.entries.find("x.txt", "file", b"x")

    making.join(WAIT)
    assert found is not None
    assert (found.name, found.size) == ("x.txt", 4)


def test_nothing_more_is_begun_once_it_is_over(
    unpacking: Unpacking, compilers: Callable[[], Sequence[Compiler]]
) -> None:
    with unpacking.ahead(compilers) as ahead:
        unpacking.unpack("one", {"one.txt": "one"})
        unpacking.wait_for("file")
        ahead.end()
        unpacking.unpack("two", {"two.txt": "two"})
    assert unpacking.made == ["file"]


def test_a_compiler_that_dies_is_told_to_who_needs_it(
    unpacking: Unpacking, compilers: Callable[[], Sequence[Compiler]]
) -> None:
    with unpacking.ahead(compilers):
        compilers()[0]._process.kill()
        compilers()[0]._process.wait(WAIT)
        unpacking.unpack("one", {"one.py": ""})
        unpacking.wait_for("file")

    with pytest.raises(BundleError, match=r"failed to compile (one|again)\.py"):
        compilers()[0].compile(Module(name="again.py", path="/var/task/again.py", read=lambda: b""))


@pytest.mark.parametrize("found", [None, OSError("no such program")], ids=["none", "error"])
def test_without_a_folder_nothing_is_made(unpacking: Unpacking, found: OSError | None) -> None:
    def find() -> None:
        if found is not None:
            raise found

    with Ahead(find, unpacking.entries, interpreter=None, task_root="/var/task", compilers=tuple):
        unpacking.unpack("one", FILES)
    assert unpacking.made == []


def test_without_an_interpreter_files_alone_are_made(unpacking: Unpacking) -> None:
    with unpacking.ahead(None):
        unpacking.unpack("one", {"one.py": ""})
        unpacking.wait_for("file")


def test_uv_unpacks_wheels_where_it_says(
    index: Wheelhouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    index.wheel("pure")
    requirements = Requirements(label="x", lines=("pure",), direct=(Requirement("pure"),))
    request = Request(requirements=requirements, target=HOST, root=tmp_path)
    uv = find_resolver("uv")
    (tmp_path / "site").mkdir()

    with served_index(SimpleIndex(index.folder)) as url:
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        with resolved(request, uv, tmp_path / "site"):
            pass

    folder = uv.unpacked(request)
    assert folder is not None
    (wheel,) = folder.iterdir()
    assert (wheel / "pure" / "__init__.py").read_text() == (tmp_path / "site/pure/__init__.py").read_text()
