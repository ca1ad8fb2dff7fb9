from __future__ import annotations

import shutil
import struct
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from microlambda.bundle.errors import NativeMismatch
from microlambda.bundle.slim.elf import BadElf, read_elf
from microlambda.bundle.slim.native import check_native, refuse_faults
from microlambda.bundle.target import Target
from tests.bundle.installing import AARCH64, X86_64, Site, make_elf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bundle.conftest import Project, Wheelhouse

INTEL = Target.for_lambda("3.13", "x86_64")
ARM = Target.for_lambda("3.13", "arm64")
OLD = Target.for_lambda("3.11", "x86_64")

MAC = b"\xcf\xfa\xed\xfe" + bytes(60)
WINDOWS = b"MZ" + bytes(62)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


@pytest.mark.parametrize(
    ("name", "content", "target"),
    [
        ("pkg/_rust.abi3.so", make_elf(versions=["GLIBC_2.34", "GLIBC_2.2.5", "GLIBCXX_3.4.99"]), INTEL),
        ("pkg/_rust.abi3.so", make_elf(AARCH64), ARM),
        ("pkg/core.cpython-313-x86_64-linux-gnu.so", make_elf(), INTEL),
        ("pkg.libs/libz.so.1.2", make_elf(), INTEL),
        ("pkg/_c.abi3.so", make_elf(versions=["GLIBC_2.17"], weak=["GLIBC_2.39"]), INTEL),
        ("pkg/crt1.o", make_elf(AARCH64, kind=1), INTEL),
        ("pkg/tool", b"#!/bin/sh\n", INTEL),
        ("pkg/empty", b"", INTEL),
    ],
    ids=["newest glibc", "arm64", "tagged", "a version after .so", "weak", "object file", "script", "empty"],
)
def test_what_loads_on_the_target_is_fine(name: str, content: bytes, target: Target) -> None:
    assert check_native([(name, content)], target) == []


