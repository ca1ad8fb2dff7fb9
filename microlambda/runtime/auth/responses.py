"""What a function under `@app.authorizer` answers: which routes its caller may reach, and who that is.

https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
"""

from __future__ import annotations

import re

from ..errors import WrongAnswer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_CAPTURE = re.compile(r"<[^<>]*>|\{\w+\+?\}")


class AuthRoute:
    """A path and the methods on it: `AuthRoute("/users/<id>", ["GET"])`; a `*` stands for any text."""

    __slots__ = ("methods", "path")

    def __init__(self, path: str, methods: str | Iterable[str] = ("*",)) -> None:
        if str(path)[:1] not in ("/", "*"):
            raise WrongAnswer(f"AuthRoute({path!r}): a path starts with '/', and '*' is for all of them.")
        self.path = path
        self.methods = tuple([one.upper() for one in ([methods] if isinstance(methods, str) else methods)])

    def __repr__(self) -> str:
        return f"AuthRoute({self.path!r}, {list(self.methods)!r})"


class AuthResponse:
    """Lets the caller reach `routes`: paths, `AuthRoute`s, or "*" for all; an empty list lets it reach none.

    Paths may be rules, whose captures stand for any text. `principal_id` says who the caller is. `context`,
    whose values are str, numbers and bools, is `request.authorizer.context` in the view.
    """

    __slots__ = ("context", "principal_id", "routes")

    def __init__(
        self,
        routes: str | AuthRoute | Iterable[str | AuthRoute] = ("*",),
        principal_id: str = "user",
        context: Mapping[str, Any] | None = None,
    ) -> None:
        given = [routes] if isinstance(routes, str | AuthRoute) else list(routes)
        self.routes = [one if isinstance(one, AuthRoute) else AuthRoute(one) for one in given]
        self.principal_id = principal_id
        self.context = dict(context or {})

    def to_policy(self, method_arn: str) -> dict[str, Any]:
        """The answer as a policy, for the API and the stage of that ARN."""
        api, _, rest = method_arn.partition("/")
        place = f"{api}/{rest.partition('/')[0]}"
        allowed = [
            f"{place}/{method}/{_pattern(route.path)}" for route in self.routes for method in route.methods
        ]
        if self.allows_all:  # a WebSocket API's routes have no methods
            allowed = [f"{place}/*"]
        # A statement names something: that nothing is allowed is said by denying everything.
        effect, resources = ("Allow", allowed) if allowed else ("Deny", [f"{place}/*"])
        statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resources}
        return {
            "principalId": self.principal_id,
            "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            "context": self.context,
        }

    @property
    def allows_all(self) -> bool | None:
        """True for every route, False for none, None where it depends."""
        if not self.routes:
            return False
        return True if any(one.path == "*" and "*" in one.methods for one in self.routes) else None

    def allows(self, method: str, path: str) -> bool:
        """Is the path, as it stands in a request's ARN, among the routes?"""
        return any(
            ("*" in route.methods or method in route.methods)
            and matches_wildcards(_pattern(route.path), path.lstrip("/"))
            for route in self.routes
        )

    def __repr__(self) -> str:
        return f"<AuthResponse of {len(self.routes)} routes>"


def _pattern(path: str) -> str:
    """A rule as a resource of a policy has it, where a `*` matches slashes, too."""
    return _CAPTURE.sub("*", path).removeprefix("/")


def matches_wildcards(pattern: str, text: str) -> bool:
    """Does a pattern of IAM match: `*` any text, `?` any character?

    What is between two `*` is looked for once, where it comes first: a path cannot make it take long.
    """
    first, *others = [re.escape(one).replace(r"\?", ".") for one in pattern.split("*")]
    inside = "".join([f"(?>.*?{one})" for one in others[:-1]])
    expression = f"{first}{inside}.*{others[-1]}" if others else first
    return re.fullmatch(expression, text, re.DOTALL) is not None
