"""The FastAPI example along the whole road: its own tests, and its archive in the embedded cloud."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.served_example import copied, deployed, own_tests


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return copied("fastapi_todos", tmp_path)


def test_its_own_tests_pass(example: Path) -> None:
    done = own_tests(example)

    assert done.returncode == 0, done.stdout
    assert re.search(r"\d passed", done.stdout)


def asked(url: str, method: str = "GET", document: Any = None) -> tuple[int, Any, dict[str, str]]:
    body = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            text = answer.read().decode()
            is_json = answer.headers["content-type"] == "application/json"
            return answer.status, json.loads(text) if is_json else text, dict(answer.headers)
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.loads(exc.read()), dict(exc.headers)


@pytest.mark.index
@pytest.mark.parametrize("ingress", ["http-api", "rest-api"])
def test_it_is_served_from_its_archive(example: Path, ingress: str) -> None:
    settings = example / "microlambda.toml"
    added = f'ingress = "{ingress}"\n[environment]\nDATABASE = "{example.parent}/todos.sqlite3"\n'
    settings.write_text(settings.read_text() + added)

    with deployed(example) as (site, _aws):
        status, todo, _ = asked(f"{site}/todos", "POST", {"title": "caf\u00e9"})
        assert (status, todo["title"], todo["is_done"]) == (201, "caf\u00e9", False)
        assert asked(f"{site}/todos/{todo['id']}/done", "PUT")[1]["is_done"] is True
        assert asked(f"{site}/history")[1] == ["added caf\u00e9", "finished caf\u00e9"]
        assert asked(f"{site}/todos/99/done", "PUT")[:2] == (404, {"detail": "there is no todo 99"})
        assert asked(f"{site}/todos", "POST", {})[0] == 422
        assert asked(f"{site}/health")[1] == {"ok": True}
        _, page, _ = asked(f"{site}/docs")
        place = re.search(r"url: '([^']+openapi.json)'", page)
        assert place is not None, page
        origin = site.removesuffix("/dev")
        assert "/todos" in asked(f"{origin}{place[1]}")[1]["paths"]
