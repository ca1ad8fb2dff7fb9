"""`microlambda new`: what it makes, and when it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from microlambda.cli.main import main
from microlambda.project.settings import load_settings

FILES = {
    ".gitignore",
    "README.md",
    "app.py",
    "microlambda.toml",
    "requirements.txt",
    "tests",
    "tests/test_app.py",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def new(name: str) -> Result:
    return CliRunner().invoke(main, ["new", name])


def test_makes_the_files_of_a_project_and_no_others(folder: Path) -> None:
    result = new("shop")

    assert result.exit_code == 0
    root = folder / "shop"
    assert {str(path.relative_to(root)) for path in root.rglob("*")} == FILES


def test_says_what_to_run_next() -> None:
    output = new("shop").output

    assert [line.strip() for line in output.partition("Next:\n")[2].splitlines()] == [
        "cd shop",
        "microlambda local",
        "pytest",
        "microlambda deploy --local",
    ]


def test_the_settings_hold_a_new_id_and_the_name(folder: Path) -> None:
    new("shop")
    new("shop-2")

    first, second = (load_settings(folder / name, "dev") for name in ("shop", "shop-2"))

    assert (first.name, second.name) == ("shop", "shop-2")
    assert first.id
    assert first.id != second.id


def test_the_project_passes_its_own_tests_with_a_plain_pytest(folder: Path) -> None:
    new("shop")

    done = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder / "shop",
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_the_readme_names_commands_that_exist(folder: Path) -> None:
    new("shop")
    readme = (folder / "shop" / "README.md").read_text()

    commands = {
        line.split("`")[1].split()[1] for line in readme.splitlines() if line.startswith("| `microlambda ")
    }

    assert commands == {"local", "routes", "deploy", "delete"}
    assert all(CliRunner().invoke(main, [name, "--help"]).exit_code == 0 for name in commands)


def test_a_dot_makes_the_project_here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "shop" / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder / "shop")

    result = new(".")

    assert result.exit_code == 0
    assert 'name = "shop"' in (folder / "shop" / "microlambda.toml").read_text()


def test_a_folder_with_files_is_left_alone(folder: Path) -> None:
    (folder / "shop").mkdir()
    (folder / "shop" / "app.py").write_text("mine")

    result = new("shop")

    assert result.exit_code == 1
    assert "ProjectExists: shop holds files already: app.py." in result.stderr
    assert (folder / "shop" / "app.py").read_text() == "mine"
    assert len(list((folder / "shop").iterdir())) == 1


def test_a_file_of_that_name_is_left_alone(folder: Path) -> None:
    (folder / "shop").write_text("mine")

    assert "is no folder" in new("shop").stderr


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("my shop!", "such as 'my-shop'", id="characters"),
        pytest.param("2shop", "such as 'shop'", id="digit-first"),
        pytest.param("x" * 41, "1 to 40", id="too-long"),
        pytest.param("äö", "a letter first.", id="nothing-left"),
        pytest.param("app", "says nothing", id="app"),
        pytest.param("main", "says nothing", id="main"),
    ],
)
def test_a_name_that_aws_cannot_hold_is_refused(folder: Path, name: str, told: str) -> None:
    result = new(name)

    assert result.exit_code == 1
    assert result.stderr.startswith("InvalidName: ")
    assert told in result.stderr
    assert list(folder.iterdir()) == []


def test_an_empty_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, ["new", ""])

    assert result.exit_code == 1
    assert "the name is empty" in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_next_commands_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(main, ["new", "my folder/shop"])

    assert "cd 'my folder/shop'" in result.output
