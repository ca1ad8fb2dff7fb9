"""The cache: what it gives is what was put there, whatever happened meanwhile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from microlambda.bundle import store as stores
from microlambda.bundle.bytecode import compile_sources
from microlambda.bundle.cache import DAY, read_sealed, replace_file, write_sealed
from microlambda.bundle.errors import CacheUnusable
from microlambda.bundle.store import Kept, Store
from microlambda.bundle.sweeping import sweep
from microlambda.bundle.target import Target

HOST = Target.for_host()
CHILD = Path(__file__).with_name("cache_child.py")

ARCHIVE = b"the bytes of an archive" * 100


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "store" / "dependencies")


def keep(store: Store, key: str, content: bytes = ARCHIVE, **facts: object) -> Kept:
    with store.making() as folder:
        (folder / "made.zip").write_bytes(content)
        return store.keep(key, folder / "made.zip", facts)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".swept")


def age(folder: Path, days: float) -> None:
    """Let time pass for everything in a folder."""
    for path in [folder, *folder.rglob("*")]:
        then = path.stat().st_mtime - days * DAY
        os.utime(path, (then, then))


def report(mode: str, tmp_path: Path) -> tuple[dict[str, object], str]:
    if sys.platform == "win32":
        pytest.skip("forks")
    done = subprocess.run([sys.executable, str(CHILD), mode, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_an_entry_gives_the_archive_and_the_facts(store: Store) -> None:
    assert store.read("key") is None

    made = keep(store, "key", unpacked=7, names=["a.py"])

    found = store.read("key")
    assert found == made
    assert found is not None
    assert (found.archive.read_bytes(), dict(found.facts)) == (ARCHIVE, {"unpacked": 7, "names": ["a.py"]})
    assert found.sha256 == stores.file_hash(found.archive)
    assert len(files(store.folder)) == 2


def test_an_entry_whose_making_failed_is_not_there(store: Store) -> None:
    with pytest.raises(TypeError):
        keep(store, "key", fact=object())

    assert store.read("key") is None
    assert [path.suffix for path in store.folder.iterdir()] == [".zip"]  # which nothing names: to be swept


@pytest.mark.parametrize("suffix", [".zip", ".json"])
@pytest.mark.parametrize("times", ["new times", "the old times"])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda whole: whole[:20], id="cut"),
        pytest.param(lambda whole: b"", id="empty"),
        pytest.param(lambda whole: whole[:-20] + b"x" * 20, id="of the same size"),
        pytest.param(lambda whole: b"x" + whole[1:], id="its first byte"),
        pytest.param(None, id="removed"),
    ],
)
def test_a_damaged_entry_is_noticed_and_made_again(
    store: Store, suffix: str, times: str, damage: object
) -> None:
    keep(store, "key")
    (path,) = store.folder.glob(f"*{suffix}")
    stat = path.stat()
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]  # those above
        if times == "the old times":
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

    assert store.read("key") is None
    keep(store, "key")
    assert store.read("key") is not None


def test_an_entry_that_did_not_change_is_not_hashed_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(store, "key")
    monkeypatch.setattr(stores, "file_hash", lambda path: pytest.fail("hashed"))

    assert store.read("key") is not None


def test_a_cache_that_was_copied_is_hashed_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = keep(store, "key")
    copy = kept.archive.with_name("copy")
    copy.write_bytes(kept.archive.read_bytes())
    copy.replace(kept.archive)

    assert store.read("key") == kept
    monkeypatch.setattr(stores, "file_hash", lambda path: pytest.fail("hashed"))
    assert store.read("key") == kept


def test_a_run_that_uses_the_older_entry_is_not_disturbed_by_a_newer_one(store: Store) -> None:
    older = keep(store, "key")
    newer = keep(store, "key", b"newer")

    assert older.archive.read_bytes() == ARCHIVE
    assert store.read("key") == newer


def test_an_entry_that_another_process_removes_meanwhile_is_absent(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = keep(store, "key")
    os.utime(kept.archive)  # so that it has to be hashed
    hashing = stores.file_hash

    def removed_first(path: Path) -> str:
        path.unlink()
        return hashing(path)

    monkeypatch.setattr(stores, "file_hash", removed_first)

    assert store.read("key") is None


@pytest.mark.parametrize(
    "damage",
    [lambda whole: whole[: len(whole) // 2], lambda whole: b"", lambda whole: whole[:-4] + b"????"],
    ids=["cut", "empty", "garbled"],
)
def test_damaged_bytecode_is_compiled_again(tmp_path: Path, damage: object) -> None:
    sources = {"app.py": b"a = 'hello'\n", "b.py": b"b = 2\n"}
    whole = compile_sources(sources, HOST, tmp_path / "bytecode")
    for path in files(tmp_path / "bytecode"):
        path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]  # those above

    assert compile_sources(sources, HOST, tmp_path / "bytecode") == whole


def test_bytecode_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compile_sources({"app.py": b"a = 1\n"}, HOST, tmp_path / "bytecode")
    monkeypatch.setattr("microlambda.bundle.bytecode.compile_modules", lambda *_: pytest.fail("compiled"))

    assert compile_sources({"app.py": b"a = 1\n"}, HOST, tmp_path / "bytecode") == whole


@pytest.mark.slow  # a process for each of some fifty moments, and one for the run after it
def test_a_run_that_is_killed_at_any_moment_leaves_nothing_that_the_next_would_trust(tmp_path: Path) -> None:
    found, _ = report("killed", tmp_path)

    assert found["last"] == 0
    assert isinstance(found["moments"], int)
    assert found["moments"] > 20
    assert len(found["made"]) == 1, found  # type: ignore[arg-type]  # a list of hashes


def test_a_full_disk_is_named_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    found, said = report("full", tmp_path)

    assert found["codes"] == [3, 3, 3, 3, 3, 4, 0]
    assert found["left"] == []
    assert len(found["made"]) == 1  # type: ignore[arg-type]  # a list of hashes
    assert "cannot be written to: File too large. Make room there or permit it, or name another" in said


def test_runs_at_once_with_one_empty_cache_all_succeed_with_equal_bytes(tmp_path: Path) -> None:
    found, _ = report("at once", tmp_path)

    assert found["codes"] == [0] * 6
    assert len(found["made"]) == 1  # type: ignore[arg-type]  # a list of hashes


@pytest.mark.parametrize("what", ["a file", "a folder to read"])
def test_a_cache_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path, what: str) -> None:
    blocked = tmp_path / "blocked"
    if what == "a file":
        blocked.touch()
    elif os.geteuid() == 0:
        pytest.skip("to root every folder is one to write to")
    else:
        blocked.mkdir(mode=0o555)

    with pytest.raises(CacheUnusable, match=r"cannot be written to: .*MICROLAMBDA_CACHE_DIR\.$"):
        write_sealed(blocked / "cache" / "a.pyc", b"")
    with pytest.raises(CacheUnusable, match="cannot be written to"):
        keep(Store(folder=blocked / "cache"), "key")


@pytest.mark.parametrize("errno_of", ["touch", "rewrite"])
def test_a_cache_that_may_only_be_read_is_read(
    store: Store, monkeypatch: pytest.MonkeyPatch, errno_of: str
) -> None:
    kept = keep(store, "key")
    age(store.folder, 3)

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(store.folder))

    if errno_of == "touch":
        monkeypatch.setattr("microlambda.bundle.cache.os.utime", refused)
    else:
        monkeypatch.setattr("microlambda.bundle.cache.tempfile.mkstemp", refused)

    assert store.read("key") == kept


def test_what_was_not_used_for_a_month_is_swept(store: Store) -> None:
    keep(store, "old")
    write_sealed(store.folder.parent / "bytecode" / "old.pyc", b"old")
    replace_file(store.folder.parent / "runtime" / "old.json", b"{}")
    age(store.folder.parent, 31)
    new = keep(store, "new", b"new")

    sweep(store.folder.parent)

    assert {path.name for path in files(store.folder.parent)} == {"new.json", new.archive.name}


def test_what_is_in_use_stays_however_long_ago_it_was_made(store: Store) -> None:
    keep(store, "key")
    write_sealed(store.folder.parent / "bytecode" / "app.pyc", b"compiled")
    for _ in range(3):
        age(store.folder.parent, 20)
        assert store.read("key") is not None
        assert read_sealed(store.folder.parent / "bytecode" / "app.pyc") is not None
        age(store.folder.parent, 1.5)

        sweep(store.folder.parent)

    assert len(files(store.folder.parent)) == 3
    assert store.read("key") is not None


def test_an_archive_that_was_replaced_goes_when_a_month_is_over(store: Store) -> None:
    keep(store, "key", b"older")
    age(store.folder, 31)
    newer = keep(store, "key")

    sweep(store.folder.parent)

    assert {path.name for path in files(store.folder)} == {"key.json", newer.archive.name}


def test_it_is_swept_once_a_day(store: Store) -> None:
    keep(store, "key")
    sweep(store.folder.parent)
    age(store.folder, 31)

    sweep(store.folder.parent)
    assert len(files(store.folder)) == 2

    age(store.folder.parent, 2)
    sweep(store.folder.parent)
    assert files(store.folder) == []


def test_work_in_progress_is_not_swept_and_that_of_a_run_that_died_is(store: Store) -> None:
    with store.making() as dead, store.making() as working:
        (dead / "half.zip").write_bytes(b"half")
        (working / "old.py").write_text("")  # installers give files the times that they have in their cache
        os.utime(working / "old.py", (0, 0))
        os.utime(dead, (time.time() - 2 * DAY,) * 2)

        sweep(store.folder.parent)

        assert [dead.exists(), (working / "old.py").exists()] == [False, True]


def test_what_is_used_while_it_is_swept_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(store, "key")
    age(store.folder, 31)
    renaming = Path.rename

    def used_first(path: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "rename", renaming)
        assert store.read("key") is not None  # another run, at the last moment
        return renaming(path, target)

    monkeypatch.setattr(Path, "rename", used_first)

    sweep(store.folder.parent)

    assert store.read("key") is not None


@pytest.mark.parametrize("place", ["none", "file"])
def test_sweeping_what_is_no_cache_does_nothing(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("kept")

    sweep(tmp_path / place)

    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["file"]
