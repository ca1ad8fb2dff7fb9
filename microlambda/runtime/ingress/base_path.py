"""What stands in front of a REST API's resource in the path: a custom domain's base path."""

from __future__ import annotations

from ..percent import unquote
from .rest_api import stage_prefix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def split_base_path(event: dict[str, Any], path: str) -> tuple[str, str]:
    """The decoded base path of a custom domain, and the decoded path behind it.

    What `path` has before the resource with its parameters is the base path, or a stage that the
    domain's mapping lacks. Parameters have been seen encoded and decoded, and without the path's
    trailing slash.
    """
    decoded = unquote(path)
    resolved = _resolved(event.get("resource") or "", event.get("pathParameters") or {})
    if resolved == "/":
        base = decoded.rstrip("/")
        return (base, "/") if base else (stage_prefix(event, path), "/")
    for end in (resolved, unquote(resolved)):
        for tail in (end, f"{end}/"):
            base = decoded[: -len(tail)] if tail and decoded.endswith(tail) else ""
            if base.strip("/"):  # slashes alone are the caller's, not a base path
                return base, tail
    return stage_prefix(event, path), decoded


def _resolved(resource: str, parameters: dict[str, Any]) -> str:
    """`/users/{id}` with its parameters; empty where one is missing, as in a test event by hand."""
    for name, value in parameters.items():
        text = str(value)  # a number, in a test event by hand
        resource = resource.replace(f"{{{name}}}", text).replace(f"{{{name}+}}", text)
    return "" if "{" in resource else resource
