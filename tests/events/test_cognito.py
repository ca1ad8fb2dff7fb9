"""`@app.on_cognito`: the triggers, the answer, the event; Powertools reads what we build."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import cognito_user_pool_event as powertools
from botocore.session import get_session

from microlambda import App, CognitoEvent, RegistrationError, UnknownEvent, WrongAnswer
from microlambda.emulator.events.cognito import SOURCES, build

POOL = "eu-west-1_Abc123XYZ"
ARN = f"arn:aws:cognito-idp:eu-west-1:123456789012:userpool/{POOL}"
TRIGGERS = list(SOURCES)
SENDERS = ("CustomEmailSender", "CustomSMSSender")
EVERY_SOURCE = [
    pytest.param(trigger, source, id=f"{trigger}, {source}")
    for trigger in SOURCES
    for source in SOURCES[trigger]
]

#: What Powertools calls the triggers, where it is not Cognito's name; InboundFederation it has not.
POWERTOOLS = {
    "PreTokenGeneration": "PreTokenGenerationTriggerEvent",
    "PreTokenGenerationV2": "PreTokenGenerationV2TriggerEvent",
    "PreTokenGenerationV3": "PreTokenGenerationV2TriggerEvent",
    "InboundFederation": "BaseTriggerEvent",
}


@pytest.mark.parametrize(("trigger", "source"), EVERY_SOURCE)
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound", "inferred"])
def test_the_handler_answers_the_event(app: App, trigger: str, source: str, is_bound: bool) -> None:
    seen: list[str] = []

    @app.on_cognito(trigger)
    def handle(event: CognitoEvent) -> CognitoEvent:
        seen.append(event.trigger_source)
        event.response["mark"] = True
        return event

    raw = build(trigger, source=source)
    result = (app.handler("handle") if is_bound else app)(raw, None)

    assert seen == [source]
    if trigger in SENDERS:  # invoked asynchronously: nobody reads it
        assert result is None
    else:
        assert result == {**raw, "response": {**raw["response"], "mark": True}}


SNAKE = {
    "PreSignUp": "pre_sign_up",
    "PostConfirmation": "post_confirmation",
    "PreAuthentication": "pre_authentication",
    "PostAuthentication": "post_authentication",
    "DefineAuthChallenge": "define_auth_challenge",
    "CreateAuthChallenge": "create_auth_challenge",
    "VerifyAuthChallengeResponse": "verify_auth_challenge_response",
    "PreTokenGeneration": "pre_token_generation",
    "PreTokenGenerationV2": "pre_token_generation_v2",
    "PreTokenGenerationV3": "pre_token_generation_v3",
    "UserMigration": "user_migration",
    "CustomMessage": "custom_message",
    "CustomEmailSender": "custom_email_sender",
    "CustomSMSSender": "custom_sms_sender",
    "InboundFederation": "inbound_federation",
}


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_every_trigger_has_its_snake_case_name(app: App, trigger: str) -> None:
    app.on_cognito(SNAKE[trigger])(lambda event: event)

    (handler,) = app.handlers.values()
    declared: Any = handler.trigger
    assert declared.trigger == trigger.removesuffix("V2").removesuffix("V3")
    assert declared.declared() == f"@app.on_cognito(trigger={SNAKE[trigger]!r})"


def test_the_triggers_are_those_that_aws_has() -> None:
    """By AWS's own model of the service."""
    model: Any = get_session().get_component("data_loader").load_service_model("cognito-idp", "service-2")
    members = set(model["shapes"]["LambdaConfigType"]["members"]) - {"KMSKeyID", "PreTokenGenerationConfig"}
    versions = model["shapes"]["PreTokenGenerationLambdaVersionType"]["enum"]

    app = App("all")
    for number, trigger in enumerate(TRIGGERS):
        app.on_cognito(trigger, user_pool=f"eu-west-1_{number}", name=trigger)(lambda event: event)

    declared: list[Any] = [handler.trigger for handler in app.handlers.values()]
    assert {one.trigger for one in declared} == members
    assert [one.lambda_version for one in declared if one.trigger == "PreTokenGeneration"] == versions


