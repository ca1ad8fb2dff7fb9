"""Why a gateway answers by itself, and what a cell of its table of answers says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Failure(Enum):
    """Why there is no answer to pass on."""

    FUNCTION_ERROR = "the function failed"
    MALFORMED_ANSWER = "the function's answer is not one that the gateway understands"
    FUNCTION_TIMEOUT = "the function ran out of its time"
    INTEGRATION_TIMEOUT = "the gateway waited no longer"
    RESPONSE_TOO_LARGE = "the function's answer is over Lambda's 6 MB, or the gateway's own limit"
    BODY_TOO_LARGE = "the request's body is over the gateway's limit"
    EVENT_TOO_LARGE = "the event made of the request is over Lambda's 6 MB"
    HEADERS_TOO_LARGE = "the request's headers are over the gateway's limit"
    BAD_REQUEST = "the request is not HTTP that the gateway takes"
    NO_API_KEY = "the method asks for an API key, and the request has none that is let in"
    NO_API = "the custom domain has no API at this path, which is not under its base path"
    NOT_ALLOWED = "the function's resource policy does not let the gateway invoke it"
    UNAUTHORIZED = "the caller has no credentials that the authorizer takes"
    NO_SCOPE = "the caller's token has none of the scopes that are asked for"
    DENIED = "the authorizer denies this to the caller"
    NOT_PERMITTED = "the authorizer does not allow this to the caller"
    AUTHORIZER_FAILED = "the authorizer failed, or its answer is not one that the gateway understands"
    UNSIGNED = "the request is not signed, and AWS_IAM asks for that"
    INCOMPLETE_SIGNATURE = "the request's signature lacks a part, or is not written as AWS's are"
    UNKNOWN_KEY = "the request is signed with an access key that is not known here"
    WRONG_SIGNATURE = "the request's signature is not its own"


#: What an authorizer may come to, and what a signature may: the ingresses that ask have rows for them.
OF_AUTHORIZERS = frozenset(
    (
        Failure.UNAUTHORIZED,
        Failure.NO_SCOPE,
        Failure.DENIED,
        Failure.NOT_PERMITTED,
        Failure.AUTHORIZER_FAILED,
    )
)
OF_SIGNATURES = frozenset(
    (Failure.UNSIGNED, Failure.INCOMPLETE_SIGNATURE, Failure.UNKNOWN_KEY, Failure.WRONG_SIGNATURE)
)


@dataclass(frozen=True, kw_only=True)
class FailureAnswer:
    """One cell of the table; one that `is_told` says what the particular case has to say, in a `message`."""

    status: int
    body: str
    source: str
    content_type: str | None = "application/json"
    error_type: str | None = None
    is_told: bool = False
