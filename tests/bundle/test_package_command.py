from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from microlambda.cli.main import main

if TYPE_CHECKING:
    from tests.bundle.conftest import Project, Wheelhouse


@pytest.fixture
def command(project: Project, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(project.root)
    return CliRunner()


def test_package_says_what_it_uses_and_what_it_made(
    command: CliRunner, project: Project, index: Wheelhouse
) -> None:
    index.wheel("pure")
    project.write("microlambda.toml", 'name = "sms-shooter"\npython = "3.12"\narchitecture = "arm64"\n')
    project.write("requirements.txt", "pure")

    result = command.invoke(main, ["package", "--out", "made", "--resolver", "pip"])

    assert result.exit_code == 0, result.output
    first, second, third, *_, last = result.output.splitlines()
    assert first == "Requirements: requirements.txt"
    assert second == "Target: python3.12 on arm64 (glibc up to 2.34)"
    assert third.startswith("Resolving with pip ")
    assert last.startswith("made/sms-shooter.zip: 0.")
    assert last.endswith("unpacked, 1 package")
    assert (project.root / "made" / "sms-shooter.zip").is_file()


def test_package_does_not_import_the_app(command: CliRunner, project: Project) -> None:
    project.write(
        "src/api.py", "from microlambda import App\napp = App('api')\nraise SystemExit('imported')\n"
    )

    result = command.invoke(main, ["package", "api:app"])

    assert result.exit_code == 0, result.output
    assert "no packages" in result.output


@pytest.mark.parametrize(
    ("requirements", "arguments", "message"),
    [
        ("native", [], "NoFittingWheel: native has no wheel for python3.13 on x86_64"),
        ("unknown", [], "PackageNotFound: the package index has no unknown."),
        ("", ["web:app"], "AppNotFound: "),
    ],
    ids=["no wheel", "no package", "no module"],
)
def test_package_ends_with_one_message_and_an_exit_code(
    command: CliRunner,
    project: Project,
    index: Wheelhouse,
    requirements: str,
    arguments: list[str],
    message: str,
) -> None:
    index.wheel("native", tag="cp313-cp313-win_amd64")
    project.write("microlambda.toml", 'python = "3.13"\n')
    project.write("requirements.txt", requirements)

    result = command.invoke(main, ["package", *arguments])

    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert "Traceback" not in result.output
    assert not (project.root / "build").exists()
