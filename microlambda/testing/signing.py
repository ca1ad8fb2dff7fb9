"""Requests with a signature of AWS's: `client.signed()`. botocore signs them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from microlambda.emulator.gateway.access.principals import Principal, local_principal

if TYPE_CHECKING:
    from microlambda.emulator.messages import HttpRequest

#: The user that the test client's gateways know: the key is the one in AWS's documents.
TEST_PRINCIPAL = Principal(
    access_key="AKIAIOSFODNN7EXAMPLE",
    secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",  # noqa: S106 - as above
    account_id="123456789012",
    user_id="AIDACKCEVSQ6C2EXAMPLE",
    arn="arn:aws:iam::123456789012:user/test",
)


def find_test_principal(access_key: str) -> Principal | None:
    """Know that one user, and whom everything on this machine signs as."""
    return TEST_PRINCIPAL if access_key == TEST_PRINCIPAL.access_key else local_principal(access_key)


@dataclass(frozen=True, kw_only=True)
class Signer:
    """Signs requests with a key."""

    access_key: str
    secret: str = field(repr=False)

    def fields(self, request: HttpRequest, *, region: str, service: str) -> list[tuple[str, str]]:
        """The header fields that the signature of a request is in."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        path, _, query = request.target.partition("?")
        host = request.header("host") or "localhost"
        made = AWSRequest(
            method=request.method,
            url=f"https://{host}{path}",
            params=parse_qsl(query, keep_blank_values=True),
            data=request.body,
            headers={"Host": host},
        )
        SigV4Auth(Credentials(self.access_key, self.secret), service, region).add_auth(made)
        return [(name, value) for name, value in made.headers.items() if name != "Host"]
