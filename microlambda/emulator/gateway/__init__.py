"""HTTP to event and back, once for each kind of HTTP front that AWS has: `INGRESSES`."""

from __future__ import annotations

from microlambda.emulator.gateway.api import Api
from microlambda.emulator.gateway.failures import FAILURES, Failure
from microlambda.emulator.gateway.gateway import INGRESSES, Gateway, UnknownIngress

__all__ = ["FAILURES", "INGRESSES", "Api", "Failure", "Gateway", "UnknownIngress"]
