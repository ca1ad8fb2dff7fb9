"""Which folder an App's modules are imported from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from microlambda.project.layout import import_root

if TYPE_CHECKING:
    from pathlib import Path

APP = "from microlambda import App\napp = App('shop')\n"


@pytest.mark.parametrize(
    ("file", "app", "expected"),
    [
        pytest.param("app.py", None, ".", id="app.py"),
        pytest.param("src/app.py", None, "src", id="src"),
        pytest.param("src/shop/web.py", "shop.web:app", "src", id="package-in-src"),
        pytest.param("shop/web.py", "shop/web.py", ".", id="path"),
        pytest.param("notes.txt", None, ".", id="no-app"),
        pytest.param("notes.txt", "missing:app", ".", id="no-module"),
    ],
)
def test_the_import_root_is_the_project_or_its_src(
    tmp_path: Path, file: str, app: str | None, expected: str
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(APP)

    assert import_root(tmp_path, app) == tmp_path / expected
