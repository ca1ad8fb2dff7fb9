"""Functions that decide at the gateway: Powertools reads what they are asked, and writes what they answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import (
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
)
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerEventV2,
    APIGatewayAuthorizerRequestEvent,
    APIGatewayAuthorizerResponse,
    APIGatewayAuthorizerResponseV2,
    APIGatewayAuthorizerTokenEvent,
    APIGatewayRouteArn,
    parse_api_gateway_arn,
)

from microlambda.emulator.gateway import Api
from microlambda.emulator.gateway.access import Access, clock
from microlambda.emulator.gateway.access.cache import AuthorizerCache
from microlambda.emulator.gateway.access.jwks import no_keys
from microlambda.emulator.gateway.guards import Authorizer, Guard
from microlambda.emulator.gateway.protection import Protection
from microlambda.emulator.gateway.resources import Resources
from microlambda.emulator.gateway.routes import Routes
from microlambda.emulator.invocation import Invocation

from .gateways import Front

HTTP = Authorizer(
    name="check",
    type="REQUEST",
    identity_sources=("$request.header.Authorization",),
    function="check",
    ttl=300,
)
REST = replace(HTTP, identity_sources=("method.request.header.Authorization",))
TOKEN = replace(REST, type="TOKEN")
SIMPLE = replace(HTTP, is_simple=True)

#: By ingress, the authorizer that most tests have there.
ON = {"http-api": HTTP, "http-api-1.0": HTTP, "rest-api": REST}

KEY = "0123456789abcdefghij"


class Function:
    """What the gateway asks: it keeps the questions, and gives one answer, or fails."""

    def __init__(self, answer: Any = None) -> None:
        self.questions: list[dict[str, Any]] = []
        self.names: list[str] = []
        self.answer = allowing() if answer is None else answer
        self.error: dict[str, Any] | bytes | None = None
        self.timed_out = False

    def __call__(self, name: str, payload: bytes) -> Invocation:
        self.names.append(name)
        self.questions.append(json.loads(payload))
        said = self.answer(self.questions[-1]) if callable(self.answer) else self.answer
        said = said if self.error is None else self.error
        return Invocation(
            request_id="r-2",
            payload=said if isinstance(said, bytes) else json.dumps(said).encode(),
            function_error=None if self.error is None else "Unhandled",
            timed_out=self.timed_out,
            duration=12.6,
        )


def allowing(
    resource: str = "*", *, context: Any = None, effect: str = "Allow", **members: Any
) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    answer: dict[str, Any] = {"principalId": "ann", "policyDocument": {"Statement": [statement]}, **members}
    return answer if context is None else {**answer, "context": context}


def front(
    function: Function, authorizer: Authorizer = HTTP, ingress: str = "http-api", **options: Any
) -> Front:
    """A gateway whose GET on /admin and /other is for those whom the function lets in."""
    guard = Guard(authorization="CUSTOM", authorizer=authorizer.name, api_key=options.pop("api_key", False))
    stage = options.pop("stage", "dev")
    api = Api(
        stage=stage,
        resources=Resources(
            guards={"/": {}, "/admin": {"GET": guard}, "/other": {"GET": guard}},
            find_key=lambda value: "id" if value == KEY else None,
        ),
        routes=Routes(guards={"GET /admin": guard, "GET /other": guard}),
    )
    access = Access(
        authorizers={authorizer.name: authorizer},
        ask=function,
        find_keys=no_keys,
        cache=options.pop("cache", None) or AuthorizerCache(),
    )
    return Front(ingress, api=api, decider=access, **options)


def ask(gateway: Front, target: str = "/admin", sent: str | None = "Bearer right", **more: str) -> Any:
    fields = () if sent is None else (("Authorization", sent),)
    return gateway.send("GET", target, *fields, *more.items())


# What is asked ---------------------------------------------------------------------------------------


def test_a_token_alone_is_the_question_of_a_token_authorizer() -> None:
    function = Function()

    assert ask(front(function, TOKEN, "rest-api"), "/admin/?x=1").status == 200

    (question,) = function.questions
    assert sorted(question) == ["authorizationToken", "methodArn", "type"]
    read = APIGatewayAuthorizerTokenEvent(question)
    assert read.authorization_token == "Bearer right"
    assert read.parsed_arn.arn == "arn:aws:execute-api:us-east-1:123456789012:local12345/dev/GET/admin"
    assert function.names == ["check"]


def test_a_rest_apis_question_has_the_request() -> None:
    function = Function()

    ask(front(function, REST, "rest-api"), "/admin?x=1&x=2&y=%20", Cookie="a=b")

    (question,) = function.questions
    read = APIGatewayAuthorizerRequestEvent(question)
    assert (question["type"], read.resource, read.path, read.http_method) == (
        "REQUEST",
        "/admin",
        "/admin",
        "GET",
    )
    assert read.parsed_arn.arn == f"{Api(stage='dev').arn}/GET/admin"
    assert read.headers["cookie"] == "a=b"
    assert question["multiValueQueryStringParameters"] == {"x": ["1", "2"], "y": [" "]}
    assert (read.query_string_parameters["x"], read.path_parameters, read.stage_variables) == ("2", {}, {})
    assert read.request_context.stage == "dev"
    assert read.request_context.identity.source_ip == "203.0.113.7"
    assert "authorizer" not in question["requestContext"]
    assert not question.keys() & {"body", "isBase64Encoded", "version"}


@pytest.mark.parametrize("ingress", ["http-api", "http-api-1.0"])
def test_an_http_apis_question_is_payload_2_whatever_the_function_behind_gets(ingress: str) -> None:
    function = Function()

    ask(front(function, HTTP, ingress), "/%61dmin?x=1&x=2", Cookie="a=b; c=d")

    (question,) = function.questions
    read = APIGatewayAuthorizerEventV2(question)
    assert (question["version"], question["type"]) == ("2.0", "REQUEST")
    assert (read.route_key, read.raw_path, read.raw_query_string) == ("GET /admin", "/admin", "x=1&x=2")
    assert read.identity_source == ["Bearer right"]
    assert read.cookies == ["a=b", "c=d"]
    assert read.query_string_parameters == {"x": "1,2"}
    assert read.request_context.http.method == "GET"
    assert read.parsed_arn.arn == f"{Api(stage='dev').arn}/GET/admin"
    assert not question.keys() & {"body", "isBase64Encoded"}


def test_the_question_has_the_variables_of_the_path() -> None:
    function = Function()
    guard = Guard(authorization="CUSTOM", authorizer="check")
    for ingress, api in {
        "http-api": Api(routes=Routes(guards={"GET /users/{id}": guard})),
        "rest-api": Api(resources=Resources(guards={"/": {}, "/users": {}, "/users/{id}": {"GET": guard}})),
    }.items():
        access = Access(authorizers={"check": ON[ingress]}, ask=function, find_keys=no_keys)
        assert ask(Front(ingress, api=api, decider=access), "/users/7").status == 200

    assert [one["pathParameters"] for one in function.questions] == [{"id": "7"}, {"id": "7"}]


def test_an_authorizer_without_identity_sources_is_asked_about_everybody() -> None:
    function = Function()
    gateway = front(function, replace(HTTP, identity_sources=()))

    assert [ask(gateway, sent=None).status for _ in range(2)] == [200, 200]
    assert [one["identitySource"] for one in function.questions] == [None, None]


# Identity sources ------------------------------------------------------------------------------------

SOURCES: dict[str, tuple[str, tuple[str, str], tuple[str, str]]] = {
    # an identity source, and (target, header) without it and with it
    "http-header": ("$request.header.X-Who", ("/admin", ""), ("/admin", "ann")),
    "http-query": ("$request.querystring.who", ("/admin?other=1&who=", ""), ("/admin?who=%61nn", "")),
    "http-context": ("$context.authorizer.none", ("/admin", ""), ("", "")),
    "rest-header": ("method.request.header.X-Who", ("/admin", " "), ("/admin", "ann")),
    "rest-query": ("method.request.querystring.who", ("/admin?who", ""), ("/admin?who=ann", "")),
    "rest-stage": ("stageVariables.who", ("/admin?stageVariables.who=a", ""), ("", "")),
}


@pytest.mark.parametrize(("source", "without", "having"), SOURCES.values(), ids=SOURCES)
def test_without_one_of_its_identity_sources_the_function_is_not_asked(
    source: str, without: tuple[str, str], having: tuple[str, str]
) -> None:
    ingress = "http-api" if source[0] == "$" else "rest-api"
    function = Function()
    made = replace(ON[ingress], identity_sources=(*ON[ingress].identity_sources, source))
    gateway = front(function, made, ingress)

    target, who = without
    answer = ask(gateway, target, **{"X-Who": who})

    assert (answer.status, json.loads(answer.body)) == (401, {"message": "Unauthorized"})
    assert (function.questions, gateway.events) == ([], [])
    assert gateway.reasons[-1].endswith(f"check is not asked: the request has no {source}")
    if having[0]:
        target, who = having
        assert ask(gateway, target, **{"X-Who": who}).status == 200
        assert ask(gateway, target, None, **{"X-Who": who}).status == 401
        assert len(function.questions) == 1


@pytest.mark.parametrize(
    ("ingress", "source", "value"),
    [
        ("http-api", "$context.routeKey", "GET /admin"),
        ("http-api", "$context.httpMethod", "GET"),
        ("http-api", "$context.identity.sourceIp", "203.0.113.7"),
        ("http-api", "$request.header.x-two", "a,b"),
    ],
)
def test_what_is_in_the_sources_is_in_the_question(ingress: str, source: str, value: str) -> None:
    function = Function()
    gateway = front(function, replace(HTTP, identity_sources=(source,)), ingress)

    gateway.send("GET", "/admin", ("X-Two", "a"), ("X-Two", "b"))

    assert function.questions[0]["identitySource"] == [value]


def test_a_token_authorizer_without_a_source_lets_nobody_in() -> None:
    function = Function()
    gateway = front(function, replace(TOKEN, identity_sources=()), "rest-api")

    assert ask(gateway).status == 500
    assert function.questions == []


# What is answered ------------------------------------------------------------------------------------


def powertools_policy(question: dict[str, Any]) -> Any:
    arn = question.get("methodArn") or question["routeArn"]
    made = APIGatewayAuthorizerResponse.from_route_arn(arn=arn, principal_id="ann", context={"tenant": "t1"})
    made.allow_route(http_method="GET", resource="/adm*")
    made.deny_route(http_method="POST", resource="/other")
    return made.asdict()


@pytest.mark.parametrize(
    ("ingress", "authorizer"),
    [("http-api", HTTP), ("http-api-1.0", HTTP), ("rest-api", REST), ("rest-api", TOKEN)],
    ids=["http-api", "http-api-1.0", "rest-api", "token"],
)
def test_a_policy_that_powertools_makes_lets_in_where_it_says_so(
    ingress: str, authorizer: Authorizer
) -> None:
    gateway = front(Function(powertools_policy), authorizer, ingress)

    assert ask(gateway, "/admin").status == 200
    assert ask(gateway, "/other").status == 403
    assert len(gateway.events) == 1


@pytest.mark.parametrize("ingress", ["http-api", "http-api-1.0"])
@pytest.mark.parametrize(("allowed", "status"), [(True, 200), (False, 403)])
def test_simple_answers_that_powertools_makes_say_yes_and_no(
    ingress: str, allowed: bool, status: int
) -> None:
    said = APIGatewayAuthorizerResponseV2(authorize=allowed, context={"tenant": "t1"}).asdict()
    gateway = front(Function(said), SIMPLE, ingress)

    answer = ask(gateway)

    assert answer.status == status
    if not allowed:
        assert (json.loads(answer.body), gateway.events) == ({"message": "Forbidden"}, [])


def test_all_that_powertools_denies_is_denied() -> None:
    def denying(question: dict[str, Any]) -> Any:
        parsed = parse_api_gateway_arn(question["methodArn"])
        assert isinstance(parsed, APIGatewayRouteArn)
        made = APIGatewayAuthorizerResponse(
            principal_id="ann",
            region=parsed.region,
            aws_account_id=parsed.aws_account_id,
            api_id=parsed.api_id,
            stage=parsed.stage,
        )
        made.deny_all_routes()
        return made.asdict()

    answer = ask(front(Function(denying), REST, "rest-api"))

    assert answer.status == 403


REFUSALS: dict[str, tuple[str, str]] = {
    "Deny": ("is not authorized", "with an explicit deny in an identity-based policy"),
    "Allow": ("is not authorized", "because no identity-based policy allows the execute-api:Invoke action"),
}


@pytest.mark.parametrize("effect", REFUSALS)
def test_a_rest_api_says_why_a_policy_does_not_let_in(effect: str) -> None:
    resource = "*" if effect == "Deny" else f"{Api(stage='dev').arn}/POST/*"
    gateway = front(Function(allowing(resource, effect=effect)), REST, "rest-api")

    answer = ask(gateway)

    said = json.loads(answer.body)
    assert (answer.status, list(said)) == (403, ["Message"])
    assert all(part in said["Message"] for part in REFUSALS[effect])
    assert dict(answer.headers)["x-amzn-ErrorType"] == "AccessDeniedException"
    assert gateway.events == []


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
def test_an_http_api_says_that_it_is_forbidden(effect: str) -> None:
    resource = "*" if effect == "Deny" else f"{Api(stage='dev').arn}/POST/*"
    gateway = front(Function(allowing(resource, effect=effect)))

    answer = ask(gateway)

    assert (answer.status, json.loads(answer.body)) == (403, {"message": "Forbidden"})


def test_a_condition_lets_nobody_in_and_the_developer_is_told() -> None:
    said = allowing()
    said["policyDocument"]["Statement"][0]["Condition"] = {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}
    gateway = front(Function(said), REST, "rest-api")

    assert ask(gateway).status == 403
    assert "a Condition is not evaluated here, and lets nobody in" in gateway.reasons[-1]


@pytest.mark.parametrize("ingress", ON)
def test_an_error_of_the_one_message_is_401_and_any_other_500(ingress: str) -> None:
    function = Function()
    gateway = front(function, ON[ingress], ingress)
    told = []
    for error in (
        {"errorMessage": "Unauthorized", "errorType": "Exception"},
        {"errorMessage": "unauthorized", "errorType": "Exception"},
        {"errorMessage": "Unauthorized.", "errorType": "Unauthorized"},
        {"errorMessage": None},
        b"\xff not JSON",
        b"[" * 100_000,
    ):
        function.error = error
        answer = ask(gateway)
        told.append((answer.status, json.loads(answer.body)))

    failed = {"message": None} if ingress == "rest-api" else {"message": "Internal Server Error"}
    assert told == [(401, {"message": "Unauthorized"}), *[(500, failed)] * 5]
    assert gateway.events == []
    assert len(function.questions) == 6  # nothing of that is kept


def test_a_function_that_runs_out_of_time_lets_nobody_in() -> None:
    function = Function()
    function.timed_out = True
    gateway = front(function, REST, "rest-api")

    answer = ask(gateway)

    assert (answer.status, answer.body) == (500, b'{"message":null}')
    assert dict(answer.headers)["x-amzn-ErrorType"] == "AuthorizerConfigurationException"
    assert gateway.reasons[-1].endswith("check ran out of its time")


ALLOW = {"Action": "*", "Effect": "Allow", "Resource": "*"}

MALFORMED: dict[str, Any] = {
    "null": b"null",
    "nothing": b"",
    "text": b'"yes"',
    "true": b"true",
    "a list": b"[]",
    "not JSON": b"{",
    "endless": b"[" * 100_000,
    "no policy": {"principalId": "ann"},
    "a policy in text": {"principalId": "ann", "policyDocument": json.dumps({"Statement": [ALLOW]})},
    "no statement": {"principalId": "ann", "policyDocument": {}},
    "an effect of another case": {
        "principalId": "ann",
        "policyDocument": {"Statement": [{**ALLOW, "Effect": "allow"}]},
    },
    "no action": {
        "principalId": "ann",
        "policyDocument": {"Statement": [{"Effect": "Allow", "Resource": "*"}]},
    },
    "simple, and not asked for": {"isAuthorized": True, "principalId": "ann"},
    "a context that is none": allowing(context="admin"),
}


@pytest.mark.parametrize("ingress", ON)
@pytest.mark.parametrize("said", MALFORMED.values(), ids=MALFORMED)
def test_an_answer_that_is_none_lets_nobody_in(ingress: str, said: Any) -> None:
    function = Function(said)
    gateway = front(function, ON[ingress], ingress)

    assert [ask(gateway).status for _ in range(2)] == [500, 500]
    assert (gateway.events, len(function.questions)) == ([], 2)
    assert "check answered what is none: " in gateway.reasons[-1]


@pytest.mark.parametrize(
    "said",
    [
        {"policyDocument": {"Statement": [ALLOW]}},
        allowing(principalId=None),
        allowing(principalId=""),
        allowing(principalId=7),
        allowing(context={"roles": ["a"]}),
        allowing(context={"user": {"id": 1}}),
    ],
    ids=["no-principal", "null", "empty", "a-number", "a-list", "an-object"],
)
def test_a_rest_api_needs_a_principal_and_a_flat_context(said: dict[str, Any]) -> None:
    gateway = front(Function(said), REST, "rest-api")
    assert (ask(gateway).status, gateway.events) == (500, [])

    assert ask(front(Function(said))).status == 200


@pytest.mark.parametrize("said", ["true", 1, None, "yes", []])
def test_a_simple_answer_is_true_or_false(said: Any) -> None:
    gateway = front(Function({"isAuthorized": said}), SIMPLE)

    assert (ask(gateway).status, gateway.events) == (500, [])


def test_a_policy_is_none_where_simple_answers_are_switched_on() -> None:
    gateway = front(Function(allowing()), SIMPLE)

    assert (ask(gateway).status, gateway.events) == (500, [])


# What is kept ----------------------------------------------------------------------------------------


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets the clock to so many seconds after the first."""
    monkeypatch.setattr(clock, "now", lambda: 1_000_000.0)
    return lambda after: monkeypatch.setattr(clock, "now", lambda: 1_000_000.0 + after)


