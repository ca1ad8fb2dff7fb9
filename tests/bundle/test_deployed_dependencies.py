"""What `deploy` brings to AWS of the dependencies, from the project's files to moto's account."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from click.testing import CliRunner
from moto import mock_aws
from moto.awslambda.models import LambdaBackend
from moto.awslambda_simple.models import lambda_simple_backends
from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT_ID

from microlambda.cli.main import main
from microlambda.emulator.cloud.moto_http import faithful_http_apis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bundle.conftest import Project, Wheelhouse

pytestmark = pytest.mark.slow  # each runs several commands

REGION = "eu-west-1"


class Shop:
    """A project in the current folder, and what its deploys uploaded."""

    def __init__(self, project: Project, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = project
        self.index = index
        self.uploads: list[str] = []
        really = LambdaBackend.update_function_code

        def update(*given: Any, **named: Any) -> Any:
            self.uploads.append("code")
            return really(*given, **named)

        monkeypatch.setattr(LambdaBackend, "update_function_code", update)

    def run(self, *arguments: str) -> str:
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        return result.output

    @property
    def layer(self) -> int:
        """Give the version of the layer that the live function has."""
        make: Any = boto3.client
        client = make("lambda", region_name=REGION)
        live = client.get_function_configuration(FunctionName="shop-dev-http", Qualifier="live")
        (layer,) = live["Layers"]
        return int(layer["Arn"].rpartition(":")[2])

    @property
    def code(self) -> set[str]:
        """Name the files of the code that serves."""
        backend = lambda_simple_backends[ACCOUNT_ID][REGION]
        content = backend.get_function("shop-dev-http", "live").code_bytes
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return set(archive.namelist())

    def source_of(self, name: str) -> str:
        """Read a package's module out of that layer."""
        backend = lambda_simple_backends[ACCOUNT_ID][REGION]
        layer = backend.get_layer_version("shop-dev-dependencies", str(self.layer))
        with zipfile.ZipFile(io.BytesIO(layer.code_bytes)) as archive:
            return archive.read(f"python/{name}/__init__.py").decode()


@pytest.fixture
def shop(
    project: Project, index: Wheelhouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> Iterator[Shop]:
    for name in [one for one in os.environ if one.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    project.write("microlambda.toml", f'id = "k3v9x2"\nname = "shop"\nregion = "{REGION}"\n')
    project.write("requirements.txt", "pure\n")
    index.wheel("pure")
    monkeypatch.chdir(project.root)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "app", raising=False)
    with mock_aws(config={"lambda": {"use_docker": False}}), faithful_http_apis():
        yield Shop(project, index, monkeypatch)
    sys.modules.pop("app", None)


def test_a_change_of_requirements_uploads_the_layer_and_nothing_of_the_code(shop: Shop) -> None:
    shop.run("deploy")
    first = shop.layer
    shop.index.wheel("more")
    shop.project.write("requirements.txt", "pure\nmore\n")

    shop.run("deploy")

    assert (first, shop.layer) == (1, 2)
    assert shop.uploads == []
    assert "No changes" in shop.run("plan")


def test_a_change_of_code_uploads_nothing_of_the_dependencies(shop: Shop) -> None:
    shop.run("deploy")
    first = shop.layer
    shop.project.write("app.py", (shop.project.root / "app.py").read_text() + "\nmore = 1\n")

    said = shop.run("deploy")

    assert shop.layer == first
    assert shop.uploads == ["code"]
    assert said.count("MB to upload") == 1


def test_refresh_brings_what_the_code_has_to_hold_for_other_dependencies(shop: Shop) -> None:
    shop.run("deploy")
    before = shop.code
    shop.index.wheel("pure", "1.1", files={"pure/__init__.py": "import microlambda.runtime.wsgi\n"})

    shop.run("deploy", "--refresh")

    assert shop.code > before  # all of the runtime: it may need any
    assert "No changes" in shop.run("plan", "--refresh")


@pytest.mark.parametrize("single", [False, True], ids=["layer", "single archive"])
def test_refresh_brings_what_the_requirements_leave_open(shop: Shop, single: bool) -> None:
    if single:
        settings = (shop.project.root / "microlambda.toml").read_text()
        shop.project.write("microlambda.toml", settings + "single_archive = true\n")
    shop.run("deploy")
    shop.index.wheel("pure", "1.1")

    assert "No changes" in shop.run("plan")
    assert "No changes" in shop.run("deploy")
    planned = shop.run("plan", "--refresh")
    shop.run("deploy", "--refresh")

    if single:
        assert "~ function shop-dev-http: code" in planned
        assert shop.uploads == ["code"]
    else:
        assert "~ layer shop-dev-dependencies: packages resolved anew" in planned
        assert shop.source_of("pure") == "version = '1.1'\n"
        assert shop.uploads == []
    for arguments in (["plan"], ["plan", "--refresh"], ["deploy", "--refresh"]):
        assert "No changes" in shop.run(*arguments)
