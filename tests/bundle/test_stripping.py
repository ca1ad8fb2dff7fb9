from __future__ import annotations

import ctypes
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from microlambda.bundle.slim.elf import loads_the_same
from microlambda.bundle.target import Target
from tests.bundle.installing import AARCH64, Site, make_elf

ARM = Target.for_lambda("3.13", "arm64")

#: Stands for the strip of another machine: it cuts the table of symbols off, and does what MISDEED says.
STRIP = f"""#!{sys.executable}
import pathlib, struct, sys

content = bytearray(pathlib.Path(sys.argv[4]).read_bytes())
(start,) = struct.unpack_from("<Q", content, 40)
(begin,) = struct.unpack_from("<Q", content, start + 24)
struct.pack_into("<Q", content, 40, 0)
struct.pack_into("<H", content, 60, 0)
del content[begin:]
MISDEED
pathlib.Path(sys.argv[3]).write_bytes(content)
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder of programs that there is."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def _tool(folder: Path, name: str, misdeed: str = "") -> None:
    path = folder / name
    path.write_text(STRIP.replace("MISDEED", misdeed))
    path.chmod(0o755)


def test_symbols_go_with_the_strip_for_the_targets_machine(site: Site, tools: Path) -> None:
    _tool(tools, "aarch64-linux-gnu-strip")
    site.install("native", {"native/_c.abi3.so": make_elf(AARCH64, symbols=b"s" * 2400)})
    (site.folder / "native/_c.abi3.so").chmod(0o755)
    before = site.size

    slimmed = site.slim(target=ARM, strip=True)

    (saved,) = [one for one in slimmed.removed if one.what == "symbols of native libraries"]
    assert (saved.files, saved.size) == (1, 2464)
    assert sum(one.size for one in slimmed.removed) == before - site.size
    assert (site.folder / "native/_c.abi3.so").stat().st_mode & 0o777 == 0o755
    assert slimmed.notes == ()


def test_symbols_stay_where_nobody_asks(site: Site, tools: Path) -> None:
    _tool(tools, "aarch64-linux-gnu-strip")
    library = make_elf(AARCH64, symbols=b"s" * 2400)
    site.install("native", {"native/_c.abi3.so": library})

    site.slim(target=ARM)

    assert (site.folder / "native/_c.abi3.so").read_bytes() == library


def test_symbols_of_a_library_that_the_settings_keep_stay(site: Site, tools: Path) -> None:
    _tool(tools, "aarch64-linux-gnu-strip")
    library = make_elf(AARCH64, symbols=b"s" * 2400)
    site.install("native", {"native/_c.abi3.so": library})

    site.slim(target=ARM, strip=True, keep=("native",))

    assert (site.folder / "native/_c.abi3.so").read_bytes() == library


def test_without_a_strip_for_the_target_a_note_says_what_to_install(site: Site, tools: Path) -> None:
    _tool(tools, "x86_64-linux-gnu-strip")
    library = make_elf(AARCH64, symbols=b"s" * 2400)
    site.install("native", {"native/_c.abi3.so": library})

    slimmed = site.slim(target=ARM, strip=True)

    assert slimmed.notes == (
        "nothing was stripped: there is no strip for arm64 here. "
        "Install binutils-aarch64-linux-gnu, or llvm.",
    )
    assert (site.folder / "native/_c.abi3.so").read_bytes() == library


@pytest.mark.parametrize("files", [{"native/_c.abi3.so": make_elf(AARCH64)}, {"native/__init__.py": ""}])
def test_where_no_library_has_symbols_no_tool_is_missed(
    site: Site, tools: Path, files: dict[str, str | bytes]
) -> None:
    site.install("native", files)

    assert site.slim(target=ARM, strip=True).notes == ()


@pytest.mark.parametrize(
    "misdeed",
    [
        "content[300] ^= 1",
        "struct.pack_into('<Q', content, 64 + 8, 16)  # where the first segment is in the file",
        "struct.pack_into('<Q', content, 64 + 16, 8192)  # where it goes in memory",
        "del content[200:]",
        "content[:4] = b'PK'",
        "sys.exit(1)",
        "sys.exit(0)",
        "content += bytes(9999)",
    ],
    ids=["a byte", "not congruent", "moved", "cut", "no ELF", "failed", "no output", "larger"],
)
def test_a_library_that_would_not_load_without_its_symbols_keeps_them(
    site: Site, tools: Path, misdeed: str
) -> None:
    _tool(tools, "aarch64-linux-gnu-strip", misdeed)
    library = make_elf(AARCH64, symbols=b"s" * 2400)
    site.install("native", {"native/_c.abi3.so": library})

    slimmed = site.slim(target=ARM, strip=True)

    assert (site.folder / "native/_c.abi3.so").read_bytes() == library
    assert slimmed.notes == ("1 of 1 native libraries keep their symbols: without them they would not load.",)


def test_another_tool_is_tried_where_one_damages_the_library(site: Site, tools: Path) -> None:
    _tool(tools, "aarch64-linux-gnu-strip", "content[300] ^= 1")
    _tool(tools, "llvm-strip")
    site.install("native", {"native/_c.abi3.so": make_elf(AARCH64, symbols=b"s" * 2400)})

    slimmed = site.slim(target=ARM, strip=True)

    assert slimmed.notes == ()
    assert [one.size for one in slimmed.removed if one.what == "symbols of native libraries"] == [2464]


SOURCE = """
static int hidden_counter;
static int __attribute__((noinline)) hidden_step(int by) { return hidden_counter += by; }
int count(int by) { return hidden_step(by) + hidden_step(1); }
"""


@pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("cc") is None or shutil.which("strip") is None,
    reason="compiles a library of Linux and strips it",
)
def test_a_real_library_without_its_symbols_loads_and_works(site: Site, tmp_path: Path) -> None:
    source = tmp_path / "count.c"
    source.write_text(SOURCE)
    built = tmp_path / "built.so"
    subprocess.run(["cc", "-g", "-shared", "-fPIC", "-o", str(built), str(source)], check=True)
    site.install("native", {"native/count.so": built.read_bytes()})

    slimmed = site.slim(target=Target.for_host(), strip=True)

    stripped = site.folder / "native/count.so"
    with stripped.open("rb") as file:
        elf = ELFFile(file)
        assert elf.get_section_by_name(".symtab") is None
        assert elf.get_section_by_name(".debug_info") is None
    assert ctypes.CDLL(str(stripped)).count(20) == 41
    assert [one.size for one in slimmed.removed if one.what == "symbols of native libraries"] == [
        built.stat().st_size - stripped.stat().st_size
    ]


def test_a_segment_that_the_loader_cannot_map_is_a_difference() -> None:
    library = make_elf()
    headers = 64 + 3 * 56
    moved = bytearray(library + bytes(headers) + library[headers:])
    struct.pack_into("<Q", moved, 64 + 8, len(library))  # the same, at a place that is no multiple of a page

    assert not loads_the_same(library, bytes(moved))
    struct.pack_into("<Q", moved, 64 + 48, 1)  # its alignment
    assert loads_the_same(bytes(_with_alignment(library)), bytes(moved))


def _with_alignment(library: bytes) -> bytearray:
    content = bytearray(library)
    struct.pack_into("<Q", content, 64 + 48, 1)
    return content


def test_headers_that_say_the_same_are_no_difference() -> None:
    library = make_elf(symbols=b"s" * 48)
    without = bytearray(make_elf())
    struct.pack_into("<Q", without, 64 + 24, 99)  # the physical address, which nobody reads

    assert loads_the_same(library, bytes(without))
    assert not loads_the_same(library, make_elf(needed=["libm.so.6"]))