@pytest.mark.parametrize("ingress", ON)
def test_an_answer_is_kept_for_its_time(ingress: str, moment: Callable[[float], None]) -> None:
    function = Function()
    gateway = front(function, ON[ingress], ingress)
    asked = []
    for after in (0, 299.9, 300, 301, 600, 0):
        moment(after)
        assert ask(gateway).status == 200
        asked.append(len(function.questions))

    assert asked == [1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    "authorizer", [replace(HTTP, ttl=0), replace(HTTP, identity_sources=())], ids=["ttl-0", "no-sources"]
)
def test_an_answer_is_not_kept_where_nothing_says_so(authorizer: Authorizer) -> None:
    function = Function()
    gateway = front(function, authorizer)

    assert [ask(gateway).status for _ in range(3)] == [200] * 3
    assert len(function.questions) == 3


def test_an_answer_is_for_those_with_the_same_identity_sources() -> None:
    function = Function(lambda question: allowing(effect="Allow" if "right" in str(question) else "Deny"))
    authorizer = replace(
        HTTP, identity_sources=("$request.header.Authorization", "$request.querystring.tenant")
    )
    gateway = front(function, authorizer)

    told = [
        ask(gateway, target, sent).status
        for target in ("/admin?tenant=a", "/admin?tenant=b")
        for sent in ("right", "wrong", "right", "wrong")
    ]

    assert told == [200, 403] * 4
    assert len(function.questions) == 4


