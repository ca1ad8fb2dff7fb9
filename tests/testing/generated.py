"""Requests for an application that tells what it was asked, as hypothesis makes them."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

_SEGMENTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
_PAIRS = st.lists(st.tuples(st.text("aäß /?&=+%", max_size=3), st.text("zü +%&=#", max_size=4)), max_size=4)
_TOKENS = st.text("abcXYZ019-_", min_size=1, max_size=8)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request below /echo."""

    method: str
    segments: list[str]
    query: list[tuple[str, str]]
    form: list[tuple[str, str]]
    raw: bytes
    is_form: bool
    cookies: dict[str, str]
    asked: str

    def target(self, ingress: str) -> str:
        """Give the path and the query; of repeated keys an ALB passes on the last alone."""
        query = list(dict(self.query).items()) if ingress in {"alb", "vpc-lattice"} else self.query
        path = "/echo/" + "/".join(quote(one, safe="") for one in self.segments)
        return f"{path}?{urlencode(query)}" if query else path

    @property
    def headers(self) -> dict[str, str]:
        """Give the header fields."""
        headers = {"Host": "shop.example", "X-Asked": self.asked}
        if self.method != "GET":
            kind = "x-www-form-urlencoded" if self.is_form else "octet-stream"
            headers["Content-Type"] = f"application/{kind}"
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return headers

    @property
    def body(self) -> bytes | None:
        """Give the body, None for a GET."""
        if self.method == "GET":
            return None
        return urlencode(self.form).encode() if self.is_form else self.raw


ASKED = st.builds(
    Asked,
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH"]),
    segments=st.lists(_SEGMENTS, min_size=1, max_size=3),
    query=_PAIRS,
    form=_PAIRS,
    raw=st.binary(max_size=40),
    is_form=st.booleans(),
    cookies=st.dictionaries(_TOKENS, _TOKENS, max_size=3),
    asked=_TOKENS,
)
