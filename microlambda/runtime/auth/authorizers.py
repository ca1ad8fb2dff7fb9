"""What a route's `authorizer=` may be, beside a function under `@app.authorizer`: who decides about a caller.

API Gateway asks before the function of all routes runs, and says in the event what came of it. `admits` reads
that: a view that is protected runs for events alone that carry it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-control-access-to-api.html
"""

from __future__ import annotations

import re

from ..errors import RegistrationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Self

    from ..dispatch.handler import Handler

#: The ingresses that can ask, by their names in the settings.
HTTP_API, REST_API, FUNCTION_URL = "http-api", "rest-api", "function-url"

#: What asks at a handshake.
WEBSOCKET = "websocket"

_ARN_OF_POOL = re.compile(r"arn:[\w-]+:cognito-idp:[\w-]+:\d{12}:userpool/[\w-]+_[0-9A-Za-z]+")
_URI = re.compile(
    r"arn:[\w-]+:apigateway:[\w-]+:lambda:path/2015-03-31/functions/arn:[\w-]+:lambda:\S+/invocations"
    r"|arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+(?::[\w$-]+)?"
)

#: How long a function's answer is kept for callers with the same identity sources, in seconds.
TTL, LONGEST_TTL = 300, 3600


class Authorizer:
    """Who decides about the callers of a route; `scopes` are those of which a token needs one.

    `ingresses` are those that can ask it, `challenge` what `WWW-Authenticate` says to callers without
    credentials.
    """

    ingresses: tuple[str, ...] = ()
    challenge: str | None = "Bearer"
    scopes: tuple[str, ...] = ()
    name: str | None = None

    def admits(self, context: dict[str, Any], ingress: str) -> bool:  # noqa: ARG002  # what each kind looks at
        """Does an event's `requestContext`, from that ingress, say that the caller was let in?"""
        return False

    def with_scopes(self, scopes: Iterable[str]) -> Self:
        """The same for tokens with one of these scopes (Chalice's name)."""
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__, scopes=_texts("scopes", scopes, ()))
        return made

    def declared(self) -> str:
        """The authorizer as the user wrote it."""
        return f"{type(self).__name__}()"


class JWTAuthorizer(Authorizer):
    """Lets callers in whose token `issuer` has signed for one of `audience`: HTTP APIs check it themselves.

    The token is the bearer token of the header `header`. `request.authorizer.claims` has what it says.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
    """

    ingresses = (HTTP_API,)

    def __init__(
        self,
        issuer: str,
        audience: str | Iterable[str],
        scopes: str | Iterable[str] = (),
        *,
        name: str | None = None,
        header: str = "Authorization",
    ) -> None:
        if not str(issuer).startswith("https://"):
            raise _refused(
                "JWTAuthorizer", "issuer", issuer, "it is the URL that tokens have as `iss`, https."
            )
        self.issuer = issuer
        self.audience = _texts("audience", audience)
        self.scopes = _texts("scopes", scopes, ())
        self.name = _checked_name("JWTAuthorizer", name)
        self.header = _checked_header("JWTAuthorizer", header)

    def admits(self, context: dict[str, Any], ingress: str) -> bool:
        """By the claims of the token."""
        found = context.get("authorizer")
        if ingress == HTTP_API and type(found) is dict:
            found = found.get("jwt", found)  # payload 1.0 has no `jwt` around them
        return type(found) is dict and _is_filled(found.get("claims"))

    def declared(self) -> str:
        """With its issuer."""
        return f"JWTAuthorizer({self.issuer!r}, ...)"