@pytest.mark.parametrize(("trigger", "source"), EVERY_SOURCE)
def test_powertools_reads_every_event_and_reads_the_same_as_we(trigger: str, source: str) -> None:
    raw = build(
        trigger, source=source, user_pool=POOL, user_name="zoë", attributes={"email": "z@example.com"}
    )

    ours = CognitoEvent(raw)
    theirs: Any = getattr(powertools, POWERTOOLS.get(trigger, f"{trigger}TriggerEvent"))(raw)
    assert ours.trigger_source == theirs.trigger_source == source
    assert ours.user_pool_id == theirs.user_pool_id == POOL
    assert ours.user_name == theirs.user_name == "zoë"
    assert ours.region == theirs.region == "eu-west-1"
    assert ours.version == theirs.version
    assert ours.client_id == theirs.caller_context.client_id
    assert ours.caller_context["awsSdkVersion"] == theirs.caller_context.aws_sdk_version
    if trigger not in ("UserMigration", "InboundFederation"):
        assert ours.user_attributes == theirs.request.user_attributes
        assert ours.user_attributes["email"] == "z@example.com"
    else:
        assert ours.user_attributes == {}


@pytest.mark.parametrize(
    ("trigger", "part", "names"),
    [
        pytest.param("PreSignUp", "request", ["validation_data", "client_metadata"], id="sign-up"),
        pytest.param(
            "PreSignUp",
            "response",
            ["auto_confirm_user", "auto_verify_email", "auto_verify_phone"],
            id="sign-up's answer",
        ),
        pytest.param("PostAuthentication", "request", ["new_device_used"], id="authentication"),
        pytest.param("DefineAuthChallenge", "request", ["session"], id="define"),
        pytest.param(
            "DefineAuthChallenge",
            "response",
            ["challenge_name", "issue_tokens", "fail_authentication"],
            id="define's answer",
        ),
        pytest.param("CreateAuthChallenge", "request", ["challenge_name", "session"], id="create"),
        pytest.param(
            "CreateAuthChallenge",
            "response",
            ["public_challenge_parameters", "private_challenge_parameters", "challenge_metadata"],
            id="create's answer",
        ),
        pytest.param(
            "VerifyAuthChallengeResponse",
            "request",
            ["private_challenge_parameters", "challenge_answer"],
            id="verify",
        ),
        pytest.param("VerifyAuthChallengeResponse", "response", ["answer_correct"], id="verify's answer"),
        pytest.param("PreTokenGeneration", "request", ["group_configuration"], id="tokens"),
        pytest.param("PreTokenGeneration", "response", ["claims_override_details"], id="tokens' answer"),
        pytest.param("PreTokenGenerationV2", "request", ["group_configuration", "scopes"], id="tokens, V2"),
        pytest.param(
            "PreTokenGenerationV2", "response", ["claims_scope_override_details"], id="tokens, V2's answer"
        ),
        pytest.param("UserMigration", "request", ["password", "validation_data"], id="migration"),
        pytest.param(
            "UserMigration",
            "response",
            ["user_attributes", "final_user_status", "message_action", "force_alias_creation"],
            id="migration's answer",
        ),
        pytest.param(
            "CustomMessage",
            "request",
            ["code_parameter", "link_parameter", "username_parameter"],
            id="message",
        ),
        pytest.param(
            "CustomMessage",
            "response",
            ["sms_message", "email_message", "email_subject"],
            id="message's answer",
        ),
        pytest.param("CustomEmailSender", "request", ["type", "code", "client_metadata"], id="mail sender"),
        pytest.param("CustomSMSSender", "request", ["type", "code", "client_metadata"], id="SMS sender"),
    ],
)
def test_powertools_finds_the_parts_of_each_trigger(trigger: str, part: str, names: list[str]) -> None:
    theirs: Any = getattr(powertools, POWERTOOLS.get(trigger, f"{trigger}TriggerEvent"))(build(trigger))

    for name in names:
        getattr(getattr(theirs, part), name)  # a key that is missing is an error


def test_powertools_reads_what_the_handler_answers(app: App) -> None:
    @app.on_cognito("pre_token_generation_v2", user_pool=ARN)
    def claims(event: CognitoEvent) -> CognitoEvent:
        groups = event.request["groupConfiguration"]["groupsToOverride"]
        added = {
            "claimsToAddOrOverride": {"tenant": "acme", "groups": groups},
            "scopesToAdd": ["orders/read"],
        }
        event.response["claimsAndScopeOverrideDetails"] = {"accessTokenGeneration": added}
        return event

    raw = build("PreTokenGenerationV2", source="HostedAuth", user_pool=POOL)
    result = app(raw, None)

    theirs: Any = powertools.PreTokenGenerationV2TriggerEvent(result)
    generation = theirs.response.claims_scope_override_details.access_token_generation
    assert generation.claims_to_add_or_override == {"tenant": "acme", "groups": []}
    assert generation.scopes_to_add == ["orders/read"]


