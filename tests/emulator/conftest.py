from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from microlambda.emulator import runtime_client
from microlambda.emulator.environment import archive_environment
from microlambda.emulator.sandbox import FunctionSpec

MakeSpec = Callable[..., FunctionSpec]


@pytest.fixture
def function(tmp_path: Path) -> MakeSpec:
    """Write a module and describe the function in it."""

    def make(
        source: str,
        *,
        handler: str = "app.handler",
        timeout: float = 20.0,
        client: str = "ours",
        environment: dict[str, str] | None = None,
    ) -> FunctionSpec:
        folder = tmp_path / "code"
        folder.mkdir(exist_ok=True)
        (folder / "app.py").write_text(textwrap.dedent(source))
        clients = {"ours": (runtime_client.__file__, handler), "aws": ("-m", "awslambdaric", handler)}
        return FunctionSpec(
            name="greeter",
            version="7",
            arn="arn:aws:lambda:eu-west-1:123456789012:function:greeter:7",
            command=(sys.executable, *clients[client]),
            cwd=folder,
            environment=archive_environment(environment or {}, region="eu-west-1", endpoint=None),
            timeout=timeout,
            memory=256,
            handler=handler,
        )

    return make
