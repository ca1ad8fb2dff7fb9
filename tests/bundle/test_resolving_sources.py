"""Folders, repositories and source archives among the requirements."""

from __future__ import annotations

import zipfile
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from microlambda.bundle.errors import NoFittingWheel, ResolutionFailed, SourceUnbuildable, SourceUnreachable
from microlambda.bundle.inputs.required import Requirements, SourceRequirement
from microlambda.bundle.resolving.programs import find_resolver
from microlambda.bundle.resolving.request import Request
from microlambda.bundle.resolving.sources import with_built, with_names
from microlambda.bundle.target import Target
from tests.bundle.conftest import Wheelhouse, served
from tests.bundle.resolved import ARM, Workplace, digest, git

WHERE = "requirements.txt:3"


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    root = tmp_path / "place"
    root.mkdir()
    return Workplace(root)


def of_folder(folder: Path, **fields: object) -> SourceRequirement:
    return SourceRequirement(location=folder.as_uri(), folder=folder, where=WHERE, **fields)  # type: ignore[arg-type]


def of_repository(bare: Path, revision: str = "", **fields: object) -> SourceRequirement:
    location = f"git+{bare.as_uri()}{f'@{revision}' if revision else ''}"
    return SourceRequirement(location=location, where=WHERE, **fields)  # type: ignore[arg-type]