def test_values_do_not_run_into_each_other() -> None:
    """`a,b` in one header is not `a` and `b` in two, nor are two sources one with a comma."""
    function = Function()
    authorizer = replace(HTTP, identity_sources=("$request.header.X-One", "$request.header.X-Two"))
    gateway = front(function, authorizer)
    for fields in (
        [("X-One", "a,b"), ("X-Two", "c")],
        [("X-One", "a"), ("X-Two", "b,c")],
        [("X-One", "a"), ("X-One", "b"), ("X-Two", "c")],
    ):
        assert gateway.send("GET", "/admin", *fields).status == 200

    assert len(function.questions) == 3


def test_a_policy_that_is_kept_is_judged_for_each_request() -> None:
    """As on AWS, an answer for one path alone keeps its caller from the next one."""
    function = Function(lambda question: allowing(question.get("methodArn") or question["routeArn"]))
    for ingress, authorizer in ON.items():
        gateway = front(function, authorizer, ingress)
        assert [ask(gateway, path).status for path in ("/admin", "/other", "/admin")] == [200, 403, 200]

    assert len(function.questions) == len(ON)


def test_a_simple_answer_that_is_kept_is_good_for_all_routes() -> None:
    function = Function({"isAuthorized": True})
    gateway = front(function, SIMPLE)

    assert [ask(gateway, path).status for path in ("/admin", "/other")] == [200, 200]
    assert len(function.questions) == 1


