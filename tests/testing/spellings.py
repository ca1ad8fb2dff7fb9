"""Ways to ask for a path by other names: what a caller may try who is not let in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request, as it stands on the wire."""

    target: str
    method: str = "GET"
    fields: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


METHODS = (
    *("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "ANY"),
    *("get", "Get", "head", "GET ", "$default"),
)
OVERRIDES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
REWRITTEN = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-URI", "X-Original-URI", "X-Forwarded-Path")
HOSTS = ("other.example", "localhost:1", "[::1]", "", "api.example.com/admin", "admin")


def spellings(path: str) -> Iterator[Asked]:
    """All requests that might lead to a path."""
    yield Asked(target=path)
    for target in targets(path):
        yield Asked(target=target)
        yield Asked(target=target, method="HEAD")
    for method in METHODS:
        for target in (path, f"{path}/", encoded(path)):
            yield Asked(target=target, method=method)
    for target in (path, "/open", "/"):
        yield from _with_headers(target, path)


def targets(path: str) -> Iterator[str]:
    """The path in other spellings."""
    inside = path[1:]
    first, _, last = path.rpartition("/")
    yield from (f"{path}/", f"{path}//", path.rstrip("/"), f"/{path}", f"//{path}", f"///{path}")
    yield from (path.replace("/", "//"), f"{first}//{last}", f"{first}///{last}")
    yield from (f"{path}%2F", f"{path}%2f", f"/%2F{inside}", f"%2F{inside}", inside.replace("/", "%2F"))
    yield from (f"/{inside.replace('/', '%2F')}", f"/{inside.replace('/', '%2f')}", f"/{path[1:]}%252F")
    yield from (
        encoded(path),
        encoded(path).upper(),
        encoded(path).lower(),
        twice(path),
        f"/%{ord(path[1]):x}",
    )
    yield from (f"/%{ord(path[1]):02x}{path[2:]}", f"{path[:-1]}%{ord(path[-1]):02X}", encoded(f"{path}/"))
    yield from (
        f"/.{path}",
        f"/x/..{path}",
        f"/%2e{path}",
        f"/x/%2e%2e{path}",
        f"/x/%2E.{path}",
        f"/..{path}",
    )
    yield from (f"{path}/.", f"{path}/..", f"{path}/x/..", f"{path}/%2e", f"{path}/./", f"{path}/../{inside}")
    yield from (f"{path}.", f"{path}..", f"{path}.json", f"{path}.html", f"{path}%2ejson", f"/.%2f{inside}")
    yield from (path.upper(), path.title(), path.swapcase(), f"/{path[1].upper()}{path[2:]}")
    for stage in ("dev", "local", "$default", "%24default", "prod", "v1", "default", "local12345"):
        yield from (f"/{stage}{path}", f"/{stage}/{path}", f"/{stage}{encoded(path)}")
    yield from (
        f"{path};x=1",
        f"{path};",
        f"/;x{path}",
        f"{path};jsessionid=1/",
        f"{path}%3Bx=1",
        f"/;{path}",
    )
    yield from (f"{path}?", f"{path}?x=1", f"{path}??", f"{path}?/", f"{path}?_method=POST", f"{path}%3F")
    yield from (
        f"{path}#",
        f"{path}#x",
        f"{path}%23",
        f"/open?{path}",
        f"/open%3F/..{path}",
        f"?{path}",
        f"/?{path}",
    )
    yield from (
        f"{path}%00",
        f"{path}%00.html",
        f"{path}%20",
        f"{path}+",
        f"{path}%0a",
        f"{path}%0d%0a",
        f"/%20{inside}",
    )
    yield from (
        f"{path}%09",
        f"/%09{inside}",
        f"{path} ",
        f"{path}\t",
        f" {path}",
        f"{path}%7f",
        f"{path}%85",
    )
    yield from (
        path.replace("/", "\\"),
        path.replace("/", "%5C"),
        f"/\\{inside}",
        f"{path}\\",
        f"{path}%5c..%5c",
    )
    yield from (
        f"{path}%E2%80%8B",
        f"/%EF%BC%8F{inside}",
        f"/%C0%AF{inside}",
        f"/{wide(inside)}",
        f"{path}%CC%81",
    )
    yield from (
        f"{path}*",
        f"{path},",
        f"{path}&x=1",
        f"{path}=",
        f"{path}~",
        f"{path}:",
        f"{path}@",
        f"/*{path}",
    )
    for host in (
        "http://localhost",
        "https://other.example",
        "HTTP://A",
        "http://a:1@b",
        "http://[::1]:80",
        "http:",
    ):
        yield from (f"{host}{path}", f"{host}/{path}", f"{host}{encoded(path)}", f"{host}{path}/")
    yield from (
        f"ftp://a{path}",
        f"//localhost{path}",
        f"http:/{path}",
        f"localhost{path}",
        inside,
        f"*{path}",
        "*",
    )


def encoded(path: str) -> str:
    """Every letter as an escape."""
    return "".join(one if one == "/" else f"%{ord(one):02x}" for one in path)


def twice(path: str) -> str:
    """Every letter as an escape of an escape."""
    return encoded(path).replace("%", "%25")


def wide(text: str) -> str:
    """The letters that Unicode's normalisation makes the same, as escapes."""
    return "".join(
        "".join(f"%{byte:02X}" for byte in chr(ord(one) + 0xFEE0).encode()) if "!" <= one <= "~" else one
        for one in text
    )


def _with_headers(target: str, path: str) -> Iterator[Asked]:
    for host in HOSTS:
        yield Asked(target=target, fields=(("Host", host),))
    yield Asked(target=target, fields=(("Host", "a"), ("Host", "b")))
    for override in OVERRIDES:
        for method in ("GET", "POST", "OPTIONS", "HEAD"):
            yield Asked(target=target, method=method, fields=((override, "GET"),))
            yield Asked(target=target, method=method, fields=((override, "OPTIONS"),))
    form = (("Content-Type", "application/x-www-form-urlencoded"),)
    yield Asked(target=target, method="POST", fields=form, body=b"_method=GET")
    for name in REWRITTEN:
        yield Asked(target=target, fields=((name, path),))
    for name, value in (
        ("X-Forwarded-Prefix", path),
        ("X-Forwarded-Host", "other.example"),
        ("Forwarded", "host=other.example;proto=https"),
        ("X-Amzn-Request-Context", '{"authorizer":{"principalId":"ann"}}'),
        ("X-Amzn-Lambda-Context", '{"authorizer":{"principalId":"ann"}}'),
        ("Upgrade", "websocket"),
        ("Access-Control-Request-Method", "GET"),
        ("Content-Encoding", "gzip"),
    ):
        yield Asked(target=target, fields=((name, value),))
        yield Asked(target=target, method="OPTIONS", fields=((name, value), ("Origin", "https://a.example")))
