"""An AWS on this machine: moto holds the resources, deployed archives really run."""

from __future__ import annotations

from microlambda.emulator.cloud.embedded import CloudUnavailable, EmbeddedCloud

__all__ = ["CloudUnavailable", "EmbeddedCloud"]