def test_each_stage_and_authorizer_has_answers_of_its_own() -> None:
    cache, function = AuthorizerCache(), Function()
    for stage, name in (("dev", "check"), ("prod", "check"), ("prod", "other"), ("dev", "check")):
        gateway = front(function, replace(REST, name=name), "rest-api", stage=stage, cache=cache)
        assert ask(gateway).status == 200

    assert len(function.questions) == 3


def test_old_answers_do_not_pile_up(moment: Callable[[float], None]) -> None:
    cache = AuthorizerCache()
    for number in range(1_000):
        cache.put(number, number, 10)
    moment(11)
    cache.put("new", 1, 10)

    assert (len(cache._kept), cache.get("new"), cache.get(5)) == (1, 1, None)


# What the view is told -------------------------------------------------------------------------------

CONTEXT = {"tenant": "t1", "count": 7, "share": 0.5, "admin": True, "none": None}


def test_the_view_on_a_rest_api_is_told_in_text() -> None:
    gateway = front(Function(allowing(context={**CONTEXT, "principalId": "forged"})), REST, "rest-api")

    ask(gateway)

    (event,) = gateway.events
    assert event["requestContext"]["authorizer"] == {
        "principalId": "ann",
        "integrationLatency": 12,
        "tenant": "t1",
        "count": "7",
        "share": "0.5",
        "admin": "true",
        "none": None,
    }
    assert APIGatewayProxyEvent(event).request_context.authorizer.get("tenant") == "t1"


