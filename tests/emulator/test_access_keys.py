"""Where the keys that check tokens come from: given, in a file, or from the issuer over TLS."""

from __future__ import annotations

import datetime
import http.server
import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from microlambda.emulator.gateway.access import clock
from microlambda.emulator.gateway.access.issuer_keys import IssuerKeys
from microlambda.emulator.gateway.access.jwks import KeysUnavailable, given_keys, keys_of_file, no_keys

from .tokens import ISSUER, jwks, key

KEYS = jwks("one")


def test_one_jwks_is_every_issuers() -> None:
    assert given_keys(KEYS)(ISSUER) == given_keys(KEYS)("https://other.example.com") == KEYS


@pytest.mark.parametrize("named", [ISSUER, ISSUER.rstrip("/")])
def test_a_mapping_has_the_keys_of_its_issuers_alone(named: str) -> None:
    find = given_keys({named: KEYS})

    assert find(ISSUER) == KEYS
    with pytest.raises(KeysUnavailable, match="no keys of https://other were given, but of https://issuer"):
        find("https://other")


def test_a_file_has_either_form_and_is_read_when_it_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    find = keys_of_file(file)
    with pytest.raises(KeysUnavailable, match=r"jwks\.json cannot be read: .*No such file"):
        find(ISSUER)

    file.write_text(json.dumps(KEYS))
    assert find(ISSUER) == KEYS
    file.write_text(json.dumps({ISSUER: KEYS}))
    assert find(ISSUER) == KEYS


@pytest.mark.parametrize(("text", "why"), [("{", "cannot be read"), ("[]", "holds no object")])
def test_a_file_of_another_kind_is_told_of(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "jwks.json").write_text(text)

    with pytest.raises(KeysUnavailable, match=why):
        keys_of_file(tmp_path / "jwks.json")(ISSUER)


def test_where_none_were_given_there_are_none() -> None:
    with pytest.raises(KeysUnavailable, match=f"no keys of {ISSUER} are known here"):
        no_keys(ISSUER)


# From the issuer -------------------------------------------------------------------------------------


class Issuer:
    """A server with TLS on this machine; `pages` are what it has, and `asked` what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.pages: dict[str, Any] = {}
        self.asked: list[str] = []
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                status, fields, body = issuer.page(self.path)
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None: ...

        certificate = certified(folder)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        self.trusted = ssl.create_default_context(cafile=str(certificate))
        self.pages["/.well-known/openid-configuration"] = {"jwks_uri": f"{self.url}/keys"}
        self.pages["/keys"] = KEYS
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def page(self, path: str) -> tuple[int, dict[str, str], bytes]:
        page = self.pages.get(path)
        if page is None:
            return 404, {}, b"{}"
        if isinstance(page, str) and page.startswith("http"):
            return 302, {"Location": page}, b""
        return 200, {}, page.encode() if isinstance(page, str) else json.dumps(page).encode()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def certified(folder: Path) -> Path:
    """A file with a key, and a certificate for this machine that it has signed itself."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key("tls").public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key("tls"), SHA256())
    )
    private = key("tls").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "tls.pem"
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return file


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    made = Issuer(tmp_path)
    yield made
    made.stop()


