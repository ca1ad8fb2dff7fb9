"""What the settings say of slimming."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SlimOptions:
    """What the settings say of slimming, each under its name in them."""

    keep: tuple[str, ...] = ()
    strip: bool = False
    sdk: str | tuple[str, ...] = "runtime"
