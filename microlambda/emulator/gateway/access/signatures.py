"""Signatures of AWS's, version 4: whose key has signed this request, if one has.

botocore's own signer computes what the signature of the request would be, from the secret that is known here.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from calendar import timegm
from dataclasses import dataclass
from time import gmtime, strftime, strptime
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from microlambda.emulator.gateway.access import clock
from microlambda.emulator.gateway.decisions import IamIdentity, Refused
from microlambda.emulator.gateway.failure import Failure
from microlambda.emulator.gateway.fields import as_text

if TYPE_CHECKING:
    from microlambda.emulator.gateway.access.principals import FindPrincipal, Principal
    from microlambda.emulator.gateway.decisions import Question
    from microlambda.emulator.messages import HttpRequest

_ALGORITHM = "AWS4-HMAC-SHA256"
_STAMP = "%Y%m%dT%H%M%SZ"
_LATITUDE = 5 * 60  # s: "Signature expired: ... (... - 5 min.)", mhart/aws4#118

_PART = re.compile(r"\s*(\w+)=([^,\s]+)\s*")
_CREDENTIAL = re.compile(
    r"(?P<key>[\w-]+)/(?P<date>\d{8})/(?P<region>[\w-]+)/(?P<service>[\w-]+)/aws4_request", re.ASCII
)
_MOMENT = re.compile(r"\d{8}T\d{6}Z", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_SECONDS = re.compile(r"\d{1,6}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class _Signed:
    """What a request says of its signature, and its query without what is added to that by the signature."""

    access_key: str
    date: str
    region: str
    service: str
    moment: str
    names: tuple[str, ...]  # of the header fields that are signed
    signature: str
    token: str | None
    query: str
    lifetime: float


class _Unsigned(Exception):
    """The request has no signature."""


class _Incomplete(ValueError):
    """It has one that lacks something; the message is what AWS says."""


class _Wrong(ValueError):
    """It has one that is not its own; the message is what AWS says, empty where it says no more."""


def decide(question: Question, find_principal: FindPrincipal) -> IamIdentity | Refused:
    """Find out whose key has signed the request: for the API's region and service, and just now."""
    try:
        signed = _read(question.request)
        _check_place(signed, question)
        _check_moment(signed)
        principal = find_principal(signed.access_key)
        if principal is None or not _has_token(principal, signed.token):
            return Refused(failure=Failure.UNKNOWN_KEY, reason="its access key or session token is not known")
        _check_signature(signed, principal, question.request)
    except _Unsigned:
        return Refused(failure=Failure.UNSIGNED, reason="")
    except _Incomplete as exc:
        return Refused(failure=Failure.INCOMPLETE_SIGNATURE, reason="", message=str(exc))
    except _Wrong as exc:
        return Refused(failure=Failure.WRONG_SIGNATURE, reason=str(exc), message=str(exc) or None)
    return IamIdentity(
        access_key=principal.access_key,
        account_id=principal.account_id,
        user_id=principal.user_id,
        arn=principal.arn,
    )


# What the request says --------------------------------------------------------------------------------


def _read(request: HttpRequest) -> _Signed:
    """Read the signature, from the header or from the query."""
    sent = request.values("authorization")
    _, _, query = request.target.partition("?")
    if sent:
        if len(sent) > 1:
            raise _Incomplete("Authorization header is not unique.")
        return _of_header(request, sent[0], query)
    if "X-Amz-Signature=" in query:
        return _of_query(query)
    raise _Unsigned


def _of_header(request: HttpRequest, header: str, query: str) -> _Signed:
    algorithm, _, rest = header.partition(" ")
    if algorithm != _ALGORITHM:
        hashed = b64encode(hashlib.sha256(header.encode("latin-1", "replace")).digest()).decode()
        raise _Incomplete(
            "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and "
            f"encoded with Base64): '{hashed}'."
        )
    pieces = rest.split(",")
    parts: dict[str, str] = {
        found[1]: found[2] for piece in pieces if (found := _PART.fullmatch(piece)) is not None
    }
    needed = ("Credential", "Signature", "SignedHeaders")
    if lacking := [name for name in needed if name not in parts]:
        raise _Incomplete(" ".join(f"Authorization header requires '{name}' parameter." for name in lacking))
    if len(pieces) != len(needed):
        raise _Incomplete("Authorization header has parameters that it does not need.")
    return _signed(
        parts["Credential"],
        _one(request, "x-amz-date"),
        parts["SignedHeaders"],
        parts["Signature"],
        token=_one(request, "x-amz-security-token"),
        query=query,
    )


def _of_query(query: str) -> _Signed:
    pairs = [piece.partition("=") for piece in query.split("&")]
    names = ("Algorithm", "Credential", "Date", "SignedHeaders", "Signature", "Security-Token", "Expires")
    found: dict[str, str] = {}
    for name in names:
        values = [value for key, _, value in pairs if key == f"X-Amz-{name}"]
        if len(values) > 1:
            raise _Incomplete(f"AWS query-string parameters must include one 'X-Amz-{name}'.")
        if values:
            found[name] = unquote_to_bytes(values[0]).decode("latin-1")
    if lacking := [name for name in names[:5] if name not in found]:
        said = (f"AWS query-string parameters must include 'X-Amz-{name}'." for name in lacking)
        raise _Incomplete(" ".join(said))
    expires = found.get("Expires", str(_LATITUDE))
    if found["Algorithm"] != _ALGORITHM or not _SECONDS.fullmatch(expires):
        raise _Incomplete("AWS query-string parameters have an X-Amz-Algorithm or X-Amz-Expires of no use.")
    return _signed(
        found["Credential"],
        found["Date"],
        found["SignedHeaders"],
        found["Signature"],
        token=found.get("Security-Token"),
        query="&".join("".join(pair) for pair in pairs if pair[0] != "X-Amz-Signature"),
        lifetime=float(expires),
    )


