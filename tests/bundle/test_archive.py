"""The archive writer, judged by zipfile, by `unzip` and by Python's own import from archives."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import zipfile
import zlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microlambda.bundle import archive, deflate, zip_file
from microlambda.bundle.archive import SMALLEST, Entry, walk, write_archive
from microlambda.bundle.deflate import deflate_identity
from microlambda.bundle.errors import BundleError, BundleTooLarge
from microlambda.bundle.zip_file import Packed, write_zip

if TYPE_CHECKING:
    from pathlib import Path

PATTERN = bytes(range(256))

#: What a file system can hold; a name that ends in a slash would be a folder.
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
ENTRIES = st.builds(
    lambda name, content, executable: Entry(name=name, content=content, is_executable=executable),
    NAMES.filter(lambda name: not name.endswith("/")),
    st.one_of(st.just(b""), st.binary(max_size=300), st.binary(max_size=9).map(lambda part: part * 5000)),
    st.booleans(),
)
SETS = st.lists(ENTRIES, max_size=8, unique_by=lambda entry: entry.name)


@pytest.fixture(params=["the fast one", "zlib"])
def either_deflate(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "zlib":
        monkeypatch.setattr(deflate, "_libdeflate", lambda: None)
    return str(request.param)


def read_back(path: Path) -> list[Entry]:
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return [
            Entry(
                name=info.filename,
                content=file.read(info),
                is_executable=info.external_attr >> 16 == 0o100755,
            )
            for info in file.infolist()
        ]


def by_name(entry: Entry) -> str:
    return entry.name


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=SETS, level=st.sampled_from([1, 5, SMALLEST]))
def test_what_goes_in_comes_out_in_order_of_names(tmp_path: Path, entries: list[Entry], level: int) -> None:
    unpacked = write_archive(tmp_path / "made.zip", entries, level=level)

    assert read_back(tmp_path / "made.zip") == sorted(entries, key=by_name)
    assert unpacked == sum(len(entry.content) for entry in entries)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(base=SETS, entries=SETS, prefix=st.sampled_from(["", "python/"]))
def test_entries_of_a_base_come_in_as_they_are_and_give_way_to_those_of_the_same_name(
    tmp_path: Path, base: list[Entry], entries: list[Entry], prefix: str
) -> None:
    write_archive(tmp_path / "base.zip", base)

    write_archive(tmp_path / "made.zip", entries, base=tmp_path / "base.zip", prefix=prefix)

    expected = {
        prefix + entry.name: Entry(
            name=prefix + entry.name, content=entry.content, is_executable=entry.is_executable
        )
        for entry in base
    }
    expected |= {entry.name: entry for entry in entries}
    assert read_back(tmp_path / "made.zip") == sorted(expected.values(), key=by_name)


def test_a_base_is_not_compressed_again(tmp_path: Path) -> None:
    content = PATTERN * 200
    with zipfile.ZipFile(tmp_path / "base.zip", "w") as file:  # another writer: other dates, other fields
        file.writestr("a.txt", content, zipfile.ZIP_DEFLATED, compresslevel=1)
        file.writestr("b.txt", content, zipfile.ZIP_STORED)
        file.writestr("c.txt", content, zipfile.ZIP_DEFLATED)

    write_archive(
        tmp_path / "made.zip", [], base=tmp_path / "base.zip", keep=lambda name: name != "c.txt", prefix="p/"
    )

    with zipfile.ZipFile(tmp_path / "base.zip") as base, zipfile.ZipFile(tmp_path / "made.zip") as made:
        assert made.namelist() == ["p/a.txt", "p/b.txt"]
        for name in ("a.txt", "b.txt"):
            before, after = base.getinfo(name), made.getinfo(f"p/{name}")
            assert (after.compress_type, after.compress_size) == (before.compress_type, before.compress_size)
        assert made.getinfo("p/a.txt").date_time == (1980, 1, 1, 0, 0, 0)
        assert made.testzip() is None


def test_unzip_finds_it_whole(tmp_path: Path, either_deflate: str) -> None:
    program = shutil.which("unzip")
    if program is None:
        pytest.skip("unzip is not installed")
    write_archive(
        tmp_path / "made.zip",
        [
            Entry(name="bin/run", content=b"#!/bin/sh\n", is_executable=True),
            Entry(name="empty", content=b""),
            Entry(name="größe/ü.txt", content=PATTERN * 5000),
        ],
    )

    tested = subprocess.run([program, "-tq", tmp_path / "made.zip"], capture_output=True, text=True)
    subprocess.run([program, "-q", tmp_path / "made.zip", "-d", tmp_path / "out"], check=True)

    assert (tested.returncode, tested.stdout.split(" of ")[0]) == (0, "No errors detected in compressed data")
    assert (tmp_path / "out" / "bin" / "run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "out" / "empty").stat().st_mode & 0o777 == 0o644


def test_python_imports_from_it(tmp_path: Path, either_deflate: str) -> None:
    path = tmp_path / "made.zip"
    write_archive(path, [Entry(name="shop/__init__.py", content=b"print('hello')\n" * 3)])

    done = subprocess.run(
        [sys.executable, "-S", "-c", "import shop"],
        env={"PYTHONPATH": str(path)}, capture_output=True, text=True,
    )  # fmt: skip

    assert done.stdout == "hello\n" * 3, done.stderr


def test_bytes_do_not_depend_on_the_number_of_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry(name=f"{number}.bin", content=PATTERN * number) for number in range(200)]
    made = set()
    for count in (1, 7):
        monkeypatch.setattr(archive, "processors", lambda count=count: count)
        write_archive(tmp_path / "made.zip", entries)
        made.add((tmp_path / "made.zip").read_bytes())

    assert len(made) == 1


def test_what_deflate_does_not_make_smaller_is_stored(tmp_path: Path, either_deflate: str) -> None:
    write_archive(
        tmp_path / "made.zip",
        [
            Entry(name="empty", content=b""),
            Entry(name="random", content=random.Random(1).randbytes(999)),
            Entry(name="text", content=b"ab" * 99),
        ],
    )

    with zipfile.ZipFile(tmp_path / "made.zip") as file:
        stored = [info.filename for info in file.infolist() if info.compress_type == zipfile.ZIP_STORED]
    assert stored == ["empty", "random"]


def test_the_deflate_is_named_for_other_bytes_come_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fast = deflate_identity()
    monkeypatch.setattr(deflate, "_libdeflate", lambda: None)

    assert fast.startswith("deflate ")
    assert deflate_identity() == f"zlib {zlib.ZLIB_RUNTIME_VERSION}"


def test_many_entries_take_the_longer_form_of_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zip_file, "_MAX_16", 3)  # in truth 65,535, which takes seconds to write and read

    write_archive(tmp_path / "made.zip", [Entry(name=name, content=PATTERN) for name in "abcd"])

    assert b"PK\6\6" in (tmp_path / "made.zip").read_bytes()
    assert [entry.name for entry in read_back(tmp_path / "made.zip")] == ["a", "b", "c", "d"]


def test_more_than_the_format_holds_is_refused() -> None:
    huge = Packed(name="model.bin", size=2**32, crc=0, data=b"")

    with pytest.raises(BundleTooLarge, match=r"passes 4 GB at model\.bin; Lambda accepts 250 MB"):
        write_zip(lambda content: None, [huge])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("caf\udce9.py", "is not UTF-8", id="no text"),
        pytest.param("a" * 70_000, "too long for an archive", id="long"),
    ],
)
def test_a_name_that_no_archive_holds_is_refused_and_what_was_there_stays(
    tmp_path: Path, name: str, words: str
) -> None:
    path = tmp_path / "out" / "made.zip"
    path.parent.mkdir()
    path.write_bytes(b"before")

    with pytest.raises(BundleError, match=words):
        write_archive(path, [Entry(name=name, content=b"")])

    assert [(one.name, one.read_bytes()) for one in path.parent.iterdir()] == [("made.zip", b"before")]


def test_two_entries_of_one_name_are_a_mistake_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"two entries are called 'a\.py'"):
        write_archive(
            tmp_path / "made.zip", [Entry(name="a.py", content=b"1"), Entry(name="a.py", content=b"2")]
        )


@pytest.mark.parametrize(
    "damage", [lambda whole: whole[: len(whole) // 2], lambda whole: b"?" * 30 + whole[30:]]
)
def test_a_base_that_is_not_whole_is_refused(tmp_path: Path, damage: object) -> None:
    base = tmp_path / "base.zip"
    write_archive(base, [Entry(name="a.bin", content=PATTERN * 50)])
    base.write_bytes(damage(base.read_bytes()))  # type: ignore[operator]  # one of the two above

    with pytest.raises(BundleError, match=r"base\.zip is no whole zip archive"):
        write_archive(tmp_path / "made.zip", [], base=base)

    assert not (tmp_path / "made.zip").exists()


def test_a_folder_is_read_with_its_links_to_files_and_not_those_to_folders(tmp_path: Path) -> None:
    (tmp_path / "site" / "a" / "b").mkdir(parents=True)
    (tmp_path / "site" / "a" / "b" / "c.py").write_text("1")
    (tmp_path / "site" / "a.py").write_text("2")
    (tmp_path / "site" / "a.py").chmod(0o755)
    (tmp_path / "site" / "link.py").symlink_to("a.py")
    (tmp_path / "site" / "gone.py").symlink_to("nowhere")
    (tmp_path / "site" / "round").symlink_to("a", target_is_directory=True)

    found = sorted(walk(tmp_path / "site"), key=lambda file: file.name)

    assert [(file.name, file.path.read_bytes(), file.is_executable) for file in found] == [
        ("a.py", b"2", True),
        ("a/b/c.py", b"1", False),
        ("link.py", b"2", True),
    ]
