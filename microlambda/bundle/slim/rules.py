"""What of ours decides how dependencies come out: other rules, other archives."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from microlambda.bundle.bytecode import compiler_digest


@cache
def rules_digest() -> str:
    """Hash the modules of this room, and what decides how modules are compiled."""
    total = hashlib.sha256(compiler_digest().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        total.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