class CognitoUserPoolAuthorizer(Authorizer):
    """Lets callers in with a token of one of these user pools, which a REST API checks itself.

    Without `scopes` it is an identity token, with them an access token. Chalice's form is taken, too:
    `CognitoUserPoolAuthorizer("name", provider_arns=[...])`.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html
    """

    ingresses = (REST_API,)

    def __init__(
        self,
        arns: str | Iterable[str] = (),
        scopes: str | Iterable[str] = (),
        *,
        provider_arns: Iterable[str] | None = None,
        name: str | None = None,
        header: str = "Authorization",
    ) -> None:
        if provider_arns is not None:
            if isinstance(arns, str):
                name = arns
            arns = provider_arns
        self.arns = _texts("arns", arns)
        for arn in self.arns:
            if not _ARN_OF_POOL.fullmatch(arn):
                why = "write the ARN of a user pool: 'arn:aws:cognito-idp:REGION:ACCOUNT:userpool/ID'."
                raise _refused("CognitoUserPoolAuthorizer", "arns", arn, why)
        self.scopes = _texts("scopes", scopes, ())
        self.name = _checked_name("CognitoUserPoolAuthorizer", name)
        self.header = _checked_header("CognitoUserPoolAuthorizer", header)

    def admits(self, context: dict[str, Any], ingress: str) -> bool:
        """By the claims of the token."""
        found = context.get("authorizer")
        return ingress == REST_API and type(found) is dict and _is_filled(found.get("claims"))

    def declared(self) -> str:
        """With its pools."""
        return f"CognitoUserPoolAuthorizer({list(self.arns)!r})"


class IAMAuthorizer(Authorizer):
    """Lets callers in that AWS knows, by their signature, and that may call `execute-api:Invoke` there.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/permissions.html
    """

    ingresses = (HTTP_API, REST_API, FUNCTION_URL)
    challenge = None

    def admits(self, context: dict[str, Any], ingress: str) -> bool:
        """By the caller's ARN."""
        if ingress in (REST_API, WEBSOCKET) or (ingress == HTTP_API and "http" not in context):  # payload 1.0
            return _is_text((context.get("identity") or {}).get("userArn"))
        found = context.get("authorizer")
        found = found.get("iam") if type(found) is dict else None
        return type(found) is dict and _is_text(found.get("userArn"))


class CustomAuthorizer(Authorizer):
    """Asks a Lambda function of somebody else's: `uri` is its ARN, or the URI that API Gateway calls it by.

    Chalice's form is taken, too: `CustomAuthorizer("name", authorizer_uri=...)`. Callers need all
    `identity_sources`, and an answer is kept for `ttl` seconds for those with the same ones. On an HTTP API
    the function's answer has to have a `context`: by it the view knows that it was asked.
    """

    ingresses = (HTTP_API, REST_API)

    def __init__(
        self,
        uri: str | None = None,
        *,
        authorizer_uri: str | None = None,
        name: str | None = None,
        header: str = "Authorization",
        identity_sources: str | Iterable[str] | None = None,
        ttl: int = TTL,
        ttl_seconds: int | None = None,
        type: str = "request",  # AWS's word
        simple: bool = False,
        invoke_role_arn: str | None = None,
    ) -> None:
        if authorizer_uri is not None:
            name, uri = uri if uri is not None else name, authorizer_uri
        if not isinstance(uri, str) or not _URI.fullmatch(uri):
            why = "write the ARN of a Lambda function, or the URI that ends in '/invocations'."
            raise _refused("CustomAuthorizer", "uri", uri, why)
        self.uri = uri
        self.name = _checked_name("CustomAuthorizer", name)
        sources = f"header.{header}" if identity_sources is None else identity_sources
        self.asked = Asked(
            "CustomAuthorizer", sources, ttl if ttl_seconds is None else ttl_seconds, type, simple
        )
        self.invoke_role_arn = invoke_role_arn

    def admits(self, context: dict[str, Any], ingress: str) -> bool:
        """By what the function has said of the caller."""
        return _is_lambdas(context.get("authorizer"), ingress)

    def declared(self) -> str:
        """With its URI."""
        return f"CustomAuthorizer({self.uri!r})"


