"""What Cognito sends to the Lambda triggers of a user pool.

https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from microlambda.emulator.events.origin import ORIGIN, Origin, new_id

#: The attributes of a user who has confirmed the address.
_ATTRIBUTES = {"email_verified": "true", "cognito:user_status": "CONFIRMED", "email": "zoe@example.com"}


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """The parts of a trigger's events that are its own; `response` is None where Cognito sends none."""

    sources: tuple[str, ...]
    request: Mapping[str, Any] = field(default_factory=dict)
    response: Mapping[str, Any] | None = field(default_factory=dict)
    version: str = "1"
    has_attributes: bool = True


_GROUPS: dict[str, Any] = {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": None}
_TOKENS = tuple(
    f"TokenGeneration_{moment}"
    for moment in (
        "HostedAuth",
        "Authentication",
        "NewPasswordChallenge",
        "AuthenticateDevice",
        "RefreshTokens",
    )
)
_MESSAGES = (
    "SignUp AdminCreateUser ResendCode ForgotPassword UpdateUserAttribute VerifyUserAttribute Authentication"
)
_SCOPES = {"groupConfiguration": _GROUPS, "scopes": ["aws.cognito.signin.user.admin"]}


def _messages(prefix: str, more: str = "") -> tuple[str, ...]:
    return tuple(f"{prefix}_{moment}" for moment in f"{_MESSAGES} {more}".split())


def _challenge(trigger: str) -> tuple[str, ...]:
    return (f"{trigger}_Authentication",)


#: https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html#working-with-lambda-trigger-sources
_KINDS = {
    "PreSignUp": _Kind(
        sources=("PreSignUp_SignUp", "PreSignUp_AdminCreateUser", "PreSignUp_ExternalProvider"),
        request={"validationData": None},
        response={"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    ),
    "PostConfirmation": _Kind(
        sources=("PostConfirmation_ConfirmSignUp", "PostConfirmation_ConfirmForgotPassword")
    ),
    "PreAuthentication": _Kind(sources=_challenge("PreAuthentication"), request={"validationData": None}),
    "PostAuthentication": _Kind(sources=_challenge("PostAuthentication"), request={"newDeviceUsed": False}),
    "DefineAuthChallenge": _Kind(
        sources=_challenge("DefineAuthChallenge"),
        request={"session": []},
        response={"challengeName": None, "issueTokens": None, "failAuthentication": None},
    ),
    "CreateAuthChallenge": _Kind(
        sources=_challenge("CreateAuthChallenge"),
        request={"challengeName": "CUSTOM_CHALLENGE", "session": []},
        response={
            "publicChallengeParameters": None,
            "privateChallengeParameters": None,
            "challengeMetadata": None,
        },
    ),
    "VerifyAuthChallengeResponse": _Kind(
        sources=_challenge("VerifyAuthChallengeResponse"),
        request={"privateChallengeParameters": {"answer": "1234"}, "challengeAnswer": "1234"},
        response={"answerCorrect": None},
    ),
    "PreTokenGeneration": _Kind(
        sources=_TOKENS,
        request={"groupConfiguration": _GROUPS},
        response={"claimsOverrideDetails": None},
    ),
    "PreTokenGenerationV2": _Kind(
        sources=_TOKENS, version="2", request=_SCOPES, response={"claimsAndScopeOverrideDetails": None}
    ),
    "PreTokenGenerationV3": _Kind(
        sources=(*_TOKENS, "TokenGeneration_ClientCredentials"),
        version="3",
        request=_SCOPES,
        response={"claimsAndScopeOverrideDetails": None},
    ),
    "UserMigration": _Kind(
        sources=("UserMigration_Authentication", "UserMigration_ForgotPassword"),
        request={"password": "correct horse battery staple", "validationData": None},
        response={
            "userAttributes": None,
            "finalUserStatus": None,
            "messageAction": None,
            "desiredDeliveryMediums": None,
            "forceAliasCreation": None,
            "enableSMSMFA": None,
        },
        has_attributes=False,
    ),
    "CustomMessage": _Kind(
        sources=_messages("CustomMessage"),
        request={
            "codeParameter": "{####}",
            "linkParameter": "{##Click Here##}",
            "usernameParameter": None,
        },
        response={"smsMessage": None, "emailMessage": None, "emailSubject": None},
    ),
    "CustomEmailSender": _Kind(
        sources=_messages("CustomEmailSender", "AccountTakeOverNotification"),
        request={"type": "customEmailSenderRequestV1", "code": "AYADeExample=", "clientMetadata": None},
        response=None,
    ),
    "CustomSMSSender": _Kind(
        sources=_messages("CustomSMSSender"),
        request={"type": "customSMSSenderRequestV1", "code": "AYADeExample=", "clientMetadata": None},
        response=None,
    ),
    "InboundFederation": _Kind(
        sources=("InboundFederation_ExternalProvider",),
        request={
            "providerName": "Google",
            "providerType": "Google",
            "attributes": {"tokenResponse": {}, "idToken": {}, "userInfo": {}},
        },
        response={"userAttributesToMap": {}},
        has_attributes=False,
    ),
}

#: Trigger -> the trigger sources that its events have.
SOURCES = {name: kind.sources for name, kind in _KINDS.items()}


def build(
    trigger: str = "PreSignUp",
    *,
    source: str | None = None,
    user_pool: str | None = None,
    user_name: str = "zoe",
    attributes: Mapping[str, Any] = _ATTRIBUTES,
    request: Any = None,
    origin: Origin = ORIGIN,
) -> dict[str, Any]:
    """The event of a trigger ("PreSignUp" or "pre_sign_up") of a pool (its id or ARN).

    `source` is the trigger source, the first of the trigger's unless given; what stands in front of its "_"
    may be left out. `request` is a dict of what else the request holds. Unknown names are a ValueError.
    """
    name = _known(trigger)
    kind = _KINDS[name]
    chosen = _source(name, source)
    pool = (user_pool or f"{origin.region}_Abc123XYZ").rpartition("/")[2]
    asked: dict[str, Any] = {}
    if kind.has_attributes:
        asked["userAttributes"] = {"sub": new_id(), **attributes}
    asked |= copy.deepcopy(dict(kind.request))
    if chosen == "CustomMessage_AdminCreateUser":
        asked["usernameParameter"] = "{username}"
    event: dict[str, Any] = {
        "version": kind.version,
        "triggerSource": chosen,
        "region": pool.rpartition("_")[0] or origin.region,
        "userPoolId": pool,
        "userName": user_name,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "1example23456789"},
        "request": asked | dict(request or {}),
    }
    return event if kind.response is None else event | {"response": copy.deepcopy(dict(kind.response))}


def _known(trigger: str) -> str:
    plain = trigger.replace("_", "").lower()
    for name in _KINDS:
        if name.lower() == plain:
            return name
    raise ValueError(f"trigger={trigger!r}: Cognito's are {', '.join(_KINDS)}.")


def _source(name: str, source: str | None) -> str:
    sources = SOURCES[name]
    for known in sources:
        if source in (None, known, known.partition("_")[2]):
            return known
    raise ValueError(f"source={source!r}: the events of {name} have {', '.join(sources)}.")