def test_the_view_on_an_http_api_is_told_the_context_as_it_is() -> None:
    nested = {**CONTEXT, "roles": ["a", "b"], "user": {"id": 1}}
    gateway = front(Function(allowing(context=nested)))

    ask(gateway)

    (event,) = gateway.events
    assert event["requestContext"]["authorizer"] == {"lambda": nested}
    assert APIGatewayProxyEventV2(event).request_context.authorizer.get_lambda == nested


def test_payload_1_of_an_http_api_has_the_context_flat() -> None:
    gateway = front(Function(allowing(context=CONTEXT)), HTTP, "http-api-1.0")

    ask(gateway)

    assert gateway.events[0]["requestContext"]["authorizer"] == {"claims": None, "scopes": None, **CONTEXT}


@pytest.mark.parametrize("context", [None, {}])
def test_the_view_on_an_http_api_is_told_null_where_the_function_says_nothing(context: Any) -> None:
    gateway = front(Function(allowing(context=context)))

    assert ask(gateway).status == 200
    assert gateway.events[0]["requestContext"]["authorizer"] == {"lambda": None}


# Who is asked at all ---------------------------------------------------------------------------------


def test_a_function_of_somebody_elses_is_not_here() -> None:
    gateway = front(Function(), replace(REST, function=None, uri="arn:aws:lambda:x"), "rest-api")

    assert ask(gateway).status == 401
    assert "somebody else's function, arn:aws:lambda:x, which nothing here can ask" in gateway.reasons[-1]


