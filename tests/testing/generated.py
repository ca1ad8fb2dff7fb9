"""Requests that nobody thought of: what hypothesis makes paths, queries, fields and bodies of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlencode

from hypothesis import strategies as st

SEGMENTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
PAIRS = st.lists(st.tuples(st.text("aäß /?&=+%", max_size=3), st.text("zü +%&=#", max_size=4)), max_size=4)
TOKENS = st.text("abcXYZ019-_", min_size=1, max_size=8)

#: Of repeated keys, these pass on the last alone.
SINGLE_VALUED = frozenset(("alb", "vpc-lattice"))
#: These decode the path: whether ':' or '%3A' was sent, nobody behind them can know.
DECODING_PATHS = frozenset(("http-api", "http-api-1.0"))
#: These decode the query: whether '+' or '%20' was sent, nobody behind them can know.
DECODING_QUERIES = frozenset(("rest-api", "http-api-1.0"))
#: These tell the values of a key in their order, and nothing of the order of keys.
BY_NAME = DECODING_QUERIES | {"alb-multi-value"}

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('aü\u2028😀"\\', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TOKENS, inner, max_size=3),
    max_leaves=5,
)
_FILES = st.lists(st.tuples(TOKENS, TOKENS, st.binary(max_size=40)), min_size=1, max_size=2)

Body = tuple[str, bytes]  # its type, and it


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: list[tuple[str, str]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: Body | None = None

    def target(self, ingress: str) -> str:
        """The path and the query, without the values that the gateway drops."""
        query = list(dict(self.query).items()) if ingress in SINGLE_VALUED else self.query
        return f"{self.path}?{urlencode(query)}" if query else self.path

    def canonical_target(self, ingress: str) -> str:
        """The same, written so that nothing of it is lost at the gateway."""
        path, _, query = self.target(ingress).partition("?")
        if ingress in DECODING_PATHS:
            path = quote(unquote(path), safe="!$&'()*+,/:;=@")
        if ingress in BY_NAME:
            names = [pair.partition("=")[0] for pair in query.split("&")]
            query = "&".join(sorted(query.split("&"), key=lambda pair: names.index(pair.partition("=")[0])))
        if ingress in DECODING_QUERIES:
            query = query.replace("+", "%20")
        return f"{path}?{query}" if query else path

    @property
    def fields(self) -> dict[str, str]:
        """The header fields, with the type of the body."""
        return self.headers if self.body is None else {**self.headers, "Content-Type": self.body[0]}

    @property
    def content(self) -> bytes | None:
        """The body, if there is one."""
        return None if self.body is None else self.body[1]


def paths(under: str) -> st.SearchStrategy[str]:
    """Give paths below `under`: everything encoded, slashes as %2F and as several in a row."""
    encoded = st.lists(SEGMENTS.map(lambda one: quote(one, safe="")), min_size=1, max_size=3)
    return st.tuples(encoded, st.sampled_from(["/", "//"])).map(
        lambda made: f"{under}/{made[1].join(made[0])}"
    )


def _multipart(fields: list[tuple[str, str]], files: list[tuple[str, str, bytes]]) -> Body:
    parts = [(f'name="{quote(name)}"', value.encode()) for name, value in fields]
    parts += [
        (f'name="{name}"; filename="{file}.bin"\r\nContent-Type: image/png', data)
        for name, file, data in files
    ]
    pieces = [
        b"--a-boundary\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (head.encode(), content)
        for head, content in parts
    ]
    return "multipart/form-data; boundary=a-boundary", b"".join(pieces) + b"--a-boundary--\r\n"


BODIES: st.SearchStrategy[Body] = st.one_of(
    PAIRS.map(lambda pairs: ("application/x-www-form-urlencoded", urlencode(pairs).encode())),
    st.builds(_multipart, PAIRS, _FILES),
    _JSON.map(lambda value: ("application/json", json.dumps(value, ensure_ascii=False).encode())),
    st.binary(max_size=60).map(lambda content: ("application/octet-stream", content)),
    st.text("aü\r\n", max_size=9).map(lambda text: ("text/plain; charset=utf-8", text.encode())),
)

COOKIES = st.dictionaries(TOKENS, TOKENS, max_size=3).map(
    lambda cookies: {"Cookie": "; ".join(map("=".join, cookies.items()))} if cookies else {}
)
#: Fields of which applications make something, and one of which they do not.
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "Accept": st.sampled_from(["*/*", "image/webp", "image/svg+xml;q=0.5, image/png", "text/html"]),
        "Accept-Language": st.sampled_from(["de", "en;q=0.7, de"]),
        "Origin": st.sampled_from(["https://shop.example", "null"]),
        "Referer": st.sampled_from(["https://shop.example/?q=%C3%BC", "about:blank"]),
        "X-Asked": st.text("aZ9 ,;=\"'%+", max_size=8).map(str.strip),
    },
)


def requests_under(path: str) -> st.SearchStrategy[Asked]:
    """Give requests of every kind below `path`: a GET without a body, the others with one or none."""
    told = {
        "path": paths(path),
        "query": PAIRS,
        "headers": st.builds(lambda one, other: {**one, **other}, FIELDS, COOKIES),
    }
    return st.one_of(
        st.builds(Asked, method=st.just("GET"), **told),
        st.builds(
            Asked,
            method=st.sampled_from(["POST", "PUT", "DELETE", "PATCH"]),
            body=st.none() | BODIES,
            **told,
        ),
    )
