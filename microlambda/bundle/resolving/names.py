"""Which resolver a bundle is made with, told without asking it: enough to look for what it made before."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

RESOLVERS = ("uv", "pip")


def likely_resolver() -> str:
    """Name uv where there is a program of that name, and pip otherwise."""
    return "uv" if uv_program() is not None else "pip"


def uv_program() -> str | None:
    """Find uv beside the interpreter that runs us, or on PATH."""
    return shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