@pytest.mark.parametrize("ingress", ON)
def test_an_authorizer_that_is_not_there_lets_nobody_in(ingress: str) -> None:
    function = Function()
    gateway = front(function, ON[ingress], ingress)
    gateway.gateway.decider = Access(authorizers={}, ask=function, find_keys=no_keys)

    assert ask(gateway).status == 500
    assert (function.questions, gateway.events) == ([], [])
    assert gateway.reasons[-1].endswith("the API has no authorizer 'check'")


def test_an_authorizer_of_an_unknown_type_lets_nobody_in() -> None:
    gateway = front(Function(), replace(HTTP, type="MAGIC"))

    assert (ask(gateway).status, gateway.events) == (500, [])


@pytest.mark.parametrize("ingress", [*ON, "function-url"])
def test_a_gateway_that_nothing_decides_for_lets_nobody_in(ingress: str) -> None:
    guard = Guard(authorization="AWS_IAM")
    api = Api(
        resources=Resources(guards={"/": {}, "/admin": {"GET": guard}}),
        routes=Routes(guards={"GET /admin": guard}, default=guard),
    )
    gateway = Front(ingress, api=api)

    assert ask(gateway).status in (401, 403)
    assert gateway.events == []


def test_the_authorizer_comes_before_the_api_key() -> None:
    function = Function()
    gateway = front(function, REST, "rest-api", api_key=True)

    assert ask(gateway, sent=None, **{"X-Api-Key": KEY}).status == 401
    answer = ask(gateway)
    assert (answer.status, json.loads(answer.body)) == (403, {"message": "Forbidden"})
    assert len(function.questions) == 1
    assert ask(gateway, **{"X-Api-Key": KEY}).status == 200
    context = gateway.events[0]["requestContext"]
    assert (context["authorizer"]["principalId"], context["identity"]["apiKeyId"]) == ("ann", "id")


