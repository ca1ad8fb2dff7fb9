"""What resolvers take and refuse for a target, from locks and from ranges, and what they say of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags, parse_tag

from microlambda.bundle.errors import NoFittingWheel
from microlambda.bundle.target import Target
from tests.bundle.conftest import Wheelhouse
from tests.bundle.resolved import Workplace, digest

#: Wheels by their tags: {0} stands for the target's Python, {1} for its processor.
WHEELS = (
    *("{0}-{0}-manylinux2014_{1}", "{0}-{0}-manylinux2010_{1}", "{0}-{0}-manylinux_2_5_{1}"),
    *("{0}-{0}-manylinux_2_17_{1}.manylinux2014_{1}", "{0}-{0}-manylinux_2_24_{1}"),
    *("{0}-{0}-manylinux_2_28_{1}", "{0}-{0}-manylinux_2_31_{1}", "{0}-{0}-manylinux_2_34_{1}"),
    *("{0}-{0}-manylinux_2_35_{1}", "{0}-{0}-musllinux_1_2_{1}", "{0}-{0}-linux_{1}", "{0}-{0}-win_amd64"),
    *("{0}-{0}-macosx_11_0_arm64", "{0}-{0}t-manylinux_2_17_{1}", "{0}-none-manylinux_2_17_{1}"),
    *("cp312-cp312-manylinux_2_17_{1}", "cp313-cp313-manylinux_2_17_{1}", "cp313-none-any"),
    *("cp38-abi3-manylinux_2_17_{1}", "cp313-abi3-manylinux_2_28_{1}", "cp314-abi3-manylinux_2_17_{1}"),
    *("py3-none-manylinux_2_17_{1}", "py3-none-manylinux_2_35_{1}", "py3-none-any", "py2-none-any"),
    *("py313-none-any", "pp311-pypy311_pp73-any"),
)

TARGETS = [
    pytest.param(Target.for_lambda(python, architecture), id=f"{python}-{architecture}")
    for python, architecture in (("3.11", "x86_64"), ("3.13", "arm64"), ("3.14", "x86_64"))
]


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    root = tmp_path / "place"
    root.mkdir()
    return Workplace(root)


def loadable(target: Target) -> set[Tag]:
    """Give the tags of the target by the rules of packaging, from the C library that AWS documents."""
    newest = 17 if target.python == "3.11" else 34
    glibcs = [f"manylinux_2_{minor}_{target.machine}" for minor in range(newest, 4, -1)]
    oldest = 17 if target.machine == "aarch64" else 5
    glibcs = [name for name in glibcs if int(name.split("_")[2]) >= oldest]
    aliases = {"manylinux2014": 17, "manylinux2010": 12, "manylinux1": 5}
    names = [f"{name}_{target.machine}" for name, minor in aliases.items() if minor >= oldest]
    platforms = [*glibcs, *names, f"linux_{target.machine}"]
    version = tuple(map(int, target.python.split(".")))
    digits = "".join(map(str, version))
    return {
        *cpython_tags(version, [f"cp{digits}"], platforms),
        *compatible_tags(version, f"cp{digits}", platforms),
    }


@pytest.mark.parametrize("target", TARGETS)
def test_the_wheels_that_the_target_can_load_are_taken_and_no_others(
    place: Workplace, index: Wheelhouse, resolver: str, target: Target
) -> None:
    names = {}
    for number, form in enumerate(WHEELS):
        name, tag = f"wheel{number}", form.format(target.cache_tag.replace("cpython-", "cp"), target.machine)
        names[name] = tag
        index.wheel(name, "1.0", files={f"{name}.py": ""})
        index.wheel(name, "2.0", tag=tag, files={f"{name}.py": ""})

    versions = place.resolve(*names, by=resolver, target=target)

    taken = {tag for name, tag in names.items() if versions[name] == "2.0"}
    judged = loadable(target)
    assert taken == {tag for tag in names.values() if parse_tag(tag) & judged}


def test_a_lock_is_installed_as_it_is_and_nothing_with_it(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    index.wheel("client", requires=["pure>=2", "absent"])
    index.wheel("pure", "1.0")
    index.wheel("pure", "2.0")

    versions = place.resolve("client==1.0", "pure==1.0", by=resolver, is_locked=True, label="uv.lock")

    assert versions == {"client": "1.0", "pure": "1.0"}


def test_a_locked_version_without_a_fitting_wheel_is_told_with_the_lock(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    index.wheel("native", "1.0", tag="cp313-cp313-manylinux_2_28_aarch64")
    wheel = index.wheel("native", "2.0", tag="cp313-cp313-manylinux_2_39_aarch64")

    with pytest.raises(
        NoFittingWheel,
        match=r"^native==2\.0, as uv\.lock has it, has no wheel for python3\.13 on arm64 .* lock again",
    ):
        place.resolve(f"native==2.0 --hash={digest(wheel)}", by=resolver, is_locked=True, label="uv.lock")


def test_a_locked_source_is_checked_by_its_hash_and_built(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    source = index.source("oldstyle")
    wheel = index.wheel("pure")
    lines = [f"oldstyle==1.0 --hash={digest(source)}", f"pure==1.0 --hash={digest(wheel)}"]

    assert place.resolve(*lines, by=resolver, is_locked=True) == {"oldstyle": "1.0", "pure": "1.0"}

    source.write_bytes(source.read_bytes() + b"\0")
    with pytest.raises(NoFittingWheel, match="(?is)^oldstyle==1.0, .*hash"):
        place.resolve(*lines, by=resolver, is_locked=True)


def test_the_newest_version_without_a_fitting_wheel_is_told(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    index.wheel("client", requires=["native"])
    index.wheel("native", "1.0", tag="cp313-cp313-manylinux_2_28_aarch64")
    index.wheel("native", "2.0", tag="cp313-cp313-manylinux_2_39_aarch64")
    index.wheel("native", "3.0rc1", tag="cp313-cp313-manylinux_2_39_aarch64")

    place.resolve("client", by=resolver)

    assert place.notes == (
        "native 2.0 has no wheel for python3.13 on arm64 (glibc up to 2.34); 1.0 is taken.",
    )


def test_without_a_cache_of_uv_the_index_is_asked_once_more(
    place: Workplace, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.wheel("native", "1.0", tag="cp313-cp313-manylinux_2_28_aarch64")
    index.wheel("native", "2.0", tag="cp313-cp313-manylinux_2_39_aarch64")
    monkeypatch.setenv("UV_NO_CACHE", "1")

    place.resolve("native", by="uv")

    assert place.notes == (
        "native 2.0 has no wheel for python3.13 on arm64 (glibc up to 2.34); 1.0 is taken.",
    )


@pytest.mark.parametrize(
    ("lines", "options"),
    [
        (["native<2"], {}),
        (["native==1.0"], {}),
        (["native", "other"], {}),
        (["native"], {"constraints": ("native<2",), "constrained": (Requirement("native<2"),)}),
        (["native==1.0"], {"is_locked": True}),
    ],
    ids=["a range", "pinned", "another package's range", "a constraint", "locked"],
)
def test_a_newer_version_that_nobody_asks_for_is_no_news(
    place: Workplace, index: Wheelhouse, resolver: str, lines: list[str], options: dict[str, Any]
) -> None:
    index.wheel("native", "1.0", tag="cp313-cp313-manylinux_2_28_aarch64")
    index.wheel("native", "2.0", tag="cp313-cp313-manylinux_2_39_aarch64")
    index.wheel("other", requires=["native<2"])

    place.resolve(*lines, by=resolver, **options)

    assert place.notes == ()


def test_a_newer_version_that_fits_and_needs_what_does_not_is_not_said_to_lack_a_wheel(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    fits, newer = "cp313-cp313-manylinux_2_28_aarch64", "cp313-cp313-manylinux_2_39_aarch64"
    index.wheel("base", "1.0", tag=fits)
    index.wheel("base", "2.0", tag=newer)
    index.wheel("frame", "1.0", tag=fits, requires=["base<2"])
    index.wheel("frame", "2.0", tag=fits, requires=["base>=2"])

    versions = place.resolve("frame", by=resolver)

    assert versions == {"base": "1.0", "frame": "1.0"}
    assert [note for note in place.notes if note.startswith("frame")] == []


def test_the_active_environment_counts_for_nothing(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    index.wheel("packaging", "0.1")  # older than the one that runs this test
    index.wheel("client", requires=["click"])
    index.wheel("click", "999")

    assert place.resolve("packaging", "client", by=resolver) == {
        "packaging": "0.1",
        "client": "1.0",
        "click": "999",
    }


def test_a_build_sees_nothing_of_the_active_environment(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    step = "import importlib.util\nassert importlib.util.find_spec('pytest') is None"
    index.source("oldstyle", step=step)

    assert place.resolve("oldstyle", by=resolver) == {"oldstyle": "1.0"}
