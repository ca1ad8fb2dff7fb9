"""Who may call a view: what routes declare, what a function answers, what dispatch asks for."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
import werkzeug.test
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerEventV2,
    APIGatewayAuthorizerRequestEvent,
    APIGatewayAuthorizerResponse,
    APIGatewayAuthorizerResponseV2,
    APIGatewayAuthorizerTokenEvent,
    HttpVerb,
)
from hypothesis import given
from hypothesis import strategies as st

from microlambda import (
    App,
    AuthorizerResult,
    AuthRequest,
    AuthResponse,
    AuthRoute,
    Blueprint,
    CognitoUserPoolAuthorizer,
    CustomAuthorizer,
    Forbidden,
    IAMAuthorizer,
    JWTAuthorizer,
    RegistrationError,
    Unauthorized,
    UnknownEvent,
    WrongAnswer,
    request,
)
from microlambda.runtime.auth import authorizer_of
from microlambda.runtime.auth.responses import matches_wildcards
from microlambda.runtime.errors import ConfigurationError

POOL = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Abc123XYZ"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:check"
API = "arn:aws:execute-api:eu-west-1:123456789012:abcdef123"
ARN = f"{API}/dev/GET/users/7"

JWT = JWTAuthorizer("https://issuer.example.com", "shop")
IAM = IAMAuthorizer()


def hello() -> str:
    return "hello"


def check(event: AuthRequest) -> bool:
    return event.token == "Bearer right"


@pytest.fixture
def app() -> App:
    return App("shop")


def authorizers_by_rule(app: App) -> dict[str, Any]:
    return {rule.rule: rule.authorizer for rule in app.route_table}


# What routes, blueprints and apps declare -------------------------------------------------------------


def test_a_route_has_the_authorizer_that_it_was_given_and_others_none(app: App) -> None:
    app.get("/a", authorizer=JWT)(hello)
    app.get("/b")(hello)

    assert authorizers_by_rule(app) == {"/a": JWT, "/b": None}
    assert [rule.is_protected for rule in app.route_table] == [True, False]


def test_the_apps_default_is_for_all_routes_but_those_that_are_open_or_have_their_own(app: App) -> None:
    app.get("/before")(hello)
    app.get("/before/open", authorizer=None)(hello)
    app.default_authorizer = IAM
    app.get("/after")(hello)
    app.get("/after/open", authorizer=None)(hello)
    app.get("/after/own", authorizer=JWT)(hello)

    assert authorizers_by_rule(app) == {
        "/before": IAM,
        "/before/open": None,
        "/after": IAM,
        "/after/open": None,
        "/after/own": JWT,
    }
    assert app.default_authorizer is IAM


def test_a_second_default_is_refused(app: App) -> None:
    app.default_authorizer = IAM

    with pytest.raises(RegistrationError, match=r"app\.default_authorizer is set already"):
        app.default_authorizer = JWT


@pytest.mark.parametrize(
    ("of_blueprint", "of_registration", "expected"),
    [
        pytest.param({}, {}, {"/a": IAM, "/open": None, "/own": JWT}, id="of-the-app"),
        pytest.param({"authorizer": JWT}, {}, {"/a": JWT, "/open": None, "/own": JWT}, id="of-the-blueprint"),
        pytest.param(
            {"authorizer": JWT},
            {"authorizer": check},
            {"/a": check, "/open": None, "/own": JWT},
            id="of-its-registration",
        ),
        pytest.param({"authorizer": None}, {}, {"/a": None, "/open": None, "/own": JWT}, id="open"),
        pytest.param(
            {"authorizer": JWT},
            {"authorizer": None},
            {"/a": None, "/open": None, "/own": JWT},
            id="opened-by-its-registration",
        ),
    ],
)
def test_a_blueprints_authorizer_comes_before_the_apps(
    app: App, of_blueprint: dict[str, Any], of_registration: dict[str, Any], expected: dict[str, Any]
) -> None:
    app.default_authorizer = IAM
    shop = Blueprint("part", **of_blueprint)
    shop.get("/a")(hello)
    shop.get("/open", authorizer=None)(hello)
    shop.get("/own", authorizer=JWT)(hello)

    app.register_blueprint(shop, **of_registration)

    assert authorizers_by_rule(app) == expected


def test_a_nested_blueprint_has_what_the_one_around_it_has(app: App) -> None:
    inner, outer = Blueprint("inner", url_prefix="/inner"), Blueprint("outer", authorizer=JWT)
    inner.get("/a")(hello)
    outer.register_blueprint(inner)
    app.register_blueprint(outer)

    assert authorizers_by_rule(app) == {"/inner/a": JWT}


def test_a_blueprint_that_is_registered_twice_keeps_its_authorizer_methods_and_cors(app: App) -> None:
    """Chalice lost all three the second time, and a protected route became a public GET."""
    shop = Blueprint("part", authorizer=JWT, cors=True)
    shop.post("/a")(hello)

    app.register_blueprint(shop, url_prefix="/one")
    app.register_blueprint(shop, url_prefix="/two", name="two")

    one, two = app.route_table
    assert one.authorizer is two.authorizer is JWT
    assert one.methods == two.methods == {"POST"}
    assert one.cors is not None
    assert two.cors is not None


def test_a_function_is_found_by_the_handler_that_it_is(app: App) -> None:
    part = Blueprint("part")
    part.authorizer("of_part")(check)
    part.get("/a", authorizer=check)(hello)
    app.register_blueprint(part)

    found = authorizer_of(app, check)

    assert (found.name, found.ingresses) == ("part.of_part", ("http-api", "rest-api"))
    assert app.functions == ("http", "part.of_part")


def test_the_decorated_function_stays_a_function(app: App) -> None:
    decorated = app.authorizer()(check)

    assert decorated is check


def test_a_function_that_is_none_is_a_configuration_error_that_names_it(app: App) -> None:
    with pytest.raises(
        ConfigurationError, match=r"check \(.*\) is no authorizer of this App.*@app.authorizer\(\)"
    ):
        authorizer_of(app, check)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param("jwt", r"authorizer='jwt' for '/a' is none\. Give a function", id="text"),
        pytest.param(IAMAuthorizer, "authorizer=IAMAuthorizer for '/a' is the class: make one", id="class"),
    ],
)
def test_what_is_no_authorizer_is_refused(app: App, value: Any, message: str) -> None:
    with pytest.raises(RegistrationError, match=message):
        app.get("/a", authorizer=value)(hello)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda: JWTAuthorizer("issuer", "a"), "issuer='issuer'.*https", id="issuer"),
        pytest.param(lambda: JWTAuthorizer("https://i", []), r"audience=\[\]", id="audience"),
        pytest.param(lambda: JWTAuthorizer("https://i", "a", name="a b"), "name='a b'", id="name"),
        pytest.param(lambda: JWTAuthorizer("https://i", "a", header="a b"), "header='a b'", id="header"),
        pytest.param(lambda: CognitoUserPoolAuthorizer("pool"), "arns='pool'.*ARN of a user pool", id="pool"),
        pytest.param(lambda: CognitoUserPoolAuthorizer(), r"arns=\(\)", id="no-pool"),
        pytest.param(lambda: CustomAuthorizer("check"), "uri='check'.*ARN of a Lambda", id="uri"),
        pytest.param(lambda: CustomAuthorizer(), "uri=None", id="no-uri"),
        pytest.param(lambda: CustomAuthorizer(FUNCTION, ttl=3601), "ttl=3601.*0 to 3,600", id="ttl"),
        pytest.param(
            lambda: CustomAuthorizer(FUNCTION, identity_sources=["Authorization"]),
            r"identity_sources='Authorization'.*'header\.NAME'",
            id="source",
        ),
        pytest.param(
            lambda: CustomAuthorizer(FUNCTION, identity_sources=()), r"ttl=300.*write ttl=0", id="no-source"
        ),
        pytest.param(
            lambda: CustomAuthorizer(FUNCTION, type="token", identity_sources="query.token"),
            "type='token'.*a header",
            id="token",
        ),
        pytest.param(lambda: App().authorizer(type="jwt"), r"type='jwt'\): write 'request'", id="type"),
        pytest.param(
            lambda: App().authorizer(simple=cast(Any, "yes")),
            r"simple='yes'\): write True",
            id="simple",
        ),
        pytest.param(
            lambda: App().on_ws_connect(authorizer=JWT), "authorizer=.*a WebSocket API asks", id="ws"
        ),
        pytest.param(lambda: AuthRoute("users"), r"AuthRoute\('users'\): a path starts with '/'", id="route"),
    ],
)
def test_what_aws_would_refuse_is_refused_at_once(make: Any, message: str) -> None:
    with pytest.raises((RegistrationError, WrongAnswer), match=message):
        make()


def test_chalices_forms_are_taken() -> None:
    pool = CognitoUserPoolAuthorizer("MyPool", provider_arns=[POOL], scopes=["read"], header="X-Token")
    custom = CustomAuthorizer("MyCustom", header="X-Token", authorizer_uri=FUNCTION, ttl_seconds=60)

    assert (pool.name, pool.arns, pool.scopes, pool.header) == ("MyPool", (POOL,), ("read",), "X-Token")
    assert (custom.name, custom.uri, custom.asked.ttl) == ("MyCustom", FUNCTION, 60)
    assert custom.asked.identity_sources == ("header.X-Token",)
    assert pool.with_scopes(["write"]).scopes == ("write",)
    assert pool.scopes == ("read",)


# What a function is asked and answers ------------------------------------------------------------------


def token_event(token: str | None = "Bearer right") -> dict[str, Any]:
    return {"type": "TOKEN", "authorizationToken": token, "methodArn": ARN}


def request_event(**changes: Any) -> dict[str, Any]:
    return {
        "type": "REQUEST",
        "methodArn": ARN,
        "resource": "/users/{id}",
        "path": "/users/7",
        "httpMethod": "GET",
        "headers": {"Authorization": "Bearer right", "X-Kind": "a"},
        "multiValueHeaders": {"Authorization": ["Bearer right"], "X-Kind": ["a"]},
        "queryStringParameters": {"token": "t1"},
        "multiValueQueryStringParameters": {"token": ["t1"]},
        "pathParameters": {"id": "7"},
        "stageVariables": None,
        "requestContext": {"stage": "dev", "path": "/dev/users/7", "resourcePath": "/users/{id}"},
        **changes,
    }


def http_event(**changes: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": f"{API}/$default/GET/users/7",
        "identitySource": ["Bearer right"],
        "routeKey": "GET /users/{id}",
        "rawPath": "/users/7",
        "rawQueryString": "token=t1",
        "headers": {"authorization": "Bearer right", "x-kind": "a"},
        "requestContext": {
            "stage": "$default",
            "domainName": "abcdef123.execute-api.eu-west-1.amazonaws.com",
            "http": {"method": "GET", "path": "/users/7", "sourceIp": "1.2.3.4"},
        },
        **changes,
    }


QUESTIONS = {"token": token_event(), "request": request_event(), "http": http_event()}


@pytest.mark.parametrize("event", [pytest.param(event, id=name) for name, event in QUESTIONS.items()])
def test_a_question_is_read_as_powertools_reads_it(app: App, event: dict[str, Any]) -> None:
    seen: list[AuthRequest] = []

    @app.authorizer()
    def check(event: AuthRequest) -> bool:
        seen.append(event)
        return True

    app(event, None)

    (ours,) = seen
    if event["type"] == "TOKEN":
        token = APIGatewayAuthorizerTokenEvent(event)
        assert ours.token == token.authorization_token
        assert (ours.method_arn, ours.auth_type) == (token.method_arn, token.get("type"))
        assert (ours.request, dict(ours.headers), dict(ours.args)) == (None, {}, {})
    elif "version" in event:
        new = APIGatewayAuthorizerEventV2(event)
        assert [ours.token] == new.identity_source
        assert (ours.method_arn, ours.path) == (new.route_arn, new.raw_path)
        assert ours.headers["X-Kind"] == new.headers["x-kind"]
        assert ours.args["token"] == "t1"
    else:
        old = APIGatewayAuthorizerRequestEvent(event)
        assert ours.token == old.headers["authorization"]
        assert (ours.method_arn, ours.path) == (old.method_arn, old.path)
        assert ours.args["token"] == old.query_string_parameters["token"]
    assert (ours.method, ours.path) == ("GET", "/users/7")
    assert repr(ours) == f"<AuthRequest {event['type']} for GET /users/7>"
    assert "right" not in repr(ours)


def test_the_request_is_that_of_the_caller_while_the_function_runs(app: App) -> None:
    @app.authorizer()
    def check(event: AuthRequest) -> bool:
        return request.headers["x-kind"] == "a" and request.path == "/users/7"

    assert app(http_event(), None)["policyDocument"]["Statement"][0]["Effect"] == "Allow"


def answer(app: App, value: Any, event: dict[str, Any], **options: Any) -> Any:
    @app.authorizer(**options)
    def check(event: AuthRequest) -> Any:
        if isinstance(value, BaseException):
            raise value
        return value

    return app(event, None)


@pytest.mark.parametrize("event", [pytest.param(event, id=name) for name, event in QUESTIONS.items()])
def test_an_answer_is_the_policy_that_powertools_makes(app: App, event: dict[str, Any]) -> None:
    arn = event.get("methodArn") or event["routeArn"]
    theirs = APIGatewayAuthorizerResponse.from_route_arn(
        arn=arn, principal_id="ann", context={"tenant": "t1"}
    )
    theirs.allow_route(http_method=HttpVerb.GET.value, resource="/users/*")
    theirs.allow_route(http_method=HttpVerb.POST.value, resource="/orders")
    expected = theirs.asdict()

    response = AuthResponse(
        [AuthRoute("/users/<int:id>", ["GET"]), AuthRoute("/orders", "post")], "ann", {"tenant": "t1"}
    )
    ours = answer(app, response, event)

    assert ours["principalId"] == expected["principalId"]
    assert statements(ours) == statements(expected)
    own = {"principalId": "ann"} if "version" in event else {}
    assert ours["context"] == {**own, **expected["context"]}


def statements(policy: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [
        (one["Effect"], one["Action"], sorted(one["Resource"]))
        for one in policy["policyDocument"]["Statement"]
    ]


@pytest.mark.parametrize(
    ("value", "effect", "resources"),
    [
        pytest.param(True, "Allow", [f"{API}/dev/*"], id="true"),
        pytest.param(False, "Deny", [f"{API}/dev/*"], id="false"),
        pytest.param(AuthResponse(), "Allow", [f"{API}/dev/*"], id="all"),
        pytest.param(AuthResponse([]), "Deny", [f"{API}/dev/*"], id="none"),
        pytest.param(AuthResponse("/"), "Allow", [f"{API}/dev/*/"], id="root"),
        pytest.param(AuthResponse("/a/{rest+}"), "Allow", [f"{API}/dev/*/a/*"], id="the-rest"),
        pytest.param(Forbidden("no"), "Deny", [f"{API}/dev/*"], id="forbidden"),
    ],
)
def test_what_is_answered_allows_or_denies(app: App, value: Any, effect: str, resources: list[str]) -> None:
    assert statements(answer(app, value, token_event())) == [(effect, "execute-api:Invoke", resources)]


def test_simple_answers_are_powertools_too(app: App) -> None:
    expected = APIGatewayAuthorizerResponseV2(authorize=True, context={"tenant": "t1"}).asdict()

    ours = answer(app, AuthResponse("*", "ann", {"tenant": "t1"}), http_event(), simple=True)

    assert ours == {**expected, "context": {"principalId": "ann", **expected["context"]}}


@pytest.mark.parametrize(("path", "allowed"), [("/users/<id>", True), ("/orders", False)])
def test_a_simple_answer_for_some_routes_is_for_this_request_alone(
    app: App, path: str, allowed: bool
) -> None:
    ours = answer(app, AuthResponse(path), http_event(), simple=True, ttl=0)

    assert ours["isAuthorized"] is allowed


def test_a_simple_answer_for_some_routes_that_would_be_kept_for_all_is_refused(app: App) -> None:
    with pytest.raises(WrongAnswer, match="'check' allows some routes.*ttl=0, or leave simple=True out"):
        answer(app, AuthResponse("/users/<id>"), http_event(), simple=True)


def test_an_authorizer_that_is_simple_answers_a_rest_api_by_a_policy(app: App) -> None:
    assert "policyDocument" in answer(app, AuthResponse(), token_event(), simple=True)


def test_unauthorized_is_the_error_with_the_message_that_api_gateway_knows(app: App) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$") as told:
        answer(app, Unauthorized("the signature is wrong"), token_event())

    assert str(told.value) == "Unauthorized"


def test_another_error_fails_the_invocation(app: App) -> None:
    with pytest.raises(ValueError, match="broken"):
        answer(app, ValueError("broken"), token_event())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param(None, "answered a NoneType", id="none"),
        pytest.param("ann", "answered a str", id="text"),
        pytest.param({"allow": True}, "answered a dict", id="dict"),
        pytest.param(AuthResponse(context={"roles": ["a"]}), "a list as 'roles'", id="nested"),
        pytest.param(AuthResponse(context={"a": "b" * 9_000}), "more than the 8,192 characters", id="large"),
    ],
)
def test_what_api_gateway_would_not_take_is_a_wrong_answer(app: App, value: Any, message: str) -> None:
    with pytest.raises(WrongAnswer, match=f"the authorizer 'check'.*{message}"):
        answer(app, value, request_event())


def test_what_aws_documents_is_taken_as_it_is(app: App) -> None:
    policy = {"principalId": "ann", "policyDocument": {"Version": "2012-10-17", "Statement": []}}

    assert answer(app, policy, token_event()) == policy


@pytest.mark.parametrize(
    ("said", "context"),
    [
        pytest.param({"isAuthorized": True}, {"principalId": "user"}, id="simple"),
        pytest.param({"isAuthorized": True, "context": {}}, {"principalId": "user"}, id="empty"),
        pytest.param(
            {"principalId": "ann", "policyDocument": {"Statement": []}}, {"principalId": "ann"}, id="policy"
        ),
        pytest.param(
            {"isAuthorized": True, "context": {"tenant": "t1"}},
            {"principalId": "user", "tenant": "t1"},
            id="context",
        ),
        pytest.param(
            {"isAuthorized": True, "context": {"principalId": "bob"}},
            {"principalId": "bob"},
            id="own-principal",
        ),
    ],
)
def test_what_aws_documents_for_an_http_api_gets_a_context_by_which_the_view_is_reached(
    app: App, said: dict[str, Any], context: dict[str, str]
) -> None:
    assert answer(app, said, http_event()) == {**said, "context": context}


@pytest.mark.parametrize("options", [{"simple": True, "ttl": 0}, {}], ids=["simple", "policy"])
def test_a_context_does_not_change_who_the_caller_is(app: App, options: dict[str, Any]) -> None:
    said = AuthResponse("*", "ann", {"principalId": "root"})

    assert answer(app, said, http_event(), **options)["context"] == {"principalId": "ann"}


@pytest.mark.parametrize(
    ("sources", "token"),
    [
        (["header.Authorization"], "Bearer right"),
        (["query.token", "header.Authorization"], "t1"),
        (["context.identity.sourceIp"], ""),
    ],
)
def test_the_token_is_the_first_identity_source(app: App, sources: list[str], token: str) -> None:
    seen = []

    @app.authorizer(identity_sources=sources)
    def check(event: AuthRequest) -> bool:
        seen.append(event.token)
        return True

    app(request_event(), None)

    assert seen == [token]


def test_a_question_that_cannot_be_read_says_so(app: App) -> None:
    app.authorizer()(check)

    with pytest.raises(UnknownEvent, match=r"has the marks of one of authorizer.* KeyError: '\w+'\.$"):
        app({"type": "REQUEST", "methodArn": ARN, "headers": {}}, None)


def test_two_authorizers_in_one_function_are_told_apart_by_its_name_alone(app: App) -> None:
    app.authorizer("first")(lambda event: True)
    app.authorizer("second")(lambda event: False)

    assert statements(app.handler("second")(token_event(), None))[0][0] == "Deny"
    with pytest.raises(Exception, match="'first' and 'second', and nothing in it says for which"):
        app(token_event(), None)


@given(st.text("ab*?/.", max_size=12), st.text("ab/.", max_size=12))
def test_wildcards_are_those_of_fnmatch_without_its_brackets(pattern: str, text: str) -> None:
    import fnmatch

    assert matches_wildcards(pattern, text) == fnmatch.fnmatchcase(text, pattern)


def test_a_long_path_does_not_keep_the_authorizer_long() -> None:
    response = AuthResponse([AuthRoute("/a/<x>/b/<y>/c/<z>/d/<rest>/e")])

    assert not response.allows("GET", f"/a/{'b/c/d/' * 1_500}")
    assert response.allows("GET", f"/a/{'b/c/d/' * 1_500}e")


# What dispatch asks for ----------------------------------------------------------------------------------


def event_for(ingress: str, context: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An event that came through the view's own route, unless `changes` say otherwise."""
    if ingress == "rest-api":
        event: dict[str, Any] = {
            "resource": "/users/{id}",
            "path": "/users/7",
            "httpMethod": "GET",
            "headers": {},
            "requestContext": {"stage": "dev", "path": "/dev/users/7", **context},
        }
    else:
        host = "execute-api" if ingress == "http-api" else "lambda-url"
        event = {
            "version": "2.0",
            "routeKey": "GET /users/{id}" if ingress == "http-api" else "$default",
            "rawPath": "/users/7",
            "rawQueryString": "",
            "headers": {},
            "requestContext": {
                "stage": "$default",
                "domainName": f"x.{host}.eu-west-1.on.aws",
                "http": {"method": "GET", "path": "/users/7", "sourceIp": "1.2.3.4"},
                **context,
            },
        }
    return {**event, **changes}


