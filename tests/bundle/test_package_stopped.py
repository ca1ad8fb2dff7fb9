"""`microlambda package` killed, without room, and several at once: the next run makes what it should."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.bundle.conftest import Project, Wheelhouse

pytestmark = pytest.mark.slow  # two dozen runs of the command

CHILD = Path(__file__).with_name("package_child.py")

APP = "import pure\nfrom microlambda import App\n\napp = App('shop')\n"


@pytest.fixture
def shop(project: Project, index: Wheelhouse) -> Project:
    index.wheel("pure", files={"pure/__init__.py": "x = 1\n", "pure/data.bin": os.urandom(50_000)})
    project.write("app.py", APP)
    project.write(
        "microlambda.toml", f'name = "shop"\npython = "{sys.version_info[0]}.{sys.version_info[1]}"\n'
    )
    project.write("requirements.txt", "pure\n")
    return project


def run(shop: Project, mode: str, tmp_path: Path) -> dict[str, Any]:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, str(CHILD), mode],
        cwd=shop.root,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        check=True,
    )
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def undisturbed(shop: Project) -> list[Any]:
    """Give the exit code and the content of a run that nothing stops."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    made = subprocess.run(
        [sys.executable, "-c", "import package_child as one; print(one.run()[0], one.made())"],
        cwd=shop.root,
        env={**environment, "PYTHONPATH": f"{CHILD.parent}{os.pathsep}{environment['PYTHONPATH']}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    code, digest = made.stdout.split()
    return [int(code), digest]


def test_a_run_that_is_killed_leaves_a_cache_that_the_next_one_can_use(shop: Project, tmp_path: Path) -> None:
    report = run(shop, "killed", tmp_path)

    assert report["moments"] > 100
    codes = [code for code, _said in report["stopped"]]
    assert set(codes) <= {-signal.SIGKILL, 0}  # one run has a few moments more than the next
    assert codes.count(-signal.SIGKILL) >= 6
    assert report["after"] == [undisturbed(shop)]
    assert report["after"][0][0] == 0
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_run_without_room_says_so_and_the_next_one_succeeds(shop: Project, tmp_path: Path) -> None:
    report = run(shop, "full", tmp_path)

    for code, said in report["stopped"]:
        assert code == 1
        assert said.strip().splitlines()[-1].startswith(("CacheUnusable: ", "BundleError: ")), said
    assert report["after"] == [undisturbed(shop)]


def test_runs_at_once_in_one_project_make_the_same(shop: Project, tmp_path: Path) -> None:
    report = run(shop, "at once", tmp_path)

    assert report["codes"] == [0, 0, 0]
    assert [0, report["after"]] == undisturbed(shop)
