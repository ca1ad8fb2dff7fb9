"""Indexes over HTTP: damaged files, and indexes that want to know who asks."""

from __future__ import annotations

import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from microlambda.bundle.cache import cache_folder
from microlambda.bundle.errors import DownloadDamaged, IndexUnreachable
from tests.bundle.conftest import Project, Wheelhouse
from tests.bundle.resolved import SimpleIndex, digest, served_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHEEL = "pure-1.0-py3-none-any.whl"


@pytest.fixture
def connected(index: Wheelhouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Wheelhouse:
    """Let the resolvers connect to what they are told alone; gives a folder to serve."""
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "pip-cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    return index


@contextmanager
def configured(served: SimpleIndex, monkeypatch: pytest.MonkeyPatch, user: str = "") -> Iterator[str]:
    with served_index(served) as url:
        url = url.replace("//", f"//{user}@") if user else url
        monkeypatch.setenv("PIP_INDEX_URL", url)
        monkeypatch.setenv("UV_DEFAULT_INDEX", url)
        yield url


def cut(wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes()[:300])


def other_content(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content["pure/__init__.py"] = b"version = 'another'\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)


def flip_a_byte(wheel: Path) -> None:
    data = bytearray(wheel.read_bytes())
    data[data.find(b"pure/__init__.py") + 20] ^= 0xFF
    wheel.write_bytes(data)


@pytest.mark.parametrize(
    ("damage", "hash", "message"),
    [
        pytest.param(cut, "true", "pure.* is damaged: it cannot be unpacked", id="cut"),
        pytest.param(
            other_content,
            "true",
            f"{WHEEL} is damaged: pure/__init__.py in it is not what its RECORD",
            id="record",
        ),
        pytest.param(flip_a_byte, "true", "pure.* damaged", id="a byte"),
        pytest.param(
            other_content, "of another", "pure.* is not the one that its hash stands for", id="index"
        ),
        pytest.param(other_content, "required", "pure.* is not the one that its hash stands for", id="lock"),
    ],
)
def test_a_damaged_file_is_told_and_nothing_of_it_is_kept(
    project: Project,
    connected: Wheelhouse,
    resolver: str,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], None],
    hash: str,
    message: str,
) -> None:
    wheel = connected.wheel("pure")
    whole = wheel.read_bytes()
    index = SimpleIndex(connected.folder)
    line = f"pure==1.0 --hash={digest(wheel)}" if hash == "required" else "pure"
    if hash == "of another":
        index.hashes[WHEEL] = digest(wheel).replace(":", "=")
    project.write("requirements.txt", line)
    damage(wheel)
    with configured(index, monkeypatch):
        with pytest.raises(DownloadDamaged, match=message):
            project.bundle(resolver=resolver)
        assert list((cache_folder() / "dependencies").iterdir()) == []

        wheel.write_bytes(whole)

        assert [package.name for package in project.bundle(resolver=resolver).packages] == ["pure"]


def in_the_url(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = url.replace("//", "//ann:s3cret@")
    monkeypatch.setenv("PIP_INDEX_URL", whole)
    monkeypatch.setenv("UV_DEFAULT_INDEX", whole)


def in_variables(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", url.replace("//", "//ann:s3cret@"))  # pip knows no other
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"company={url}")
    monkeypatch.setenv("UV_INDEX_COMPANY_USERNAME", "ann")
    monkeypatch.setenv("UV_INDEX_COMPANY_PASSWORD", "s3cret")


def in_netrc(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ann password s3cret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("UV_DEFAULT_INDEX", url)


def in_the_requirements(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    requirements = tmp_path / "shop" / "requirements.txt"
    whole = url.replace("//", "//ann:${TOKEN}@")
    requirements.write_text(f"--index-url {whole}\n{requirements.read_text()}")


@pytest.mark.parametrize("give", [in_the_url, in_variables, in_netrc, in_the_requirements])
def test_a_private_index_is_asked_with_the_credentials_that_the_resolver_finds_and_nobody_tells_them(
    project: Project,
    connected: Wheelhouse,
    resolver: str,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    give: Callable[[str, Path, pytest.MonkeyPatch], None],
) -> None:
    connected.wheel("pure")
    project.write("requirements.txt", "pure\n")
    with served_index(SimpleIndex(connected.folder, password="s3cret")) as url:
        give(url, tmp_path, monkeypatch)

        bundle = project.bundle(resolver=resolver)

    assert [package.name for package in bundle.packages] == ["pure"]
    kept = [path for folder in (cache, project.out) for path in folder.rglob("*")]
    assert "s3cret" not in " ".join([*project.said, *bundle.notes, bundle.inputs_hash, *map(str, kept)])
    assert not [path for path in kept if path.is_file() and b"s3cret" in path.read_bytes()]


@pytest.mark.parametrize(
    ("user", "message"),
    [("", "asks for credentials"), ("ann:wr0ng", "does not accept the credentials")],
    ids=["none", "wrong ones"],
)
def test_an_index_that_lets_nobody_in_is_told_as_that(
    project: Project,
    connected: Wheelhouse,
    resolver: str,
    monkeypatch: pytest.MonkeyPatch,
    user: str,
    message: str,
) -> None:
    connected.wheel("pure")
    project.write("requirements.txt", "pure\n")
    with (
        configured(SimpleIndex(connected.folder, password="s3cret"), monkeypatch, user),
        pytest.raises(
            IndexUnreachable, match=rf"the package index http://\S+ .*: it answered {resolver} with 401"
        ) as caught,
    ):
        project.bundle(resolver=resolver)

    assert "wr0ng" not in str(caught.value) + "".join(project.said)


def test_the_indexes_of_uv_in_pyproject_are_asked(project: Project, connected: Wheelhouse) -> None:
    connected.wheel("pure")
    with served_index(SimpleIndex(connected.folder)) as url:
        project.write(
            "pyproject.toml",
            "[project]\nname = 'shop'\nversion = '1'\ndependencies = ['pure']\n"
            f"[[tool.uv.index]]\nname = 'company'\nurl = '{url}'\ndefault = true\n",
        )

        assert [package.name for package in project.bundle(resolver="uv").packages] == ["pure"]
