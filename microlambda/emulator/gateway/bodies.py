"""Bodies on their way in: which become text in the event, and which base64."""

from __future__ import annotations

from base64 import b64encode

# HTTP APIs and function URLs decide by the content type alone. The AWS documents do not list the types; these
# were measured on HTTP APIs (ministackorg/ministack#766, against AWS in 2026): everything else is base64, and
# so are a body without a content type and, surprisingly, forms (also recorded in
# aws-samples/php-examples-for-aws-lambda#34 and brefphp/bref#631). Function URLs do the same with forms
# (LeanerCloud/CUDly#1483) and text (LocalStack's AWS-validated test_lambda_url_echo_http_fixture_default);
# for their other types there is no recording, and one list serves both.
TEXT_TYPES = frozenset(("application/json", "application/xml", "application/javascript"))


def event_body(body: bytes, content_type: str | None) -> tuple[str, bool]:
    """A body as payload 2.0 has it, and whether that is base64."""
    mimetype = (content_type or "").partition(";")[0].strip().lower()
    if mimetype.startswith("text/") or mimetype in TEXT_TYPES:
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # a string of JSON cannot carry it
    return encoded(body), True


def encoded(body: bytes) -> str:
    """A body in base64."""
    return b64encode(body).decode("ascii")
