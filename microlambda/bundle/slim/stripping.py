"""Removing the symbols from native libraries, by the tool that the system has for it.

Not every library survives it: one whose parts were moved by patchelf, as wheels' own libraries are, may come
out so that no loader takes it. What does not come to the same in memory is left as it was.
https://github.com/NixOS/patchelf/issues/10
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from microlambda.bundle.slim.elf import MAGIC, has_symbols, loads_the_same

if TYPE_CHECKING:
    from microlambda.bundle.slim.installation import Installation
    from microlambda.bundle.target import Target

SYMBOLS = "symbols of native libraries"


def strip_symbols(installation: Installation, names: list[str], target: Target) -> list[str]:
    """Remove the symbols from those of the files that are native libraries; gives notes."""
    libraries = [name for name in names if _has_symbols(installation.site / name)]
    if not libraries:
        return []
    tools = strip_tools(target)
    if not tools:
        return [
            f"nothing was stripped: there is no strip for {target.architecture} here. "
            f"Install binutils-{target.machine.replace('_', '-')}-linux-gnu, or llvm."
        ]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        stripped = list(pool.map(lambda name: _stripped(installation.site / name, tools), libraries))
    for name, content in zip(libraries, stripped, strict=True):
        if content is not None:
            installation.shrink(name, content, SYMBOLS)
    intact = stripped.count(None)
    if not intact:
        return []
    return [
        f"{intact} of {len(libraries)} native libraries keep their symbols: without them they would not load."
    ]


def _has_symbols(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(6) != MAGIC + b"\2\1":
            return False
    return has_symbols(path.read_bytes())


def strip_tools(target: Target) -> list[str]:
    """List the installed programs that strip libraries of the target's machine, the best first."""
    names = [f"{target.machine}-linux-gnu-strip"]
    if sys.platform == "linux" and platform.machine() == target.machine:
        names.append("strip")
    found = {os.path.realpath(path): path for name in (*names, "llvm-strip") if (path := shutil.which(name))}
    return list(found.values())


def _stripped(path: Path, tools: list[str]) -> bytes | None:
    """Give the library without its symbols; None where no tool has a sound one to give."""
    original = path.read_bytes()
    for tool in tools:
        content = _run(tool, path)
        if content is not None and len(content) < len(original) and loads_the_same(original, content):
            return content
    return None


def _run(tool: str, path: Path) -> bytes | None:
    with tempfile.TemporaryDirectory(prefix="microlambda-strip-") as work:
        output = Path(work, "stripped")
        done = subprocess.run(
            [tool, "--strip-unneeded", "-o", str(output), str(path)], capture_output=True, check=False
        )
        return output.read_bytes() if done.returncode == 0 and output.is_file() else None
