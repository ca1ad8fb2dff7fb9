"""What the fronts have in common that ask nobody who he is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.emulator.gateway.guards import OPEN

if TYPE_CHECKING:
    from microlambda.emulator.gateway.api import Call
    from microlambda.emulator.gateway.guards import Guard


class Unguarded:
    """Everything is open."""

    def guard(self, call: Call) -> Guard:  # noqa: ARG002 - the others need it
        """What the request's method asks of its callers."""
        return OPEN

    def arn(self, call: Call) -> str:  # noqa: ARG002 - as above
        """What an authorizer is asked about: nobody asks one."""
        return ""

    def asked_event(self, call: Call) -> dict[str, Any]:  # noqa: ARG002 - as above
        """What an authorizer is told of the request."""
        return {}