ANSWERS: list[Any] = [
    pytest.param(lambda event: event.raw, id="the raw dict"),
    pytest.param(lambda event: json.loads(json.dumps(event.raw)), id="a copy"),
    pytest.param(
        lambda event: {key: event.raw[key] for key in ("triggerSource", "userPoolId", "response")},
        id="what is needed",
    ),
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_dict_that_is_the_event_is_an_answer_too(app: App, answer: Any) -> None:
    @app.on_cognito("PreSignUp")
    def check(event: CognitoEvent) -> Any:
        event.response["autoConfirmUser"] = True
        return answer(event)

    result = app(build("PreSignUp"), None)

    assert result["response"]["autoConfirmUser"] is True
    assert result["triggerSource"] == "PreSignUp_SignUp"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param(lambda event: None, "None", id="None"),
        pytest.param(lambda event: True, "a bool", id="a bool"),
        pytest.param(lambda event: "{}", "a str", id="text"),
        pytest.param(lambda event: event.response, "without 'triggerSource'", id="the response alone"),
        pytest.param(
            lambda event: {**event.raw, "userPoolId": "eu-west-1_other"},
            "another 'userPoolId'",
            id="another pool",
        ),
        pytest.param(
            lambda event: {key: event.raw[key] for key in ("triggerSource", "userPoolId")},
            "without a 'response'",
            id="no response",
        ),
        pytest.param(lambda event: {**event.raw, "response": "yes"}, "without a 'response'", id="no dict"),
    ],
)
@pytest.mark.parametrize("trigger", ["PreSignUp", "PostConfirmation"])
def test_a_wrong_answer_names_the_handler(app: App, trigger: str, answer: Any, words: str) -> None:
    @app.on_cognito(trigger)
    def check(event: CognitoEvent) -> Any:
        return answer(event)

    with pytest.raises(WrongAnswer) as caught:
        app(build(trigger, attributes={"email": "s3cret@example.com"}), None)

    assert "the handler 'check' answered" in str(caught.value)
    assert words in str(caught.value)
    assert "return event" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_the_answer_goes_through_the_apps_encoder(app: App) -> None:
    def convert(value: Any) -> Any:
        if isinstance(value, complex):
            return {"complex": [value.real, value.imag]}
        raise TypeError(value)

    app.json_default = convert

    @app.on_cognito("PreSignUp")
    def check(event: CognitoEvent) -> CognitoEvent:
        event.response.update(price=Decimal("1.5"), point=2 + 1j)
        return event

    result = app(build("PreSignUp"), None)

    assert (result["response"]["price"], result["response"]["point"]) == (1.5, {"complex": [2, 1]})


def test_what_json_cannot_hold_is_a_wrong_answer(app: App) -> None:
    @app.on_cognito("PreSignUp")
    def check(event: CognitoEvent) -> CognitoEvent:
        event.response["why"] = object()
        return event

    with pytest.raises(WrongAnswer, match="'check'"):
        app(build("PreSignUp"), None)


def test_an_error_of_the_handler_fails_the_invocation_and_so_refuses_the_user(app: App) -> None:
    @app.on_cognito("PreSignUp")
    def check(event: CognitoEvent) -> CognitoEvent:
        raise PermissionError("only for members")

    with pytest.raises(PermissionError, match="only for members"):
        app(build("PreSignUp"), None)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({}, ["trigger"], id="nothing"),
        pytest.param(
            {"trigger": "PreSignup"}, ["'PreSignup'", "Did you mean 'PreSignUp'?"], id="a near miss"
        ),
        pytest.param(
            {"trigger": "pre_signup"}, ["Did you mean 'pre_sign_up'?"], id="a near miss in snake case"
        ),
        pytest.param(
            {"trigger": "TokenGeneration"}, ["Did you mean 'PreTokenGeneration'?"], id="the source's word"
        ),
        pytest.param({"trigger": 7}, ["trigger=7"], id="no str"),
        pytest.param({"trigger": "PreSignUp", "user_pool": "users"}, ["region in front"], id="a pool's name"),
        pytest.param({"trigger": "PreSignUp", "user_pool": ""}, ["user_pool=''"], id="empty"),
        pytest.param(
            {"trigger": "PreSignUp", "user_pool": f"x_{'a' * 54}"}, ["region in front"], id="too long"
        ),
        pytest.param(
            {"trigger": "PreSignUp", "user_pool": "arn:aws:sqs:eu-west-1:123456789012:q"},
            ["sqs", "cognito-idp"],
            id="another service's ARN",
        ),
    ],
)
def test_a_wrong_word_is_an_error_in_the_decorators_own_words(
    app: App, options: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RegistrationError) as caught:
        app.on_cognito(**options)

    assert "on_cognito(" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("PreSignUp", POOL), ("pre_sign_up", ARN), id="id and ARN"),
        pytest.param(("PreSignUp", None), ("PreSignUp", POOL), id="one of every pool"),
        pytest.param(
            ("PreTokenGeneration", POOL), ("PreTokenGenerationV2", POOL), id="two versions of one trigger"
        ),
    ],
)
def test_two_handlers_of_one_trigger_are_refused(app: App, first: Any, second: Any) -> None:
    app.on_cognito(first[0], user_pool=first[1], name="a")(lambda event: event)

    with pytest.raises(RegistrationError, match=r"would both get the Pre\w+ events of '?"):
        app.on_cognito(second[0], user_pool=second[1], name="b")(lambda event: event)


