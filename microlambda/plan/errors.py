"""What cannot be planned, and so is told before the first call to AWS."""

from __future__ import annotations

from microlambda.project.errors import ToolError


class PlanError(ToolError):
    """The app and its settings ask for what AWS refuses, or for what this version does not deploy."""
