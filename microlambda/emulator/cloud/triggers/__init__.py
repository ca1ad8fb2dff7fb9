"""What calls functions by itself: queues, streams, topics, buckets, buses, schedules, and a second try."""

from __future__ import annotations

from microlambda.emulator.cloud.triggers.asynchronous import RETRY_DELAYS
from microlambda.emulator.cloud.triggers.triggers import Triggers

__all__ = ["RETRY_DELAYS", "Triggers"]