def _signed(
    credential: str,
    moment: str | None,
    names: str,
    signature: str,
    *,
    token: str | None,
    query: str,
    lifetime: float = _LATITUDE,
) -> _Signed:
    scope = _CREDENTIAL.fullmatch(credential)
    if scope is None:
        raise _Incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/")
    if moment is None or not _MOMENT.fullmatch(moment):
        raise _Incomplete("Authorization header requires existence of a 'X-Amz-Date' header.")
    return _Signed(
        access_key=scope["key"],
        date=scope["date"],
        region=scope["region"],
        service=scope["service"],
        moment=moment,
        names=tuple(names.lower().split(";")),
        signature=signature,
        token=token,
        query=query,
        lifetime=min(lifetime, _LATITUDE),
    )


def _one(request: HttpRequest, name: str) -> str | None:
    """The value of a header that may be there once."""
    values = request.values(name)
    if len(values) > 1:
        raise _Incomplete(f"'{name}' is not unique.")
    return values[0].strip() if values else None


# What it has to say -----------------------------------------------------------------------------------


def _check_place(signed: _Signed, question: Question) -> None:
    service = "lambda" if question.ingress == "function-url" else "execute-api"
    said = []
    if signed.region != question.api.region:
        said.append(f"Credential should be scoped to a valid region, not '{signed.region}'. ")
    if signed.service != service:
        said.append(f"Credential should be scoped to correct service: '{service}'. ")
    if said:
        raise _Wrong("".join(said))
    if "host" not in signed.names:
        raise _Wrong("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")


def _check_moment(signed: _Signed) -> None:
    if signed.date != signed.moment[:8]:
        raise _Wrong(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP."
        )
    try:
        moment = timegm(strptime(signed.moment, _STAMP))
    except ValueError as exc:
        raise _Incomplete("Date must be in ISO-8601 'basic format'.") from exc
    now = clock.now()
    if moment + signed.lifetime < now:
        earliest = f"{_stamp(now - _LATITUDE)} ({_stamp(now)} - 5 min.)"
        raise _Wrong(f"Signature expired: {signed.moment} is now earlier than {earliest}")
    if moment - _LATITUDE > now:
        latest = f"{_stamp(now + _LATITUDE)} ({_stamp(now)} + 5 min.)"
        raise _Wrong(f"Signature not yet current: {signed.moment} is still later than {latest}")


def _check_signature(signed: _Signed, principal: Principal, request: HttpRequest) -> None:
    """Compare the signature, the hash of the body included, with the one that botocore makes."""
    if any(not request.values(name) for name in signed.names) or len(set(signed.names)) < len(signed.names):
        raise _Wrong("")  # it names fields that the request has not
    digest = hashlib.sha256(request.body).hexdigest()
    declared = _one(request, "x-amz-content-sha256")
    if declared is not None and not _same(declared, digest):
        raise _Wrong("")  # UNSIGNED-PAYLOAD is S3's
    expected = _signature(signed, principal, request)
    if not _SIGNATURE.fullmatch(signed.signature) or not _same(expected, signed.signature):
        raise _Wrong("")


def _signature(signed: _Signed, principal: Principal, request: HttpRequest) -> str:
    signer = _Signer(principal, signed)
    path = request.target.partition("?")[0]
    made = AWSRequest(
        method=request.method, url=f"https://host{path}?{_encoded(signed.query)}", data=request.body
    )
    made.headers = _headers(request, signed.names)
    made.context["timestamp"] = signed.moment
    return str(signer.signature(signer.string_to_sign(made, signer.canonical_request(made)), made))


class _Signer(SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """botocore's signer, which signs the fields that the request names, whatever they are."""

    def __init__(self, principal: Principal, signed: _Signed) -> None:
        credentials = Credentials(principal.access_key, principal.secret, principal.token)
        super().__init__(credentials, signed.service, signed.region)

    def headers_to_sign(self, request: AWSRequest) -> HTTPHeaders:
        return request.headers


def _headers(request: HttpRequest, names: tuple[str, ...]) -> HTTPHeaders:
    headers = HTTPHeaders()
    for name in names:
        for value in request.values(name):
            headers.add_header(name, as_text(value))
    return headers


def _encoded(query: str) -> str:
    """The query as it is signed: decoded, and each byte encoded again that RFC 3986 reserves.

    That a `+` is a space there, as it is for the function, is assumed.
    """
    pieces = [piece.partition("=") for piece in query.split("&")] if query else []
    return "&".join(f"{_again(key)}={_again(value)}" for key, _, value in pieces)


def _again(text: str) -> str:
    return quote(unquote_to_bytes(text.replace("+", " ")), safe="-_.~")


def _has_token(principal: Principal, token: str | None) -> bool:
    """Tell whether a session token is the principal's, or lacks where none is asked for."""
    return (token is None and not principal.needs_token) or _same(token or "", principal.token or "")


def _same(one: str, other: str) -> bool:
    """Compare in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _stamp(moment: float) -> str:
    return strftime(_STAMP, gmtime(moment))