def test_handlers_of_other_triggers_and_pools_stand_side_by_side(app: App) -> None:
    for number, (trigger, pool) in enumerate(
        [("PreSignUp", POOL), ("PreSignUp", "eu-west-1_other"), ("PostConfirmation", POOL)]
    ):
        app.on_cognito(trigger, user_pool=pool, name=f"h{number}")(
            lambda event, number=number: {**event.raw, "response": {"by": number}}
        )

    events = [
        build("PreSignUp", user_pool=POOL),
        build("PreSignUp", user_pool="eu-west-1_other"),
        build("PostConfirmation", user_pool=ARN),
    ]

    assert [app(event, None)["response"]["by"] for event in events] == [0, 1, 2]


def test_an_event_of_another_trigger_or_pool_is_an_error_that_names_what_is_declared(app: App) -> None:
    @app.on_cognito("PreSignUp", user_pool=POOL)
    def check(event: CognitoEvent) -> CognitoEvent:
        return event

    for event in (build("PostConfirmation", user_pool=POOL), build("PreSignUp", user_pool="eu-west-1_other")):
        for run in (app, app.handler("check")):
            with pytest.raises(
                UnknownEvent, match=r"'check', @app\.on_cognito\(trigger='PreSignUp', user_pool="
            ):
                run(event, None)


def test_parts_that_are_absent_are_empty() -> None:
    event = CognitoEvent({"triggerSource": "PreSignUp_SignUp", "userPoolId": POOL, "response": None})

    assert (event.request, event.user_attributes, event.caller_context) == ({}, {}, {})
    assert (event.user_name, event.region, event.version, event.client_id) == (None, None, None, None)
    event.response["autoConfirmUser"] = True
    assert event.raw["response"] == {"autoConfirmUser": True}


def test_the_events_request_is_no_http_request(app: App) -> None:
    """Both are called `request`; `microlambda.request` is HTTP's alone."""
    from microlambda import OutsideRequest, request

    @app.on_cognito("PreSignUp")
    def check(event: CognitoEvent) -> CognitoEvent:
        with pytest.raises(OutsideRequest, match="handler of events"):
            _ = request.path
        return event

    assert app(build("PreSignUp"), None)["triggerSource"] == "PreSignUp_SignUp"


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_it_is_called_in_a_log_holds_nothing_of_the_user(trigger: str) -> None:
    event = CognitoEvent(
        build(trigger, user_pool=POOL, user_name="z@example.com", request={"password": "s3cret"})
    )

    assert str(event) == f"<CognitoEvent {SOURCES[trigger][0]} of '{POOL}'>"


def test_a_cloudevent_has_the_pools_issuer_as_its_source(lambda_context: Any) -> None:
    raw = build("PreSignUp", user_pool="cn-north-1_Abc", user_name="zoe")

    document = CognitoEvent(raw, lambda_context).to_cloudevent()

    assert document["id"] == "8f507cfc-test"
    assert document["source"] == "https://cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Abc"
    assert (document["type"], document["subject"]) == ("com.amazonaws.cognito.PreSignUp_SignUp", "zoe")
    assert document["data"] == raw


@pytest.mark.parametrize(
    "options", [{"trigger": "PreSignup2"}, {"trigger": "PreSignUp", "source": "TokenGeneration_HostedAuth"}]
)
def test_the_builder_refuses_what_cognito_does_not_send(options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="PreSignUp"):
        build(**options)  # type: ignore[arg-type]