CLAIMS = {"sub": "ann", "scope": "read write"}
CUSTOM = CustomAuthorizer(FUNCTION)
POOLS = CognitoUserPoolAuthorizer(POOL)

#: What each authorizer leaves in an event, by ingress.
RESULTS: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "jwt": (JWT, "http-api", {"authorizer": {"jwt": {"claims": CLAIMS, "scopes": None}}}),
    "function-http": (check, "http-api", {"authorizer": {"lambda": {"principalId": "ann", "tenant": "t1"}}}),
    "function-rest": (check, "rest-api", {"authorizer": {"principalId": "ann", "tenant": "t1"}}),
    "custom-http": (CUSTOM, "http-api", {"authorizer": {"lambda": {"tenant": "t1"}}}),
    "custom-rest": (CUSTOM, "rest-api", {"authorizer": {"principalId": "ann", "integrationLatency": 7}}),
    "cognito": (POOLS, "rest-api", {"authorizer": {"claims": CLAIMS}}),
    "iam-http": (IAM, "http-api", {"authorizer": {"iam": {"userArn": "arn:aws:iam::1:user/ann"}}}),
    "iam-rest": (IAM, "rest-api", {"identity": {"userArn": "arn:aws:iam::1:user/ann"}}),
    "iam-url": (IAM, "function-url", {"authorizer": {"iam": {"userArn": "arn:aws:iam::1:user/ann"}}}),
}
OF = ("authorizer", "ingress", "context")
ALL = pytest.mark.parametrize(OF, [pytest.param(*one, id=name) for name, one in RESULTS.items()])
#: A Function URL has one route for everything, at which it asks.
OF_ROUTES = pytest.mark.parametrize(
    OF, [pytest.param(*one, id=name) for name, one in RESULTS.items() if one[1] != "function-url"]
)