def test_what_is_open_is_asked_of_nobody() -> None:
    function = Function()
    for ingress, authorizer in ON.items():
        gateway = front(function, authorizer, ingress)
        assert gateway.send("GET", "/").status == 200
        assert gateway.send("POST", "/admin").status == 200

    assert function.questions == []


# As data ---------------------------------------------------------------------------------------------


def test_guards_and_authorizers_come_as_json() -> None:
    guard = Guard(api_key=True, authorization="JWT", authorizer="a", scopes=("x", "y"))
    pools = Authorizer(
        name="pools", type="COGNITO_USER_POOLS", identity_sources=("a", "b"), providers=("arn",)
    )
    for made in (HTTP, TOKEN, SIMPLE, replace(HTTP, issuer="i", audience=("a",)), pools):
        assert Authorizer.from_document(json.loads(json.dumps(asdict(made)))) == made
    assert Guard.from_document(json.loads(json.dumps(asdict(guard)))) == guard
    assert Guard.from_document({}) == Guard()
    assert Authorizer.from_document({"name": "a", "type": "JWT"}) == Authorizer(name="a", type="JWT")


def test_what_an_api_asks_comes_as_json() -> None:
    guard = {"authorization": "AWS_IAM"}
    http = Protection.from_document({"routes": {"GET /admin": guard}, "default": guard})
    rest = Protection.from_document({"resources": {"/admin": {"GET": guard}}})

    assert http.of(Api(), lambda _value: None).routes == Routes(
        guards={"GET /admin": Guard(authorization="AWS_IAM")}, default=Guard(authorization="AWS_IAM")
    )
    assert rest.of(Api(), lambda _value: None).resources.guard("GET", "/admin/").authorization == "AWS_IAM"
    assert (http.asks, rest.asks, Protection.from_document({"unasked": ["x"]}).asks) == (True, True, False)
