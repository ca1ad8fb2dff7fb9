"""Syntax trees in two threads: what a collection between two nodes must not spoil."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest

from microlambda.bundle.collector import while_threads_parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bundle.conftest import Project, Wheelhouse


@pytest.fixture
def eager_collector() -> Iterator[None]:
    """Collect at every turn, each time with Python code that lets another thread in."""

    def called(phase: str, info: dict[str, Any]) -> None:
        pass

    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    gc.callbacks.append(called)
    gc.set_threshold(5)
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)
    gc.callbacks.remove(called)


@pytest.mark.usefixtures("eager_collector")
def test_markers_read_while_code_is_parsed_do_not_end_the_bundle(project: Project, index: Wheelhouse) -> None:
    index.wheel("pure")
    markers = " and ".join(f"python_version != '2.{minor}'" for minor in range(40))
    project.write("requirements.txt", f"pure; {markers}\n")
    for number in range(15):
        project.write(f"shop/part{number}.py", "total = [x + (y - 1) for x, y in {}.items()]\n" * 60)
    project.write("shop/__init__.py", "".join(f"import shop.part{number}\n" for number in range(15)))
    project.write("app.py", "import shop\n" + (project.root / "app.py").read_text())

    bundle = project.bundle()

    assert "pure/__init__.py" in project.contents(bundle)
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with while_threads_parse():
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()