@pytest.fixture
def reached(app: App) -> list[str]:
    """Give the list of the ids that the protected view was called with."""
    app.authorizer()(check)
    return []


def protect(app: App, reached: list[str], authorizer: Any) -> None:
    @app.get("/users/<id>", authorizer=authorizer)
    def user(id: str) -> dict[str, Any]:
        reached.append(id)
        found = request.authorizer
        assert found is not None
        return {"principal": found.principal, "claims": found.claims, "context": found.context}


@ALL
def test_a_view_runs_for_what_its_authorizer_let_in(
    app: App, reached: list[str], authorizer: Any, ingress: str, context: dict[str, Any]
) -> None:
    protect(app, reached, authorizer)

    answer = app(event_for(ingress, context), None)

    assert (answer["statusCode"], reached) == (200, ["7"])
    told = json.loads(answer["body"])
    if authorizer is not CUSTOM:
        assert told["principal"] in ("ann", "arn:aws:iam::1:user/ann")
    assert told["claims"] == (CLAIMS if authorizer in (JWT, POOLS) else {})
    if authorizer is check:
        assert told["context"] == {"tenant": "t1"}


@ALL
@pytest.mark.parametrize(
    "emptied",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"authorizer": None, "identity": None}, id="null"),
        pytest.param({"authorizer": {}, "identity": {}}, id="empty"),
        pytest.param({"authorizer": "ann", "identity": {"userArn": None}}, id="text"),
        pytest.param({"authorizer": {"jwt": None, "iam": None, "claims": None}}, id="empty-results"),
        pytest.param({"authorizer": {"jwt": {}, "iam": {}, "claims": "ann"}}, id="results-without-anybody"),
        pytest.param({"authorizer": [], "identity": {"sourceIp": "1.2.3.4"}}, id="list"),
    ],
)
def test_without_its_authorizers_result_no_view_runs(
    app: App,
    reached: list[str],
    authorizer: Any,
    ingress: str,
    context: dict[str, Any],
    emptied: dict[str, Any],
) -> None:
    del context
    protect(app, reached, authorizer)

    answer = app(event_for(ingress, emptied), None)

    assert reached == []
    if authorizer is IAM:
        assert answer["statusCode"] == 403
    else:
        assert answer["statusCode"] == 401
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        assert headers["www-authenticate"] == "Bearer"


