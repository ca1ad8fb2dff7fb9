"""Signatures at the gateway: botocore makes them, and every part of what was signed counts."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
    LambdaFunctionUrlEvent,
)
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given, settings
from hypothesis import strategies as st

from microlambda.emulator.gateway import Api
from microlambda.emulator.gateway.access import Access, clock
from microlambda.emulator.gateway.access.jwks import no_keys
from microlambda.emulator.gateway.access.principals import Principal
from microlambda.emulator.gateway.guards import IAM, Guard
from microlambda.emulator.gateway.resources import Resources
from microlambda.emulator.gateway.routes import Routes
from microlambda.emulator.messages import HttpRequest

from .gateways import Front

HOST = "api.example.com"
ANN = Principal(
    access_key="AKIAANN",
    secret="ann's secret",
    account_id="111122223333",
    user_id="AIDAANN",
    arn="arn:aws:iam::111122223333:user/ann",
)
ROLE = replace(ANN, access_key="ASIAROLE", token="to+ken/=", arn="arn:aws:sts::111122223333:assumed-role/r/s")
KNOWN = {one.access_key: one for one in (ANN, ROLE)}
INGRESSES = ("http-api", "http-api-1.0", "rest-api", "function-url")


def front(ingress: str = "rest-api") -> Front:
    """A gateway that asks for a signature everywhere."""
    guard = Guard(authorization=IAM)
    guards = {"ANY": guard}
    api = Api(
        region="eu-west-1",
        resources=Resources(guards={"/": guards, "/{proxy+}": guards}),
        routes=Routes(default=guard),
    )
    access = Access(authorizers={}, ask=_nobody, find_keys=no_keys, find_principal=KNOWN.get)
    return Front(ingress, api=api, decider=access)


def _nobody(name: str, event: bytes) -> Any:
    raise AssertionError(f"{name} was asked")


def signed(
    method: str = "GET",
    target: str = "/",
    *fields: tuple[str, str],
    body: bytes = b"",
    by: Principal = ANN,
    service: str = "execute-api",
    region: str = "eu-west-1",
    signer: Any = SigV4Auth,
) -> HttpRequest:
    """A request that botocore has signed."""
    made = AWSRequest(method=method, url=f"https://{HOST}{target}", data=body, headers={"Host": HOST})
    for name, value in fields:
        made.headers.add_header(name, value)
    signer(Credentials(by.access_key, by.secret, by.token), service, region).add_auth(made)
    return HttpRequest(
        method=method,
        target=made.url.removeprefix(f"https://{HOST}"),
        headers=tuple((name, str(value)) for name, value in made.headers.items()),
        body=body,
    )


def changed(request: HttpRequest, name: str, value: str | None) -> HttpRequest:
    """The request with another value of a header, or without it."""
    others = [pair for pair in request.headers if pair[0].lower() != name.lower()]
    return replace(request, headers=(*others, *([] if value is None else [(name, value)])))


def handled(request: HttpRequest, ingress: str = "rest-api") -> tuple[int, Any, list[Any]]:
    gateway = front(ingress)
    answer = gateway.gateway.handle(request)
    return answer.status, answer.body, gateway.events


# Let in ----------------------------------------------------------------------------------------------

_SEGMENTS = st.lists(st.text(st.sampled_from("aZ0-._~ +%&=,;:@é/*"), min_size=1, max_size=6), max_size=4)
_WORDS = st.text(st.sampled_from("aZ09-._~ +%&=/?,;:@é"), max_size=6)
_VALUES = st.text(st.sampled_from("aZ09 ,;=\"'()é"), max_size=8).map(str.strip)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    target = "/" + "/".join(
        quote(segment, safe=draw(st.sampled_from(["", "~:@+,;="]))) for segment in draw(_SEGMENTS)
    )
    query = draw(st.lists(st.tuples(_WORDS.filter(bool), _WORDS), max_size=4, unique_by=lambda pair: pair[0]))
    if query:
        target += "?" + "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in query)
    return {
        "method": draw(st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])),
        "target": target,
        "fields": draw(st.lists(st.tuples(st.sampled_from(["X-One", "x-two"]), _VALUES), max_size=3)),
        "body": draw(st.binary(max_size=20)),
        "by": draw(st.sampled_from([ANN, ROLE])),
    }


def wired(request: HttpRequest) -> HttpRequest:
    """The request as it is on the wire: header values in bytes of UTF-8, one character each."""
    fields = tuple((name, value.encode().decode("latin-1")) for name, value in request.headers)
    return replace(request, headers=fields)


@settings(max_examples=150, deadline=None)
@given(made=requests())
def test_whatever_botocore_signs_is_let_in(made: dict[str, Any]) -> None:
    request = signed(made["method"], made["target"], *made["fields"], body=made["body"], by=made["by"])

    status, body, events = handled(wired(request))

    assert (status, len(events)) == (200, 1), body
    assert events[0]["requestContext"]["identity"]["userArn"] == made["by"].arn


@settings(max_examples=150, deadline=None)
@given(made=requests())
def test_whatever_botocore_signs_in_the_query_is_let_in(made: dict[str, Any]) -> None:
    fields = [pair for pair in made["fields"] if pair[1]]
    request = signed(made["method"], made["target"], *fields, by=made["by"], signer=SigV4QueryAuth)

    status, body, events = handled(wired(request))

    assert (status, len(events)) == (200, 1), body


@pytest.mark.parametrize("ingress", INGRESSES)
def test_each_ingress_takes_the_service_that_it_is(ingress: str) -> None:
    own, other = ("lambda", "execute-api") if ingress == "function-url" else ("execute-api", "lambda")

    assert handled(signed(service=own), ingress)[0] == 200
    assert handled(signed(service=other), ingress)[0] == 403


def test_fields_that_are_not_signed_may_change_on_the_way() -> None:
    request = signed("GET", "/a", ("User-Agent", "one"))

    assert handled(changed(request, "User-Agent", "two"))[0] == 200
    assert handled(replace(request, headers=(*request.headers, ("X-Forwarded-For", "1.2.3.4"))))[0] == 200


def test_a_hash_of_the_body_that_is_declared_has_to_be_right() -> None:
    right = "6ae8a75555209fd6c44157c0aed8016e763ff435a19cf186f76863140143ff72"  # of "test content"

    assert handled(signed("POST", "/", ("X-Amz-Content-SHA256", right), body=b"test content"))[0] == 200
    for declared in ("UNSIGNED-PAYLOAD", "0" * 64, right.upper()):
        request = signed("POST", "/", ("X-Amz-Content-SHA256", declared), body=b"test content")
        assert handled(request)[0] == 403, declared


# Refused ---------------------------------------------------------------------------------------------

BASE = ("POST", "/users/7?a=1&b=2%2F", ("X-One", "one two"), ("Content-Type", "text/plain"))
Change = Callable[[HttpRequest], HttpRequest]


def in_authorization(old: str, new: str) -> Change:
    def change(request: HttpRequest) -> HttpRequest:
        sent = request.header("authorization") or ""
        assert old in sent
        return changed(request, "Authorization", sent.replace(old, new))

    return change


def day_of(request: HttpRequest) -> str:
    return (request.header("x-amz-date") or "")[:8]


def later(date: str) -> str:
    """The same moment, a second later."""
    return f"{date[:-2]}{(int(date[-2]) + 1) % 10}Z"


CHANGES: dict[str, Change] = {
    "method": lambda request: replace(request, method="PUT"),
    "path": lambda request: replace(request, target="/users/8?a=1&b=2%2F"),
    "path-with-a-slash": lambda request: replace(request, target="/users/7/?a=1&b=2%2F"),
    "path-encoded": lambda request: replace(request, target="/users/%37?a=1&b=2%2F"),
    "path-in-capitals": lambda request: replace(request, target="/Users/7?a=1&b=2%2F"),
    "query-value": lambda request: replace(request, target="/users/7?a=2&b=2%2F"),
    "query-key": lambda request: replace(request, target="/users/7?aa=1&b=2%2F"),
    "query-less": lambda request: replace(request, target="/users/7?a=1"),
    "query-none": lambda request: replace(request, target="/users/7"),
    "query-more": lambda request: replace(request, target=f"{request.target}&c=3"),
    "query-twice": lambda request: replace(request, target=f"{request.target}&a=1"),
    "query-empty-piece": lambda request: replace(request, target=f"{request.target}&"),
    "query-decoded": lambda request: replace(request, target="/users/7?a=1&b=2%252F"),
    "body": lambda request: replace(request, body=b"Body"),
    "body-more": lambda request: replace(request, body=b"body "),
    "body-none": lambda request: replace(request, body=b""),
    "field": lambda request: changed(request, "X-One", "one"),
    "field-more": lambda request: replace(request, headers=(*request.headers, ("x-one", "more"))),
    "field-gone": lambda request: changed(request, "X-One", None),
    "content-type": lambda request: changed(request, "Content-Type", "text/html"),
    "host": lambda request: changed(request, "Host", "other.example.com"),
    "host-gone": lambda request: changed(request, "Host", None),
    "date": lambda request: changed(request, "X-Amz-Date", later(request.header("x-amz-date") or "")),
    "date-gone": lambda request: changed(request, "X-Amz-Date", None),
    "date-of-another-form": lambda request: changed(request, "X-Amz-Date", "Fri, 27 Nov 2026 20:00:00 GMT"),
    "date-twice": lambda request: replace(request, headers=(*request.headers, ("X-Amz-Date", "x"))),
    "date-impossible": lambda request: changed(
        in_authorization(f"/{day_of(request)}/", "/20261345/")(request), "X-Amz-Date", "20261345T000000Z"
    ),
    "key": in_authorization("AKIAANN", "AKIAEVE"),
    "key-of-another": in_authorization("AKIAANN", "ASIAROLE"),
    "scopes-date": lambda request: in_authorization(f"/{day_of(request)}/", "/20200101/")(request),
    "scopes-region": in_authorization("eu-west-1", "us-east-1"),
    "scopes-service": in_authorization("execute-api", "lambda"),
    "scopes-end": in_authorization("aws4_request", "aws5_request"),
    "signed-fields-less": in_authorization(";x-one", ""),
    "signed-fields-twice": in_authorization(";x-one", ";x-one;x-one"),
    "signed-fields-without-host": in_authorization("host;", ""),
    "signed-fields-more": in_authorization(";x-one", ";x-one;x-two"),
    "algorithm": in_authorization("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
    "signature-in-capitals": lambda request: changed(
        request,
        "Authorization",
        "Signature=".join(
            part.upper() if number else part
            for number, part in enumerate((request.header("authorization") or "").split("Signature="))
        ),
    ),
    "a-second-signature": lambda request: changed(
        request, "Authorization", f"{request.header('authorization')}, Signature={'0' * 64}"
    ),
    "a-token-that-the-key-has-not": lambda request: replace(
        request, headers=(*request.headers, ("X-Amz-Security-Token", "x"))
    ),
    "two-authorizations": lambda request: replace(
        request, headers=(*request.headers, ("Authorization", "Bearer x"))
    ),
}


@pytest.mark.parametrize("ingress", ["rest-api", "http-api"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_request_of_which_one_part_was_changed_is_refused(ingress: str, change: Change) -> None:
    request = signed(*BASE, body=b"body")
    assert handled(request, ingress)[0] == 200

    status, _, events = handled(change(request), ingress)

    assert (status, events) == (403, [])


def test_each_character_of_the_signature_counts() -> None:
    request = signed(*BASE)
    sent = request.header("authorization") or ""
    start = sent.index("Signature=") + len("Signature=")
    assert len(sent) == start + 64
    for place in range(start, len(sent)):
        other = "0" if sent[place] != "0" else "1"
        one = changed(request, "Authorization", sent[:place] + other + sent[place + 1 :])
        assert handled(one)[0] == 403, place
    assert handled(changed(request, "Authorization", sent[:-1]))[0] == 403


@settings(max_examples=100, deadline=None)
@given(made=requests(), data=st.data())
def test_another_secret_signs_nothing(made: dict[str, Any], data: st.DataObject) -> None:
    secret = data.draw(st.text(min_size=1, max_size=20).filter(lambda text: text != ANN.secret))
    request = signed(made["method"], made["target"], by=replace(ANN, secret=secret))

    assert handled(wired(request))[0] == 403


@pytest.mark.parametrize("token", [None, "other", ""])
def test_a_temporary_key_needs_its_token(token: str | None) -> None:
    request = signed(by=replace(ROLE, token=token))

    assert handled(request)[0] == 403
    assert handled(changed(signed(by=ROLE), "X-Amz-Security-Token", token))[0] == 403


def test_a_key_of_this_machine_may_come_without_its_token() -> None:
    lenient = replace(ROLE, needs_token=False)
    access = Access(authorizers={}, ask=_nobody, find_keys=no_keys, find_principal={"ASIAROLE": lenient}.get)
    gateway = front()
    gateway.gateway.decider = access

    for token, status in ((None, 200), (ROLE.token, 200), ("other", 403)):
        assert gateway.gateway.handle(signed(by=replace(ROLE, token=token))).status == status


QUERY_CHANGES: dict[str, tuple[str, str]] = {
    "path": ("/users/7", "/users/8"),
    "query": ("a=1", "a=2"),
    "key": ("AKIAANN", "AKIAEVE"),
    "service": ("execute-api", "lambda"),
    "region": ("eu-west-1", "us-east-1"),
    "expires": ("X-Amz-Expires=3600", "X-Amz-Expires=3601"),
    "expires-never": ("X-Amz-Expires=3600", "X-Amz-Expires=-1"),
    "expires-twice": ("X-Amz-Expires=3600", "X-Amz-Expires=3600&X-Amz-Expires=3600"),
    "algorithm": ("X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Algorithm=none"),
    "no-algorithm": ("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""),
    "no-signed-fields": ("X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders="),
    "signature-empty": ("X-Amz-Signature=", "X-Amz-Signature=&x="),
    "signature-twice": ("X-Amz-Signature=", "X-Amz-Signature=0&X-Amz-Signature="),
    "signature-encoded": ("X-Amz-Signature", "X%2DAmz-Signature"),
    "signature-in-small-letters": ("X-Amz-Signature", "x-amz-signature"),
}


@pytest.mark.parametrize(("old", "new"), QUERY_CHANGES.values(), ids=QUERY_CHANGES)
def test_a_signed_url_of_which_one_part_was_changed_is_refused(old: str, new: str) -> None:
    request = signed("GET", "/users/7?a=1", signer=SigV4QueryAuth)
    assert handled(request)[0] == 200
    assert old in request.target

    status, _, events = handled(replace(request, target=request.target.replace(old, new, 1)))

    assert (status, events) == (403, [])


def test_a_signed_url_is_not_for_another_body() -> None:
    request = signed("POST", "/", signer=SigV4QueryAuth)

    assert handled(replace(request, body=b"x"))[0] == 403


@pytest.mark.parametrize(("minutes", "status"), [(-4.9, 200), (4.9, 200), (-5.1, 403), (5.1, 403), (90, 403)])
@pytest.mark.parametrize("signer", [SigV4Auth, SigV4QueryAuth])
def test_a_signature_is_good_for_five_minutes(
    monkeypatch: pytest.MonkeyPatch, minutes: float, status: int, signer: Any
) -> None:
    request = signed(signer=signer)
    arrives = time.time() + minutes * 60
    monkeypatch.setattr(clock, "now", lambda: arrives)

    found, body, _ = handled(request)

    assert found == status
    if status == 403:
        words = "Signature expired" if minutes > 0 else "Signature not yet current"
        assert words in json.loads(body)["message"]
        assert json.loads(body)["message"].endswith(f"{'-' if minutes > 0 else '+'} 5 min.)")


def test_a_signed_url_may_be_good_for_less(monkeypatch: pytest.MonkeyPatch) -> None:
    def signer(*given: Any) -> Any:
        return SigV4QueryAuth(*given, expires=60)

    request = signed(signer=signer)
    arrives = time.time() + 90
    monkeypatch.setattr(clock, "now", lambda: arrives)

    assert handled(request)[0] == 403


# What the caller is told -----------------------------------------------------------------------------

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
    "Access Key and signing method. Consult the service documentation for details."
)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        pytest.param(
            lambda: HttpRequest(method="GET", target="/", headers=(("Host", HOST),)),
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
            id="unsigned",
        ),
        pytest.param(
            lambda: signed(by=replace(ANN, access_key="AKIAEVE")),
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
            id="unknown-key",
        ),
        pytest.param(
            lambda: signed(by=replace(ANN, secret="x")), "InvalidSignatureException", MISMATCH, id="secret"
        ),
        pytest.param(
            lambda: signed(region="us-east-1"),
            "InvalidSignatureException",
            "Credential should be scoped to a valid region, not 'us-east-1'. ",
            id="region",
        ),
        pytest.param(
            lambda: signed(service="s3"),
            "InvalidSignatureException",
            "Credential should be scoped to correct service: 'execute-api'. ",
            id="service",
        ),
        pytest.param(
            lambda: changed(signed(), "Authorization", "AWS4-HMAC-SHA256 Credential=x"),
            "IncompleteSignatureException",
            "Authorization header requires 'Signature' parameter. "
            "Authorization header requires 'SignedHeaders' parameter.",
            id="incomplete",
        ),
        pytest.param(
            lambda: changed(signed(), "Authorization", "Bearer s3cr3t"),
            "IncompleteSignatureException",
            "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and "
            "encoded with Base64): 'PIUzxshFjYdEka/7VYzb7ttczdjnkpxNrrnJLFj5uFs='.",
            id="bearer",
        ),
    ],
)
def test_a_rest_api_says_what_was_recorded(make: Callable[[], HttpRequest], kind: str, message: str) -> None:
    gateway = front()

    answer = gateway.gateway.handle(make())

    assert answer.header("x-amzn-errortype") == kind
    assert (answer.status, json.loads(answer.body)) == (403, {"message": message})
    assert "s3cr3t" not in gateway.reasons[0]


@pytest.mark.parametrize("ingress", ["http-api", "http-api-1.0"])
@pytest.mark.parametrize("secret", [None, "x", ANN.secret])
def test_a_http_api_says_forbidden(ingress: str, secret: str | None) -> None:
    bare = HttpRequest(method="GET", target="/", headers=(("Host", HOST),))
    request = bare if secret is None else signed(by=replace(ANN, secret=secret), service="s3")

    assert handled(request, ingress) == (403, b'{"message":"Forbidden"}', [])


def test_a_url_says_what_was_recorded() -> None:
    bare = HttpRequest(method="GET", target="/", headers=(("Host", HOST),))

    assert json.loads(handled(bare, "function-url")[1])["Message"].startswith(
        "Forbidden. For troubleshooting"
    )
    wrong = handled(signed(by=replace(ANN, secret="x"), service="lambda"), "function-url")
    assert json.loads(wrong[1]) == {"message": MISMATCH}


# What the event tells --------------------------------------------------------------------------------


@pytest.mark.parametrize("ingress", ["rest-api", "http-api-1.0"])
def test_powertools_reads_the_caller_of_payload_1(ingress: str) -> None:
    event = APIGatewayProxyEvent(handled(signed(), ingress)[2][0])

    identity = event.request_context.identity
    assert (identity.access_key, identity.account_id, identity.caller, identity.user, identity.user_arn) == (
        ANN.access_key,
        ANN.account_id,
        ANN.user_id,
        ANN.user_id,
        ANN.arn,
    )


@pytest.mark.parametrize("ingress", ["http-api", "function-url"])
def test_powertools_reads_the_caller_of_payload_2(ingress: str) -> None:
    service = "lambda" if ingress == "function-url" else "execute-api"
    reader = APIGatewayProxyEventV2 if ingress == "http-api" else LambdaFunctionUrlEvent
    event = reader(handled(signed(service=service), ingress)[2][0])

    authorizer = event.request_context.authorizer
    assert authorizer is not None
    iam = authorizer.iam
    assert iam is not None
    assert (iam.access_key, iam.account_id, iam.caller_id, iam.user_id, iam.user_arn) == (
        ANN.access_key,
        ANN.account_id,
        ANN.user_id,
        ANN.user_id,
        ANN.arn,
    )
    if ingress == "function-url":
        assert event.request_context.account_id == ANN.account_id
