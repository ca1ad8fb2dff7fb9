"""User pools of Cognito, by their ARNs."""

from __future__ import annotations

import re

_ARN = re.compile(r"arn:aws[\w-]*:cognito-idp:(?P<region>[\w-]+):\d{12}:userpool/(?P<id>[\w-]+)")


def pool_issuer(arn: str) -> str | None:
    """Who a pool's tokens say has made them; None for what is no ARN of a pool.

    https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
    """
    found = _ARN.fullmatch(arn)
    return found and f"https://cognito-idp.{found['region']}.amazonaws.com/{found['id']}"