def test_the_issuer_says_where_its_keys_are_and_they_are_kept(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(clock, "now", lambda: now)
    find = IssuerKeys(context=issuer.trusted, keep=300)

    assert find(f"{issuer.url}/") == KEYS
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    now += 299
    assert (find(f"{issuer.url}/"), len(issuer.asked)) == (KEYS, 2)
    now += 2
    assert (find(f"{issuer.url}/"), len(issuer.asked)) == (KEYS, 4)


def test_a_new_key_of_the_issuers_is_found_and_made_up_ones_do_not_flood_it(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(clock, "now", lambda: now)
    find = IssuerKeys(context=issuer.trusted, keep=300, again=10)
    assert find(issuer.url, "one") == KEYS

    issuer.pages["/keys"] = jwks("one", "two")
    for made_up in range(50):
        assert find(issuer.url, f"made-up-{made_up}") == KEYS
    assert (find(issuer.url, "two"), len(issuer.asked)) == (KEYS, 2)
    now += 10
    assert (find(issuer.url, "two"), len(issuer.asked)) == (jwks("one", "two"), 4)
    for made_up in range(50):
        find(issuer.url, f"made-up-{made_up}")
    now += 299
    assert (find(issuer.url, "two"), len(issuer.asked)) == (jwks("one", "two"), 4)


def test_a_key_that_the_issuer_has_withdrawn_is_gone_when_its_time_is_over(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(clock, "now", lambda: now)
    find = IssuerKeys(context=issuer.trusted, keep=300)
    find(issuer.url, "one")

    issuer.pages["/keys"] = jwks("two")
    now += 301

    assert find(issuer.url, "one") == jwks("two")


def test_an_issuer_that_fails_is_not_asked_by_every_caller(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(clock, "now", lambda: now)
    find = IssuerKeys(context=issuer.trusted, again=10)
    del issuer.pages["/keys"]

    for _ in range(20):
        with pytest.raises(KeysUnavailable, match="HTTP Error 404"):
            find(issuer.url, "one")
    assert len(issuer.asked) == 2
    issuer.pages["/keys"] = KEYS
    now += 10
    assert find(issuer.url, "one") == KEYS


def test_a_made_up_key_locks_nobody_out_while_the_issuer_is_away(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(clock, "now", lambda: now)
    find = IssuerKeys(context=issuer.trusted, keep=300, again=10)
    find(issuer.url, "one")

    issuer.stop()
    now += 10

    assert find(issuer.url, "made-up") == find(issuer.url, "one") == KEYS


def test_keys_whose_time_is_over_are_not_used_where_the_issuer_fails(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000_000.0
    monkeypatch.setattr(clock, "now", lambda: now)
    find = IssuerKeys(context=issuer.trusted, keep=300)
    find(issuer.url, "one")

    del issuer.pages["/keys"]
    now += 301

    with pytest.raises(KeysUnavailable, match="HTTP Error 404"):
        find(issuer.url, "one")


def test_callers_who_come_at_once_share_what_one_of_them_fetches(issuer: Issuer) -> None:
    find = IssuerKeys(context=issuer.trusted)
    with ThreadPoolExecutor(8) as callers:
        assert list(callers.map(find, [issuer.url] * 8)) == [KEYS] * 8

    assert len(issuer.asked) == 2


def test_nobody_waits_for_another_issuer(issuer: Issuer) -> None:
    """The other one answers when it is let: what is asked of this one is answered before."""
    let, slow = threading.Event(), issuer.page

    def page(path: str) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/slow/"):
            assert let.wait(30)
        return slow(path)

    issuer.page = page  # type: ignore[method-assign]
    issuer.pages["/slow/.well-known/openid-configuration"] = {"jwks_uri": f"{issuer.url}/keys"}
    find = IssuerKeys(context=issuer.trusted, timeout=30)
    with ThreadPoolExecutor(2) as callers:
        other = callers.submit(find, f"{issuer.url}/slow")
        while "/slow/.well-known/openid-configuration" not in issuer.asked:
            assert not other.done()
        this = callers.submit(find, issuer.url)
        found = this.result(30)
        was_done = other.done()
        let.set()
        assert (found, was_done, other.result(30)) == (KEYS, False, KEYS)


def test_below_a_path_of_the_issuers_it_is_found_too(issuer: Issuer) -> None:
    issuer.pages["/pool/.well-known/openid-configuration"] = {"jwks_uri": f"{issuer.url}/keys"}

    assert IssuerKeys(context=issuer.trusted)(f"{issuer.url}/pool") == KEYS


@pytest.mark.parametrize(
    ("path", "page", "why"),
    [
        pytest.param("/.well-known/openid-configuration", {}, "names no jwks_uri", id="no-place"),
        pytest.param("/.well-known/openid-configuration", [], "holds no object", id="no-object"),
        pytest.param("/.well-known/openid-configuration", "<html>", "gives no keys", id="no-json"),
        pytest.param("/.well-known/openid-configuration", None, "HTTP Error 404", id="not-there"),
        pytest.param(
            "/.well-known/openid-configuration",
            {"jwks_uri": "file:///etc/passwd"},
            "file:///etc/passwd is no https URL",
            id="a-file",
        ),
        pytest.param("/keys", None, "HTTP Error 404", id="no-keys"),
        pytest.param("/keys", "[" * 100_000, "gives no keys", id="nested-without-end"),
        pytest.param("/keys", "http://127.0.0.1:1/keys", "leads away from https", id="leads-to-http"),
    ],
)
def test_what_is_wrong_with_the_issuer_is_told(issuer: Issuer, path: str, page: Any, why: str) -> None:
    issuer.pages[path] = page

    with pytest.raises(KeysUnavailable, match=why):
        IssuerKeys(context=issuer.trusted)(issuer.url)


def test_a_certificate_that_nobody_trusts_is_an_error(issuer: Issuer) -> None:
    with pytest.raises(KeysUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        IssuerKeys()(issuer.url)
    assert issuer.asked == []


def test_an_issuer_that_is_away_is_one_without_keys(issuer: Issuer) -> None:
    issuer.stop()

    with pytest.raises(KeysUnavailable, match="gives no keys: "):
        IssuerKeys(context=issuer.trusted)(issuer.url)


def test_an_issuer_that_speaks_no_http_is_one_without_keys(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        http.server.BaseHTTPRequestHandler, "send_response", lambda self, *_: self.wfile.write(b"?\r\n\r\n")
    )
    monkeypatch.setattr(http.server.BaseHTTPRequestHandler, "end_headers", lambda _: None)

    with pytest.raises(KeysUnavailable, match="gives no keys: "):
        IssuerKeys(context=issuer.trusted)(issuer.url)


def test_an_issuer_without_tls_is_not_asked() -> None:
    with pytest.raises(KeysUnavailable, match="http://issuer.example.com/.well-known/.* is no https URL"):
        IssuerKeys()("http://issuer.example.com")


# What is loaded --------------------------------------------------------------------------------------

HEAVY = ("jwt", "cryptography", "botocore", "microlambda.emulator.gateway.access")


@pytest.mark.parametrize("ingress", ["http-api", "rest-api", "function-url"])
def test_an_api_without_guards_loads_nothing_of_this(ingress: str) -> None:
    program = (
        "import sys\n"
        "from microlambda.emulator.gateway import Gateway\n"
        "from microlambda.emulator.invocation import Invocation\n"
        "from microlambda.emulator.messages import HttpRequest\n"
        "answer = Invocation(request_id='r', payload=b'{\"statusCode\": 200}')\n"
        f"gateway = Gateway({ingress!r}, lambda event: answer)\n"
        "assert gateway.handle(HttpRequest(method='GET', target='/')).status == 200\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
