"""A function as its execution environments need to know it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FunctionSpec:
    """A function as its execution environments need to know it.

    `command` starts a runtime client; `environment` is the whole environment of the process but for
    Lambda's own variables; `timeout` is in seconds (`math.inf` for none), `memory` in MB.
    """

    name: str
    version: str
    arn: str
    command: tuple[str, ...]
    cwd: Path
    environment: dict[str, str] = field(repr=False)
    timeout: float
    memory: int
    handler: str = ""
    python: str = f"{sys.version_info.major}.{sys.version_info.minor}"
