"""Whom the emulated IAM knows: access keys, and whose they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from microlambda.emulator.environment import ACCESS_KEY, SECRET_KEY, SESSION_TOKEN


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A user or a role's session, with the key that it signs with.

    Temporary keys have a `token`, which is asked for unless `needs_token` says otherwise.
    """

    access_key: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    needs_token: bool = True
    account_id: str
    user_id: str
    arn: str


#: Tells whose an access key is, None where it is nobody's.
FindPrincipal = Callable[[str], "Principal | None"]


def nobody(_access_key: str) -> Principal | None:
    """Know no key."""
    return None


_ACCOUNT = "123456789012"

#: Whom everything signs as that runs on this machine.
LOCAL_PRINCIPAL = Principal(
    access_key=ACCESS_KEY,
    secret=SECRET_KEY,
    token=SESSION_TOKEN,
    needs_token=False,
    account_id=_ACCOUNT,
    user_id="AIDADEVELOPER",
    arn=f"arn:aws:iam::{_ACCOUNT}:user/developer",
)


def local_principal(access_key: str) -> Principal | None:
    """Know the one key of this machine."""
    return LOCAL_PRINCIPAL if access_key == ACCESS_KEY else None