def test_a_folder_is_built_and_what_it_needs_comes_with_it(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    index.wheel("pure")
    index.wheel("speed")
    folder = place.folder("lib", requires=["pure", "speed ; extra == 'fast'"])

    versions = place.resolve(by=resolver, sources=(of_folder(folder, extras=("fast",)),))

    assert versions == {"lib": "1.0", "pure": "1.0", "speed": "1.0"}


def test_a_build_leaves_nothing_in_the_folder_and_does_not_see_what_is_no_part_of_it(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    step = (
        "assert {*os.listdir()} & {'node_modules', '.venv', '.tox'} == set(), os.listdir()\n"
        "assert pathlib.Path('data.txt').read_text() == 'data'\n"
        "os.mkdir('build')\n"
        "os.mkdir('lib.egg-info')\n"
        "pathlib.Path('data.txt').write_text('changed')\n"
    )
    folder = place.folder("lib", step=step)
    (folder / "data.txt").write_text("data")
    for name in ("node_modules/a.js", ".venv/pyvenv.cfg", ".tox/x"):
        (folder / name).parent.mkdir()
        (folder / name).touch()
    before = {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")}

    place.resolve(by=resolver, sources=(of_folder(folder),))

    assert {path: path.is_file() and path.read_bytes() for path in folder.rglob("*")} == before


def test_a_folder_under_version_control_lets_its_build_ask_for_the_version(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    step = (
        "said = subprocess.run(['git', 'describe', '--tags'], capture_output=True, text=True, check=True)\n"
        "VERSION = globals()['VERSION'] = said.stdout.strip()\n"
    )
    folder = place.folder("lib", step=step)
    place.repository(folder, tags=("2.5",))

    assert place.resolve(by=resolver, sources=(of_folder(folder),)) == {"lib": "2.5"}


def test_equal_sources_give_equal_wheels(place: Workplace, index: Wheelhouse, resolver: str) -> None:
    step = "assert os.environ['SOURCE_DATE_EPOCH'] == '315532800'"
    request = Request(
        requirements=Requirements(
            label="", sources=tuple(of_folder(place.folder("lib", place=name, step=step)) for name in "ab")
        ),
        target=ARM,
        root=place.root,
    )
    work = place.root / "work"
    work.mkdir()

    built = with_built(request, find_resolver(resolver), work)

    first, second = work.glob("microlambda-source-*/*.whl")
    with zipfile.ZipFile(first) as one, zipfile.ZipFile(second) as other:
        assert [(n, one.read(n)) for n in one.namelist()] == [(n, other.read(n)) for n in other.namelist()]
    if resolver == "uv":  # with pip, the dates are the backend's to set
        assert first.read_bytes() == second.read_bytes()
    assert all(line.startswith("lib @ file:///") for line in built.requirements.lines)


def test_in_a_hashed_input_the_wheel_of_a_folder_is_hashed_too(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    wheel = index.wheel("pure")
    source = of_folder(place.folder("lib"))

    versions = place.resolve(
        f"pure==1.0 --hash={digest(wheel)}", by=resolver, is_locked=True, sources=(source,)
    )

    assert versions == {"lib": "1.0", "pure": "1.0"}


def test_a_source_without_a_name_is_known_by_the_one_that_it_is_installed_under(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    index.wheel("pure")
    sources = (
        of_folder(place.folder("other"), extras=("fast",)),
        of_folder(place.folder("lib", requires=["pure"])),
    )
    place.resolve(by=resolver, sources=sources)

    asked = with_names(Requirements(label="", sources=sources), place.site)

    assert sorted(map(str, asked.direct)) == ["lib", "other[fast]"]


@pytest.mark.parametrize("revision", ["", "main", "feature/x", "v1", "commit", "short", "refs/pull/1/head"])
def test_a_repository_is_built_at_its_revision(place: Workplace, index: Wheelhouse, revision: str) -> None:
    folder = place.folder("lib", version="5.5")
    bare = place.repository(folder)
    first = git("rev-parse", "HEAD", cwd=folder)
    for branch, version in (("main", "2.0"), ("feature/x", "3.0"), ("pull", "4.0")):
        git("checkout", "--quiet", "-B", branch, cwd=folder)
        (folder / "backend.py").write_text((folder / "backend.py").read_text().replace("5.5", version))
        git("commit", "--quiet", "--all", "--message", version, cwd=folder)
        place_of = "refs/pull/1/head" if branch == "pull" else f"refs/heads/{branch}"
        git("push", "--quiet", str(bare), f"HEAD:{place_of}", cwd=folder)
        git("reset", "--quiet", "--hard", first, cwd=folder)
    revision = {"commit": first, "short": first[:9]}.get(revision, revision)
    expected = {"": "2.0", "main": "2.0", "feature/x": "3.0", "refs/pull/1/head": "4.0"}.get(revision, "5.5")

    assert place.resolve(by="uv", sources=(of_repository(bare, revision),)) == {"lib": expected}


def test_a_project_in_a_folder_of_a_repository_is_built(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    place.folder("lib", place="whole/packages/lib")
    bare = place.repository(place.root / "whole")
    source = SourceRequirement(
        location=f"git+{bare.as_uri()}@v1#subdirectory=packages/lib", name="lib", where=WHERE
    )

    assert place.resolve(by=resolver, sources=(source,)) == {"lib": "1.0"}


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("git+{missing}", r"the repository file://.*/missing\.git could not be had: .*\. Check its address"),
        ("git+http://me:s3cret@127.0.0.1:9/lib", r"repository http://\*\*\*\*@127.0.0.1:9/lib could not"),
        ("git+http://${{TOKEN}}@127.0.0.1:9/lib", r"repository http://\*\*\*\*@127.0.0.1:9/lib could not"),
        ("git+{bare}@v9", r"has no revision 'v9'\. Name a branch"),
        ("git+{bare}@--help", r"has no revision '--help'"),
        ("git+{bare}#subdirectory=nowhere", r"has no folder 'nowhere'"),
        ("git+{bare}#subdirectory=../..", r"has no folder '\.\./\.\.'"),
    ],
    ids=["missing", "credentials", "variables", "revision", "an option", "folder", "folder outside"],
)
def test_a_repository_that_cannot_be_had_is_told_with_its_place(
    place: Workplace, index: Wheelhouse, location: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    bare = place.repository(place.folder("lib"))
    location = location.format(bare=bare.as_uri(), missing=bare.with_name("missing.git").as_uri())

    with pytest.raises(SourceUnreachable, match=rf"^{WHERE}: .*{message}") as caught:
        place.resolve(by="uv", sources=(SourceRequirement(location=location, where=WHERE),))

    assert "s3cret" not in str(caught.value)


def test_without_git_a_repository_is_refused(
    place: Workplace, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = place.repository(place.folder("lib"))
    found = find_resolver("uv")
    monkeypatch.setenv("PATH", str(place.root))
    request = Request(
        requirements=Requirements(label="", sources=(of_repository(bare),)), target=ARM, root=place.root
    )

    with pytest.raises(SourceUnreachable, match="git is not installed"):
        with_built(request, found, place.root)


@pytest.mark.parametrize("kind", ["folder", "repository"])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"compiles": True}, NoFittingWheel, "needs a compiler"),
        ({"tag": "cp311-cp311-linux_x86_64"}, NoFittingWheel, "only for the machine"),
        ({"tag": "py3-none-manylinux_2_17_aarch64"}, NoFittingWheel, "only for the machine"),
        ({"step": "raise SystemExit('http://me:s3cret@a.test')"}, SourceUnbuildable, "does not build"),
    ],
    ids=["a compiler", "a wheel of this machine", "a platform's", "a fault"],
)
def test_what_gives_no_pure_wheel_is_told_with_its_place(
    place: Workplace,
    index: Wheelhouse,
    resolver: str,
    kind: str,
    options: dict[str, Any],
    error: type[ResolutionFailed],
    message: str,
) -> None:
    folder = place.folder("lib", **options)
    of = (
        of_folder(folder, name="lib")
        if kind == "folder"
        else of_repository(place.repository(folder), name="lib")
    )

    with pytest.raises(error, match=rf"^{WHERE}: lib \(.*lib.*\) gives no wheel.*{message}") as caught:
        place.resolve(by=resolver, sources=(of,))

    assert "s3cret" not in str(caught.value)
    assert list(place.site.iterdir()) == []


def test_for_this_machine_a_wheel_of_this_machine_is_fine(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    step = "assert os.environ.get('CC') != 'false'"
    folder = place.folder("lib", tag="cp311-abi3-linux_x86_64", step=step)
    host = Target.for_host()
    if host.architecture != "x86_64":
        pytest.skip("the wheel is for x86_64")

    assert place.resolve(by=resolver, target=host, sources=(of_folder(folder),)) == {"lib": "1.0"}


def test_a_folder_without_a_project_is_told(place: Workplace, index: Wheelhouse, resolver: str) -> None:
    folder = place.root / "empty"
    folder.mkdir()

    with pytest.raises(SourceUnbuildable, match=rf"^{WHERE}: .*/empty is a folder without a project"):
        place.resolve(by=resolver, sources=(of_folder(folder),))


def test_a_source_that_is_another_project_is_told(place: Workplace, index: Wheelhouse, resolver: str) -> None:
    source = of_folder(place.folder("lib"), name="library")

    with pytest.raises(SourceUnbuildable, match=r" is lib, not library\. Correct the name\."):
        place.resolve(by=resolver, sources=(source,))


def test_a_source_archive_is_built_if_it_is_the_one_of_its_hash(
    place: Workplace, index: Wheelhouse, resolver: str
) -> None:
    archive = index.source("oldstyle")
    kept = archive.rename(place.root / archive.name)
    source = SourceRequirement(location=kept.as_uri(), name="oldstyle", where=WHERE, hashes=(digest(kept),))

    assert place.resolve(by=resolver, sources=(source,)) == {"oldstyle": "1.0"}

    kept.write_bytes(kept.read_bytes() + b"\0")
    with pytest.raises(SourceUnbuildable, match="(?is)oldstyle .*hash"):
        place.resolve(by=resolver, sources=(source,))


def test_a_source_archive_that_is_not_at_its_url_is_told(
    place: Workplace, index: Wheelhouse, resolver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with served(BaseHTTPRequestHandler) as url:  # answers 501 to whatever is asked
        location = url.replace("//", "//me:s3cret@") + "/lib-1.0.tar.gz"

        with pytest.raises(SourceUnbuildable, match=r"could not be fetched: it answered 501\.$") as caught:
            place.resolve(by=resolver, sources=(SourceRequirement(location=location, where=WHERE),))

    assert "s3cret" not in str(caught.value)
