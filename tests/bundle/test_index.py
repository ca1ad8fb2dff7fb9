"""The real package index: compiled wheels for machines that this one is not, and their absence."""

from __future__ import annotations

import re
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest

from microlambda.bundle.errors import NoFittingWheel
from microlambda.bundle.target import Target

if TYPE_CHECKING:
    from tests.bundle.conftest import Project

pytestmark = [pytest.mark.index, pytest.mark.slow]

#: e_machine of an ELF file's header.
MACHINES = {"x86_64": 62, "arm64": 183}


@pytest.mark.parametrize(
    ("resolver", "architecture", "requirement"),
    [
        *(("uv", architecture, "numpy>=2") for architecture in MACHINES),
        *(("uv", architecture, "pydantic>=2") for architecture in MACHINES),
        ("pip", "arm64", "pydantic>=2"),
    ],
)
def test_compiled_wheels_are_those_of_the_target(
    project: Project, resolver: str, architecture: str, requirement: str
) -> None:
    project.write("requirements.txt", f"{requirement}\nmicrolambda[local]\n")

    bundle = project.bundle(target=Target.for_lambda("3.13", architecture), resolver=resolver)

    with zipfile.ZipFile(bundle.code.archive) as archive:
        native = [name for name in archive.namelist() if name.endswith(".so")]
        machines = {struct.unpack_from("<H", archive.read(name), 18)[0] for name in native}
    assert machines == {MACHINES[architecture]}
    assert all("cpython-313" in name or "abi3" in name or "cpython" not in name for name in native)
    assert {package.name.lower() for package in bundle.packages} >= {requirement.partition(">")[0]}
    assert "click" not in {package.name.lower() for package in bundle.packages}


def test_a_pure_package_without_a_wheel_is_built(project: Project, resolver: str) -> None:
    project.write("requirements.txt", "docopt==0.6.2\n")

    bundle = project.bundle(resolver=resolver)

    assert "docopt.py" in project.contents(bundle)


def test_a_package_for_another_system_is_named(project: Project, resolver: str) -> None:
    project.write("requirements.txt", "requests\npywin32\n")

    with pytest.raises(NoFittingWheel, match="^pywin32 has no wheel for python3.13 on arm64"):
        project.bundle(resolver=resolver)


def test_the_sdk_that_a_dependency_brings_is_left_to_lambda(project: Project) -> None:
    project.write("requirements.txt", "boto3\nrequests\n")

    bundle = project.bundle()

    names = {package.name for package in bundle.packages}
    assert "urllib3" in names
    assert names.isdisjoint({"boto3", "botocore", "s3transfer", "jmespath", "python-dateutil", "six"})


def test_a_package_whose_newest_wheel_needs_a_newer_c_library_is_told(
    project: Project, resolver: str
) -> None:
    project.write("requirements.txt", "numpy>=2\n")

    bundle = project.bundle(target=Target.for_lambda("3.11", "x86_64"), resolver=resolver)

    version = next(package.version for package in bundle.packages if package.name == "numpy")
    told = rf"numpy \S+ has no wheel for python3\.11 on x86_64 \(glibc up to 2\.17\); {version} is taken\."
    assert [note for note in bundle.notes if re.fullmatch(told, note)]