@OF_ROUTES
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"routeKey": "$default", "resource": "/{proxy+}"}, id="catch-all"),
        pytest.param({"routeKey": "GET /users/{other}", "resource": "/users/{other}"}, id="other-name"),
        pytest.param({"routeKey": "POST /users/{id}", "resource": "/users"}, id="other-method"),
        pytest.param({"routeKey": "ANY /users/{id}", "resource": None}, id="any"),
        pytest.param({"routeKey": None, "resource": ""}, id="none"),
    ],
)
def test_through_another_route_no_view_runs(
    app: App,
    reached: list[str],
    authorizer: Any,
    ingress: str,
    context: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    protect(app, reached, authorizer)

    answer = app(event_for(ingress, context, **changes), None)

    assert (answer["statusCode"], reached) == (403, [])


@ALL
def test_on_an_ingress_that_cannot_ask_no_view_runs(
    app: App, reached: list[str], authorizer: Any, ingress: str, context: dict[str, Any]
) -> None:
    del ingress
    protect(app, reached, authorizer)
    balanced = {
        "requestContext": {"elb": {"targetGroupArn": "arn"}, **context},
        **{"httpMethod": "GET", "path": "/users/7", "headers": {}, "queryStringParameters": {}},
        **{"resource": "/users/{id}", "routeKey": "GET /users/{id}", "body": "", "isBase64Encoded": False},
    }

    assert app(balanced, None)["statusCode"] in (401, 403)
    assert reached == []


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"authorizer": JWT}, 401),
        ({"authorizer": POOLS}, 401),
        ({"authorizer": CUSTOM}, 401),
        ({"authorizer": IAM}, 403),
        ({"api_key_required": True}, 403),
    ],
)
def test_behind_a_wsgi_server_nobody_is_asked_and_no_view_runs(
    app: App, options: dict[str, Any], status: int
) -> None:
    app.get("/users/<id>", **options)(lambda **_: "hello")
    client = werkzeug.test.Client(app.wsgi)

    answer = client.get("/users/7", headers={"Authorization": "Bearer right", "X-Api-Key": "k" * 20})

    assert answer.status_code == status


