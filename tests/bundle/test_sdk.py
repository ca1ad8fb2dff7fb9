from __future__ import annotations

import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from microlambda.bundle.errors import SdkUnusable
from microlambda.bundle.inputs.requirements import Requirements, SourceRequirement
from microlambda.bundle.slim.options import SlimOptions
from microlambda.bundle.slim.sdk import is_left_to_runtime, sdk_requirements
from tests.bundle.installing import Site

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What of the services is put into the installations here: all four hundred take a second to copy.
SERVICES = ("dynamodb", "ec2", "s3", "sqs", "signin", "sso", "sso-oidc", "sts")

SDK = ("boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "urllib3", "six")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def _install_real(site: Site, names: Iterable[str]) -> None:
    """Copy distributions of this environment, with a few services of the SDK."""
    for name in names:
        found = distribution(name)
        for file in found.files or ():
            parts = file.parts
            if parts[0] == ".." or (parts[1:2] == ("data",) and len(parts) > 3 and parts[2] not in SERVICES):
                continue
            if "__pycache__" not in parts:
                target = site.folder / Path(*parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)


def _install_made(site: Site) -> None:
    """Make an SDK of a few files."""
    models = {f"botocore/data/{service}/2006-03-01/service-2.json.gz": "model" for service in SERVICES}
    models |= {
        "boto3/data/s3/2006-03-01/resources-1.json": "",
        "boto3/data/ec2/2006-03-01/resources-1.json": "",
    }
    shared = {"botocore/data/endpoints.json": "", "botocore/data/_retry.json": ""}
    boto3 = {name: text for name, text in models.items() if name.startswith("boto3/")}
    site.install(
        "boto3", {"boto3/__init__.py": "", **boto3}, version="1.44.8", requires=["botocore"], wanted=False
    )
    rest = {name: text for name, text in models.items() if name.startswith("botocore/")}
    site.install("botocore", {"botocore/__init__.py": "", **rest, **shared}, version="1.44.8", wanted=False)


def _requirements(*texts: str, **more: object) -> Requirements:
    direct = tuple(map(Requirement, texts))
    return Requirements(label="requirements.txt", lines=texts, direct=direct, **more)  # type: ignore[arg-type]  # fields of it


@pytest.mark.parametrize(
    ("asked", "sdk", "ships"),
    [
        (["boto3"], "runtime", False),
        (["boto3>=1.30"], "runtime", False),
        (["boto3==1.44.8"], "runtime", True),
        (["boto3~=1.44.0"], "runtime", True),
        (["boto3<1.45"], "runtime", True),
        (["boto3"], "bundle", True),
        (["boto3"], ("s3",), True),
    ],
)
def test_the_sdk_ships_where_it_is_pinned_or_asked_for(
    site: Site, asked: list[str], sdk: str | tuple[str, ...], ships: bool
) -> None:
    _install_made(site)

    slimmed = site.slim(*asked, sdk=sdk)

    assert {package.name for package in slimmed.packages} == ({"boto3", "botocore"} if ships else set())
    assert any("is left to the copy that Lambda has" in note for note in slimmed.notes) is not ships
    assert any(one.what == "packages that Lambda has" for one in slimmed.removed) is not ships


def test_only_the_models_of_the_named_services_ship_and_what_credentials_need(site: Site) -> None:
    _install_made(site)

    slimmed = site.slim("boto3", sdk=("s3", "sqs"))

    services = {name.split("/")[2] for name in site.names() if name.startswith("botocore/data/")}
    assert services == {"s3", "sqs", "signin", "sso", "sso-oidc", "sts", "endpoints.json", "_retry.json"}
    assert "boto3/data/s3/2006-03-01/resources-1.json" in site.names()
    assert "boto3/data/ec2/2006-03-01/resources-1.json" not in site.names()
    assert [(one.files, one.size) for one in slimmed.removed if one.what == "service models"] == [(3, 10)]


def test_models_that_the_settings_keep_stay(site: Site) -> None:
    _install_made(site)

    site.slim("boto3", sdk=("s3",), keep=("botocore/data/ec2/",))

    assert "botocore/data/ec2/2006-03-01/service-2.json.gz" in site.names()


def test_a_service_that_the_sdk_does_not_have_is_refused_with_the_nearest(site: Site) -> None:
    _install_made(site)

    with pytest.raises(SdkUnusable) as caught:
        site.slim("boto3", sdk=("s3", "dynamo-db"))

    assert str(caught.value) == (
        "sdk names 'dynamo-db', and botocore 1.44.8 has no service of this name. Did you mean 'dynamodb'? "
        "Services are named as in boto3.client(...)."
    )


_CALL = """
import sys

sys.path.insert(0, sys.argv[1])
import boto3
from botocore.stub import Stubber

session = boto3.Session("key", "secret", region_name="eu-west-1")
assert boto3.__file__.startswith(sys.argv[1]), boto3.__file__
queue = session.client("sqs")
with Stubber(queue) as stub:
    stub.add_response("send_message", {"MessageId": "m1"}, {"QueueUrl": "q", "MessageBody": "hi"})
    assert queue.send_message(QueueUrl="q", MessageBody="hi")["MessageId"] == "m1"
table = session.resource("dynamodb").Table("orders")
with Stubber(table.meta.client) as stub:
    stub.add_response("get_item", {"Item": {"id": {"S": "7"}}})
    assert table.get_item(Key={"id": "7"})["Item"] == {"id": "7"}
session.client("sts").meta.endpoint_url
print(*session.get_available_services())
"""


@pytest.mark.slow  # imports the whole SDK in a process of its own
def test_the_reduced_sdk_makes_clients_of_its_services_and_lists_no_other(site: Site) -> None:
    _install_real(site, SDK)

    site.slim("boto3", sdk=("sqs", "dynamodb"))

    command = [sys.executable, "-S", "-I", "-c", _CALL, str(site.folder)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told.split() == ["dynamodb", "signin", "sqs", "sso", "sso-oidc", "sts"]


@pytest.mark.parametrize(
    ("requirements", "sdk", "is_left"),
    [
        (_requirements("boto3"), "runtime", True),
        (_requirements("boto3>=1.30", "botocore ; python_version < '3.14'"), "runtime", True),
        (_requirements("boto3"), "bundle", False),
        (_requirements("boto3"), ("s3",), False),
        (_requirements("boto3==1.40.0"), "runtime", False),
        (_requirements("boto3[crt]"), "runtime", False),
        (_requirements("boto3", "requests"), "runtime", False),
        (_requirements("boto3", constrained=(Requirement("botocore==1.40.0"),)), "runtime", False),
        (_requirements("boto3", sources=(SourceRequirement(location="x", where="y"),)), "runtime", False),
        (_requirements("boto3==1.40.0", roots=(Requirement("boto3"),), is_locked=True), "runtime", True),
        (_requirements(), "runtime", False),
    ],
)
def test_whether_everything_is_left_to_lambda_is_known_without_resolving(
    requirements: Requirements, sdk: str | tuple[str, ...], is_left: bool
) -> None:
    assert is_left_to_runtime(requirements, SlimOptions(sdk=sdk)) is is_left


@pytest.mark.parametrize(
    ("requirements", "sdk", "lines"),
    [
        (_requirements("requests"), "runtime", ()),
        (_requirements("requests"), "bundle", ("boto3",)),
        (_requirements(), ("s3",), ("boto3",)),
        (_requirements("Boto3>=1.30"), ("s3",), ()),
        (_requirements("botocore"), "bundle", ("boto3",)),
        (_requirements("boto3==1.40.0", is_locked=True), "bundle", ()),
        (_requirements("botocore==1.40.0", is_locked=True), "bundle", ()),
    ],
)
def test_an_sdk_that_is_to_ship_is_required(
    requirements: Requirements, sdk: str | tuple[str, ...], lines: tuple[str, ...]
) -> None:
    assert sdk_requirements(sdk, requirements) == lines


@pytest.mark.parametrize(
    "requirements",
    [
        _requirements("requests==2.0", is_locked=True),
        Requirements(label="requirements.txt", lines=("requests==2.0 --hash=sha256:0",)),
    ],
    ids=["lock", "hashes"],
)
def test_a_lock_without_the_sdk_is_refused_where_it_is_to_ship(requirements: Requirements) -> None:
    with pytest.raises(
        SdkUnusable, match=r"^sdk = \['s3'\] ships boto3 .* requirements.txt does not have it"
    ):
        sdk_requirements(("s3",), requirements)
