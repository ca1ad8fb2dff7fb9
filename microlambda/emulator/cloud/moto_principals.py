"""Whose the access keys are that moto's IAM and STS have given out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud.moto_adapter import ACCOUNT
from microlambda.emulator.gateway.access.principals import Principal

if TYPE_CHECKING:
    from collections.abc import Iterator


def known_principal(access_key: str) -> Principal | None:
    """Find the user or the session that has this key; one that is switched off is nobody's."""
    return next((one for one in _principals() if one.access_key == access_key), None)


def _principals() -> Iterator[Principal]:
    from moto.iam.models import iam_backends
    from moto.sts.models import sts_backends

    for user in list(iam_backends[ACCOUNT]["aws"].users.values()):
        for key in user.access_keys:
            if key.status == "Active":
                yield _principal(user, key.access_key_id, key.secret_access_key, None)
    for session in list(sts_backends[ACCOUNT]["aws"].assumed_roles):
        yield _principal(session, session.access_key_id, session.secret_access_key, session.session_token)


def _principal(who: Any, key: str, secret: str, token: str | None) -> Principal:
    user_id = getattr(who, "user_id", None) or who.id
    return Principal(
        access_key=key, secret=secret, token=token, account_id=ACCOUNT, user_id=user_id, arn=who.arn
    )