def test_the_view_is_asked_for_before_hooks_and_middleware_see_the_request(app: App) -> None:
    seen: list[str] = []
    app.before_request(lambda: seen.append("before"))
    app.get("/users/<id>", authorizer=JWT)(lambda **_: "hello")

    answer = app(event_for("http-api", {}), None)

    assert (answer["statusCode"], seen) == (401, [])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        pytest.param(
            {"principalId": "ann", "integrationLatency": 7, "claims": "c", "scopes": "a b", "iam": "i"},
            ("ann", {}, [], {"claims": "c", "scopes": "a b", "iam": "i"}),
            id="names-of-a-tokens-in-payload-1.0",
        ),
        pytest.param(
            {"principalId": "ann", "jwt": "j", "lambda": "l"},
            ("ann", {}, [], {"jwt": "j", "lambda": "l"}),
            id="names-of-kinds-in-payload-1.0",
        ),
        pytest.param(
            {"claims": None, "scopes": None, "principalId": "ann", "tenant": "t1"},
            ("ann", {}, [], {"tenant": "t1"}),
            id="nulls-of-an-http-api-in-payload-1.0",
        ),
        pytest.param(
            {"claims": {"sub": "ann"}, "scopes": ["a"]}, ("ann", {"sub": "ann"}, ["a"], {}), id="token-in-1.0"
        ),
        pytest.param(
            {"lambda": {"principalId": "ann", "claims": {"a": 1}, "scopes": ["a"]}},
            ("ann", {}, [], {"claims": {"a": 1}, "scopes": ["a"]}),
            id="names-of-a-tokens-in-payload-2.0",
        ),
        pytest.param({"lambda": None}, (None, {}, [], {}), id="null"),
    ],
)
def test_what_a_function_says_is_its_context_whatever_it_calls_it(said: dict[str, Any], told: Any) -> None:
    found = AuthorizerResult(said)

    assert (found.principal, found.claims, found.scopes, found.context) == told


def test_an_open_view_knows_of_no_authorizer(app: App) -> None:
    app.get("/users/<id>")(lambda **_: {"authorizer": request.authorizer})

    assert json.loads(app(event_for("http-api", {}), None)["body"]) == {"authorizer": None}


def test_an_app_with_an_authorizer_that_is_none_answers_500_and_runs_no_view(app: App) -> None:
    app.get("/users/<id>", authorizer=check)(lambda **_: "hello")

    assert app(event_for("http-api", {"authorizer": {"lambda": {}}}), None)["statusCode"] == 500
