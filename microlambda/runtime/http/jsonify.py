"""JSON answers from arguments, as Flask's `jsonify` makes them."""

from __future__ import annotations

from .json import JSON
from .response import JSON_TYPE, Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def jsonify(*args: Any, **kwargs: Any) -> Response:
    """One argument as it is, several as a list, keywords as an object; nothing is null."""
    if args and kwargs:
        raise TypeError("jsonify takes arguments or keywords, not both.")
    value = args[0] if len(args) == 1 else (list(args) or kwargs or None)
    body = value if isinstance(value, (dict, list)) else JSON.current().dumps(value)
    return Response(body, content_type=JSON_TYPE)