class FunctionAuthorizer(Authorizer):
    """A handler of the app's own, under `@app.authorizer`."""

    ingresses = (HTTP_API, REST_API)

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.name = handler.name
        self.asked: Asked = handler.trigger.asked  # type: ignore[attr-defined]  # of the one kind that it is

    def admits(self, context: dict[str, Any], ingress: str) -> bool:
        """By what the handler has said of the caller."""
        return _is_lambdas(context.get("authorizer"), ingress)

    def declared(self) -> str:
        """With the handler's name."""
        return f"@app.authorizer() {self.name!r}"


class Asked:
    """How API Gateway asks a function: when it is called, what it gets, how long its answer is good.

    `identity_sources` are such as "header.Authorization", "query.token" and "context.http.method". `type` is
    "request", or "token", where a REST API hands over the one header alone. `simple` answers say yes or no,
    on HTTP APIs.
    """

    __slots__ = ("identity_sources", "is_simple", "ttl", "type")

    def __init__(self, word: str, identity_sources: Any, ttl: Any, type: Any, simple: Any) -> None:
        self.identity_sources = _texts("identity_sources", identity_sources, ())
        for source in self.identity_sources:
            if not _SOURCE.fullmatch(source):
                why = "write 'header.NAME', 'query.NAME', 'context.NAME' or 'stage.NAME'."
                raise _refused(word, "identity_sources", source, why)
        if type_of(ttl) is not int or not 0 <= ttl <= LONGEST_TTL:
            raise _refused(word, "ttl", ttl, f"AWS takes 0 to {LONGEST_TTL:,} s, as an int.")
        if type not in ("request", "token"):
            raise _refused(word, "type", type, "write 'request' or 'token'.")
        if type == "token" and not (
            len(self.identity_sources) == 1 and self.identity_sources[0].startswith("header.")
        ):
            raise _refused(word, "type", type, "such a one has one identity source, a header.")
        if ttl and not self.identity_sources:
            why = "answers are kept by identity sources, and there are none. Name some, or write ttl=0."
            raise _refused(word, "ttl", ttl, why)
        if type_of(simple) is not bool:
            raise _refused(word, "simple", simple, "write True or False.")
        self.ttl: int = ttl
        self.type: str = type
        self.is_simple: bool = simple


type_of = type  # where an argument has AWS's word for a name

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
_SOURCE = re.compile(r"(?:header|query|context|stage)\.[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def _is_lambdas(found: Any, ingress: str) -> bool:
    """Is `requestContext.authorizer` what API Gateway makes of a function's answer?"""
    if type(found) is not dict:
        return False
    if ingress == HTTP_API and _is_filled(found.get("lambda")):
        return True
    return _is_text(found.get("principalId"))  # payload 1.0


def _is_filled(found: Any) -> bool:
    """Is it an object that says something?"""
    return type(found) is dict and bool(found)


def _is_text(found: Any) -> bool:
    """Is it text that says who somebody is?"""
    return type(found) is str and bool(found)


def _refused(word: str, keyword: str, value: object, why: str) -> RegistrationError:
    return RegistrationError(f"{word}({keyword}={value!r}): {why}")


def _texts(keyword: str, value: object, empty: tuple[str, ...] | None = None) -> tuple[str, ...]:
    values = (value,) if isinstance(value, str) else tuple(value) if hasattr(value, "__iter__") else (None,)
    if not all(isinstance(one, str) and one for one in values) or (not values and empty is None):
        raise RegistrationError(f"{keyword}={value!r}: write one str or a list of them.")
    return values


def _checked_name(word: str, name: object) -> str | None:
    if name is not None and (not isinstance(name, str) or not _NAME.fullmatch(name)):
        raise _refused(word, "name", name, "AWS takes letters, digits, '_', '.' and '-'.")
    return name


def _checked_header(word: str, header: object) -> str:
    if not isinstance(header, str) or not _HEADER.fullmatch(header):
        raise _refused(word, "header", header, "it is the name of a header field.")
    return header
