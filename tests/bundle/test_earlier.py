"""What an earlier archive has is taken over from it: the archive is the same as one that is made anew."""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microlambda.bundle import deflate, pack
from microlambda.bundle.cache import write_sealed
from microlambda.bundle.compiler import compile_modules
from microlambda.bundle.earlier import EarlierArchives
from microlambda.bundle.pack import make_archive
from microlambda.bundle.store import Store
from microlambda.bundle.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from microlambda.bundle.pack import ArchiveFacts

HOST = Target.for_host()

#: Long enough to be compressed.
SOURCE = "x = {'a', 'b'}\n" * 20


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "cache")


def made(store: Store, site: Path, key: str = "", *, prefix: str = "", **options: Any) -> ArchiveFacts:
    """Make an archive with what is in the store, and without; keep it where a key is given."""
    with store.making() as work:
        with_earlier, alone = (
            make_archive(
                site,
                work / f"{number}.zip",
                target=HOST,
                interpreter=sys.executable,
                prefix=prefix,
                earlier=earlier,
                **options,
            )
            for number, earlier in enumerate((EarlierArchives(store), None))
        )
        assert with_earlier == alone
        if key:
            facts = {"entries": {"prefix": prefix, "digests": with_earlier.digests}}
            store.keep(key, work / "0.zip", facts, sha256=with_earlier.sha256)
    return with_earlier


def folder_of(tmp_path: Path, files: Mapping[str, str]) -> Path:
    site = tmp_path / f"site{len(list(tmp_path.glob('site*')))}"
    for name, content in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return site


def test_only_what_is_new_is_compiled_and_compressed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a/x.py": SOURCE, "a/data.txt": "one\n" * 100}
    made(store, folder_of(tmp_path, files), "first", prefix="python/")
    compiled: list[str] = []
    compressed: list[int] = []
    deflated = deflate.deflated

    def counted(modules: Any, interpreter: str, _begun: object) -> Any:
        compiled.extend(module.name for module in modules)
        return compile_modules(modules, interpreter)

    def measured(content: bytes, level: int) -> bytes:
        compressed.append(len(content))
        return deflated(content, level)

    monkeypatch.setattr(pack, "compile_modules", counted)
    monkeypatch.setattr("microlambda.bundle.zip_file.deflated", measured)
    more = folder_of(tmp_path, {**files, "b.py": SOURCE * 2})
    make_archive(
        more,
        tmp_path / "more.zip",
        target=HOST,
        interpreter=sys.executable,
        prefix="python/",
        earlier=EarlierArchives(store),
    )

    assert compiled == ["b.py"]
    assert len(compressed) == 2
    assert compressed[0] == len(SOURCE * 2)


@pytest.mark.parametrize(
    "change", ["content", "root", "level", "place in the archive", "name", "permissions", "mention"]
)
def test_what_differs_is_not_taken_for_the_same(change: str, store: Store, tmp_path: Path) -> None:
    made(store, folder_of(tmp_path, {"a/x.py": SOURCE, "run": SOURCE}), "first")
    name = "a/y.py" if change == "name" else "a/x.py"
    site = folder_of(tmp_path, {name: SOURCE * 2 if change == "content" else SOURCE, "run": SOURCE})
    if change == "permissions":
        (site / "run").chmod(0o755)
    options: dict[str, dict[str, Any]] = {
        "root": {"task_root": "/opt/python"},
        "level": {"level": 1},
        "place in the archive": {"prefix": "python/"},
        "mention": {"mention": "'a'"},
    }

    facts = made(store, site, **options.get(change, {}))

    assert facts.mentions is (change == "mention")


@pytest.mark.parametrize(
    "damage", ["cut", "other bytes", "removed", "no archive", "no facts", "of another form"]
)
def test_an_archive_that_is_not_whole_is_passed_by(damage: str, store: Store, tmp_path: Path) -> None:
    site = folder_of(tmp_path, {"a/x.py": SOURCE})
    facts = made(store, site, "first")
    (archive,) = store.folder.glob("*.zip")
    whole = archive.read_bytes()
    if damage == "cut":
        archive.write_bytes(whole[:-30])
    elif damage == "other bytes":
        archive.write_bytes(whole.replace(whole[60:64], b"xxxx"))
    elif damage == "removed":
        archive.unlink()
    elif damage == "no archive":
        archive.write_text("no archive")
        digests = {"prefix": "", "digests": facts.digests}
        store.keep("first", archive, {"entries": digests})
    elif damage == "no facts":
        write_sealed(store.folder / "older.json", b'{"archive": "x.zip"}')
    else:
        store.keep("first", archive, {"entries": ["a/x.py"]})

    made(store, site)


def test_bytecode_that_a_wheel_brings_gives_way_to_ours_each_time(store: Store, tmp_path: Path) -> None:
    shipped = f"a/__pycache__/x.{sys.implementation.cache_tag}.pyc"
    files = {"a/x.py": SOURCE, shipped: "of another build" * 20, "a/__pycache__/y.cpython-39.pyc": "other"}
    made(store, folder_of(tmp_path, files), "first")
    facts = made(store, folder_of(tmp_path, files), "second")

    (archive, *_others) = store.folder.glob("*.zip")
    with zipfile.ZipFile(archive) as opened:
        assert opened.read(shipped)[:4] == importlib.util.MAGIC_NUMBER
    assert "a/__pycache__/y.cpython-39.pyc" in facts.names


def test_two_names_of_one_content_are_one_entry_each(store: Store, tmp_path: Path) -> None:
    made(store, folder_of(tmp_path, {"a/x.py": SOURCE}), "first")
    site = folder_of(tmp_path, {"a/x.py": SOURCE, "b/x.py": SOURCE, "copy.txt": SOURCE})
    make_archive(site, tmp_path / "made.zip", target=HOST, interpreter=None, earlier=EarlierArchives(store))

    with zipfile.ZipFile(tmp_path / "made.zip") as archive:
        assert archive.testzip() is None
        assert [archive.read(name) for name in archive.namelist()] == [SOURCE.encode()] * 3


files = st.dictionaries(
    st.sampled_from(["a.py", "a/b.py", "a/c.txt", "d.so"]),
    st.sampled_from(["", "x", "x = 1\n", "x = 1\n" * 50, "=\n" * 50]),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(runs=st.lists(st.tuples(files, st.sampled_from(["", "python/"])), min_size=2, max_size=4))
def test_any_run_of_archives_comes_out_as_if_each_were_the_first(
    runs: list[tuple[dict[str, str], str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    tmp_path = tmp_path_factory.mktemp("run")
    store = Store(folder=tmp_path / "cache")
    for number, (content, prefix) in enumerate(runs):
        site = folder_of(tmp_path, content)
        site.mkdir(exist_ok=True)
        made(store, site, str(number), prefix=prefix)
