"""What views return that HTTP has no form for, or hardly one; loaded when it turns up."""

from __future__ import annotations

from ..errors import EncodingError, HTTPException
from .json_types import type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .response import Response

_TUPLES = "(body, status), (body, headers) and (body, status, headers)"


def problem_or_refusal(value: object) -> Response:
    """An HTTP error as the answer that it is; for anything else, the error that says why it is none."""
    if isinstance(value, HTTPException):
        from .problem import problem

        return problem(value)
    raise _no_answer(value)


def _no_answer(value: object) -> EncodingError:
    if value is None:
        return EncodingError(
            "the view answered None: it lacks a return, or a value behind it. For an empty answer return ''."
        )
    if hasattr(value, "__await__"):
        return EncodingError(
            f"the view answered a tuple or a Response with a {type_name(value)} inside: await it first."
        )
    if hasattr(value, "get_wsgi_response"):
        return EncodingError(
            f"the view answered {type_name(value)}, the response of another framework: return a "
            "microlambda.Response."
        )
    return EncodingError(
        f"the view answered {type_name(value)}, which is no answer: "
        "return str, bytes, dict, list, Response, an iterable of str or bytes, or (body, status, headers)."
    )


def no_tuple(value: tuple[object, ...]) -> EncodingError:
    """The error for a tuple of another length than two or three."""
    return EncodingError(f"the view answered a tuple of {len(value)}; known are {_TUPLES}.")


def no_headers(value: object) -> EncodingError:
    """The error for what stands where headers do."""
    return EncodingError(
        f"the view's tuple has {type_name(value)} where headers are due; known are {_TUPLES}, "
        "with headers as a dict or a list of pairs."
    )


def parsed_status(status: object) -> int:
    """The status as an int, if a view may send it (1xx are not a view's to send)."""
    if not isinstance(status, (int, str)):
        raise EncodingError(f"the status of an answer is {status!r}, not an int.")
    try:
        code = int(status.split()[0] if isinstance(status, str) else status)
    except (ValueError, IndexError):
        code = 0
    if not 200 <= code <= 599:
        raise EncodingError(f"{status!r} is no status that a view can answer: take an int from 200 to 599.")
    return int(code)


def no_text(error: UnicodeEncodeError) -> EncodingError:
    """The error for text that UTF-8 cannot hold."""
    return EncodingError(f"the text of the answer is no UTF-8: {error}.")


def no_body(body: object) -> EncodingError:
    """The error for a Response's body of a type that HTTP cannot carry."""
    return EncodingError(
        "a Response takes a body of str, bytes, dict or list, or an iterable of str and bytes, "
        f"not {type_name(body)}."
    )


def no_chunk(chunk: object) -> EncodingError:
    """The error for a piece of an iterable that is neither str nor bytes."""
    return EncodingError(f"an iterable answer gives str and bytes; this one gave {type_name(chunk)}.")
