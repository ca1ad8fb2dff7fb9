"""What the emulator refuses, and says so.

ToolError
├── PortInUse          another program listens there
├── PortRefused        the system does not let this user listen there
├── UnknownIngress     no ingress of that name (gateway)
├── CloudUnavailable   the embedded cloud's packages are not installed (cloud)
└── StateUnreadable    what the embedded cloud has kept cannot be taken up, or nothing can be kept
    └── FolderInUse    another process keeps its state there
"""

from __future__ import annotations

from microlambda.project.errors import ToolError


class PortInUse(ToolError):
    """Another program listens on the port that was asked for."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"port {port} of {host} is in use by another program. "
            f"Stop that, or choose another port: --port {port + 1}"
        )
        self.port = port


class PortRefused(ToolError):
    """The system does not let this user listen on the port: below 1024 it often asks for more rights."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"this user may not listen on port {port} of {host}. "
            f"Choose one above 1023: --port {port % 1000 + 8000}"
        )


class StateUnreadable(ToolError):
    """What an earlier run of the embedded cloud has kept is not for this one, or nothing can be kept."""


class FolderInUse(StateUnreadable):
    """Another process keeps its state there."""
