"""Syntax trees are built by one thread at a time."""

from __future__ import annotations

import ast
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from microlambda.project.syntax import parse


def test_threads_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, were_alone = threading.Semaphore(1), []
    original, never = ast.parse, threading.Event()

    def noted(*given: Any, **options: Any) -> Any:
        were_alone.append(inside.acquire(blocking=False))
        never.wait(0.02)  # long enough for another to come in
        if were_alone[-1]:
            inside.release()
        return original(*given, **options)

    monkeypatch.setattr(ast, "parse", noted)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(parse, ["x = 1\n"] * 12))

    assert were_alone == [True] * 12


def test_the_name_stands_in_errors() -> None:
    with pytest.raises(SyntaxError) as caught:
        parse("x = (", "app.py")

    assert caught.value.filename == "app.py"