@pytest.mark.parametrize(
    ("content", "target", "problem"),
    [
        (make_elf(X86_64), ARM, "is for x86_64; the function is arm64"),
        (make_elf(AARCH64), INTEL, "is for arm64; the function is x86_64"),
        (b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HH", 3, 3), INTEL, "is for 32-bit x86"),
        (b"\x7fELF\2\2\1" + bytes(9) + struct.pack(">HH", 3, 22), INTEL, "is for s390x (big-endian)"),
        (b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HH", 3, 62), INTEL, "x86_64 with 32-bit addresses"),
        (make_elf(999), INTEL, "the machine 999 of ELF"),
        (
            make_elf(versions=["GLIBC_2.17", "GLIBC_2.35"]),
            INTEL,
            "needs glibc 2.35; the runtime of python3.13 has",
        ),
        (make_elf(versions=["GLIBC_2.27"]), OLD, "needs glibc 2.27; the runtime of python3.11 has 2.26"),
        (make_elf(versions=["GLIBC_ABI_DT_RELR"]), INTEL, "needs glibc 2.36"),
        (make_elf(needed=["libc.musl-x86_64.so.1"]), INTEL, "is for musl, the C library of Alpine"),
        (make_elf(interpreter="/lib/ld-musl-x86_64.so.1"), INTEL, "is for musl"),
        (MAC, INTEL, "is for macOS"),
        (WINDOWS, INTEL, "is for Windows"),
        (b"INPUT(-lfoo)", INTEL, "is no native library"),
        (make_elf()[:300], INTEL, "cannot be read: it is cut short"),
        (b"\x7fELF\2\1", INTEL, "cannot be read"),
    ],
)
def test_what_does_not_load_is_told_with_the_reason(content: bytes, target: Target, problem: str) -> None:
    (fault,) = check_native([("pkg/_native.so", content)], target)

    assert problem in fault.problem
    assert not fault.is_harmless


def test_executables_are_judged_by_their_content(tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_bytes(make_elf(AARCH64, kind=2))

    (fault,) = check_native([("pkg/bin/tool", path)], INTEL)

    assert (fault.file, fault.problem) == ("pkg/bin/tool", "is for arm64; the function is x86_64")


@pytest.mark.parametrize(
    ("others", "is_harmless"),
    [
        ([], False),
        (["pkg/core.abi3.so"], True),
        (["pkg/core.so"], True),
        (["pkg/core.cpython-313-x86_64-linux-gnu.so"], True),
        (["pkg/core.py"], True),
        (["pkg/core/__init__.py"], True),
        (["pkg/other.abi3.so"], False),
        (["pkg/sub/core.abi3.so"], False),
    ],
)
def test_an_extension_module_for_another_python_is_harmless_beside_one_for_this(
    others: list[str], is_harmless: bool
) -> None:
    files = [(name, make_elf()) for name in ["pkg/core.cpython-312-x86_64-linux-gnu.so", *others]]

    (fault,) = check_native(files, INTEL)

    assert fault.problem == "is for cpython-312-x86_64-linux-gnu; the function runs Python 3.13"
    assert fault.is_harmless is is_harmless


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tls/lib/tls-client-arm64.so", make_elf(AARCH64)),
        ("tls/lib/darwin/client.dylib", MAC),
        ("tls/lib/client-x86.so", b"\x7fELF\1\1\1" + bytes(9) + struct.pack("<HH", 3, 3)),
        ("tls/lib/aarch64-linux/tool", make_elf(AARCH64, kind=2)),
    ],
)
def test_one_of_several_libraries_each_for_another_machine_is_harmless(name: str, content: bytes) -> None:
    alone = check_native([(name, content)], INTEL)
    with_ours = check_native([(name, content), ("tls/lib/tls-client-amd64.so", make_elf())], INTEL)

    assert [fault.is_harmless for fault in alone] == [False]
    assert [fault.is_harmless for fault in with_ours] == [True]


def test_windows_libraries_are_nothing_that_linux_would_load() -> None:
    assert check_native([("pkg/helper.dll", WINDOWS), ("pkg/t64.exe", WINDOWS)], INTEL) == []


@pytest.mark.skipif(sys.platform != "linux", reason="native libraries of Linux are judged on Linux")
def test_for_this_machine_only_the_machine_counts() -> None:
    host = Target.for_host()
    ours, theirs = (X86_64, AARCH64) if host.architecture == "x86_64" else (AARCH64, X86_64)

    faults = check_native(
        [("a.so", make_elf(ours, versions=["GLIBC_2.99"])), ("b.so", make_elf(theirs))], host
    )

    assert [fault.file for fault in faults] == ["b.so"]


def test_a_package_whose_library_does_not_load_is_refused_by_name(site: Site) -> None:
    site.install(
        "cryptography", {"cryptography/_rust.abi3.so": make_elf(X86_64), "cryptography/__init__.py": ""}
    )

    with pytest.raises(NativeMismatch) as caught:
        site.slim(target=ARM)

    assert str(caught.value) == (
        "cryptography ships cryptography/_rust.abi3.so, which is for x86_64; the function is arm64. "
        "Pin a version with a wheel for this architecture, or change architecture in the settings, "
        "or, if nothing loads it, ship it as it is: keep = ['cryptography/_rust.abi3.so']."
    )


def test_libraries_with_the_same_fault_are_told_once(site: Site) -> None:
    site.install("Alpha", {f"alpha/_{n}.abi3.so": make_elf() for n in range(9)})
    site.install("beta", {"beta/_c.abi3.so": make_elf(needed=["libc.musl-x86_64.so.1"])})

    with pytest.raises(NativeMismatch) as caught:
        site.slim(target=ARM)

    first, second = str(caught.value).splitlines()
    assert first.startswith("Alpha ships alpha/_0.abi3.so (and 8 more like it), which is for x86_64;")
    assert second.startswith("beta ships beta/_c.abi3.so, which is for x86_64;")


def test_a_library_that_the_settings_keep_by_name_ships_as_it_is(site: Site) -> None:
    site.install("driver", {"driver/linux/manager": make_elf(X86_64, kind=2)})

    slimmed = site.slim(target=ARM, keep=("driver/linux/manager",))

    assert "driver/linux/manager" in site.names()
    assert [note for note in slimmed.notes if "driver/linux/manager" in note] == [
        "driver ships driver/linux/manager, which is for x86_64; the function is arm64: "
        "nothing loads it there."
    ]


def test_a_library_of_the_project_is_refused_as_the_projects() -> None:
    faults = check_native([("lib/fast.so", make_elf(X86_64))], ARM)

    with pytest.raises(NativeMismatch) as caught:
        refuse_faults(faults, owner=lambda name: None, accepted=lambda name: False)

    assert str(caught.value) == (
        "lib/fast.so of the project is for x86_64; the function is arm64. "
        "Build it for the target, or exclude it."
    )


def test_nothing_is_cached_of_dependencies_that_do_not_load(
    project: Project, index: Wheelhouse, cache: Path
) -> None:
    index.wheel("native", tag="py3-none-any", files={"native/_c.abi3.so": make_elf(X86_64)})
    project.write("requirements.txt", "native")

    with pytest.raises(NativeMismatch, match="^native ships native/_c.abi3.so, which is for x86_64"):
        project.bundle(target=ARM, resolver="uv")

    assert not project.out.exists()
    assert list(cache.rglob("dependencies.zip")) == []


def _installed_libraries() -> Iterator[Path]:
    for folder in (sysconfig.get_path("platlib"), sysconfig.get_config_var("DESTSHARED")):
        yield from sorted(Path(folder).rglob("*.so"))[::12]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the libraries of this interpreter")
def test_libraries_are_read_as_pyelftools_reads_them() -> None:
    read = 0
    for path in _installed_libraries():
        ours = read_elf(path.read_bytes())
        with path.open("rb") as file:
            theirs = ELFFile(file)
            assert theirs.header["e_machine"] == {X86_64: "EM_X86_64", AARCH64: "EM_AARCH64"}[ours.machine]
            assert list(ours.needed) == [
                tag.needed  # type: ignore[attr-defined]  # set by the library for tags of this kind
                for segment in theirs.iter_segments()
                if isinstance(segment, DynamicSegment)
                for tag in segment.iter_tags("DT_NEEDED")
            ]
            assert list(ours.versions) == [
                version.name
                for section in theirs.iter_sections()
                if isinstance(section, GNUVerNeedSection)
                for _, versions in section.iter_versions()
                for version in versions
                if not version["vna_flags"] & 2
            ]
            assert [one.address for one in ours.segments] == [s["p_vaddr"] for s in theirs.iter_segments()]
        read += 1
    assert read > 5


@pytest.mark.parametrize("at", [16, 40, 63, 100, 200, 300])
def test_a_library_cut_anywhere_is_damaged_and_no_crash(at: int) -> None:
    with pytest.raises(BadElf):
        read_elf(make_elf(versions=["GLIBC_2.17"])[:at])


@pytest.mark.skipif(sys.platform != "linux", reason="asks ELF's own libraries of this machine")
def test_the_interpreter_of_this_machine_runs_on_this_machine() -> None:
    python = shutil.which("true")
    assert python is not None

    assert check_native([("bin/true", Path(python))], Target.for_host()) == []
