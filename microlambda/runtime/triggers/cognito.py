"""`@app.on_cognito`.

https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_LambdaConfigType.html
"""

from __future__ import annotations

import re

from ..errors import WrongAnswer
from ..events.arns import last_part, may_be_same
from ..events.cognito import CognitoEvent
from .base import Trigger, as_json, checked_choice
from .names import checked_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..app import App

_DECORATOR = "on_cognito"

#: What a user may write -> the name in AWS's LambdaConfig, and the event's version where AWS asks for one.
_TRIGGERS: dict[str, tuple[str, str | None]] = {
    "PreSignUp": ("PreSignUp", None),
    "PostConfirmation": ("PostConfirmation", None),
    "PreAuthentication": ("PreAuthentication", None),
    "PostAuthentication": ("PostAuthentication", None),
    "DefineAuthChallenge": ("DefineAuthChallenge", None),
    "CreateAuthChallenge": ("CreateAuthChallenge", None),
    "VerifyAuthChallengeResponse": ("VerifyAuthChallengeResponse", None),
    "PreTokenGeneration": ("PreTokenGeneration", "V1_0"),
    "PreTokenGenerationV2": ("PreTokenGeneration", "V2_0"),
    "PreTokenGenerationV3": ("PreTokenGeneration", "V3_0"),
    "UserMigration": ("UserMigration", None),
    "CustomMessage": ("CustomMessage", None),
    "CustomEmailSender": ("CustomEmailSender", "V1_0"),
    "CustomSMSSender": ("CustomSMSSender", "V1_0"),
    "InboundFederation": ("InboundFederation", "V1_0"),
}

#: Cognito invokes these asynchronously, and reads no answer.
_SENDERS = ("CustomEmailSender", "CustomSMSSender")


class CognitoTrigger(Trigger):
    """A trigger of one user pool, or of all where `user_pool` is None.

    `trigger` is its name in LambdaConfig and `lambda_version` ("V2_0") the version of its event, None where
    AWS has one only.
    """

    decorator = _DECORATOR
    source = "cognito"
    event_class = CognitoEvent

    def __init__(self, *, trigger: str, user_pool: str | None = None) -> None:
        by_snake = {_snake(name): name for name in _TRIGGERS}
        self._word = checked_choice(_DECORATOR, "trigger", trigger, (*_TRIGGERS, *by_snake))
        self.trigger, self.lambda_version = _TRIGGERS[by_snake.get(self._word, self._word)]
        self.user_pool = None if user_pool is None else _checked_pool(user_pool)

    @property
    def _prefix(self) -> str:
        """What stands before `_` in the sources of its events; the token trigger's lack the "Pre"."""
        return "TokenGeneration" if self.trigger == "PreTokenGeneration" else self.trigger

    def fits(self, event: dict[str, Any]) -> bool:
        """By the beginning of the trigger source, and by the pool."""
        if event["triggerSource"].partition("_")[0] != self._prefix:
            return False
        return self.user_pool is None or last_part(self.user_pool) == event["userPoolId"]

    def shared_with(self, other: CognitoTrigger) -> str | None:
        """The same trigger of the same pool: a pool takes one function for each."""
        if self.trigger != other.trigger:
            return None
        if self.user_pool and other.user_pool and not may_be_same(self.user_pool, other.user_pool):
            return None
        pool = self.user_pool or other.user_pool
        return f"the {self.trigger} events of {repr(last_part(pool)) if pool else 'every user pool'}"

    def declared(self) -> str:
        """With the trigger and the pool."""
        pool = f", user_pool={self.user_pool!r}" if self.user_pool else ""
        return f"@app.{_DECORATOR}(trigger={self._word!r}{pool})"

    def result(self, app: App, handler: str, event: Any, value: Any) -> Any:
        """The event, answered: Cognito rejects everything else. The senders' answers nobody reads."""
        if self.trigger in _SENDERS:
            return None
        answer = {**value.raw, "response": value.response} if isinstance(value, CognitoEvent) else value
        why = _fault(answer, event)
        if why is not None:
            raise WrongAnswer(
                f"the handler {handler!r} answered {why}, and Cognito takes the event itself. "
                "Write into event.response, and `return event`."
            )
        return as_json(app, handler, answer)


def _fault(answer: Any, event: CognitoEvent) -> str | None:
    """What is wrong with an answer, without its values: they may be secret."""
    if not isinstance(answer, dict):
        return "None" if answer is None else f"a {type(answer).__name__}"
    for key in ("triggerSource", "userPoolId"):
        if answer.get(key) != event.raw[key]:
            return f"a dict {'with another' if key in answer else 'without'} {key!r}"
    if not isinstance(answer.get("response"), dict):
        return "a dict without a 'response' that is a dict"
    return None


def _checked_pool(user_pool: object) -> str:
    return checked_name(
        _DECORATOR,
        "user_pool",
        user_pool,
        service="cognito-idp",
        pattern=r"(?=.{1,55}\Z)[A-Za-z0-9_-]+_[0-9A-Za-z]+",
        rule="write the pool's id, which has its region in front: 'eu-west-1_Abc123XYZ'.",
        example="eu-west-1_Abc123XYZ",
    )


def _snake(name: str) -> str:
    """`custom_sms_sender` of CustomSMSSender, `pre_token_generation_v2` of PreTokenGenerationV2."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
