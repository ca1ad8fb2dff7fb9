"""The Flask example along the whole road: its own tests, and its archive in the embedded cloud."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from tests.served_example import EXAMPLES, copied, deployed, own_tests

EXAMPLE = EXAMPLES / "flask_valentine"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return copied("flask_valentine", tmp_path)


def test_its_own_tests_pass(example: Path) -> None:
    done = own_tests(example)

    assert done.returncode == 0, done.stdout
    assert re.search(r"\d passed", done.stdout)


@pytest.mark.index
@pytest.mark.parametrize(("ingress", "stage"), [("http-api", ""), ("rest-api", "/dev")])
def test_it_is_served_from_its_archive(example: Path, ingress: str, stage: str) -> None:
    settings = example / "microlambda.toml"
    settings.write_text(f'ingress = "{ingress}"\n' + settings.read_text())
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def read(url: str, body: bytes | None = None) -> tuple[str, str, bytes]:
        with browser.open(url, body) as answer:
            return answer.url, answer.headers["content-type"], answer.read()

    with deployed(example, VALENTINE_SECRET_KEY="of the test") as (site, _aws):
        assert site.endswith(stage)
        form = urllib.parse.urlencode({"to": "Zo\u00eb", "verse": "snow"}).encode()
        url, _, page = read(f"{site}/", form)
        assert url == f"{site}/to/Zo%C3%AB?verse=snow"
        assert "Sent to Zo\u00eb.".encode() in page
        assert "You wrote to Zo\u00eb.".encode() in read(f"{site}/")[2]

        links = re.findall(r'(?:href|src)="([^"]+)"', page.decode())
        assert links == [
            f"{stage}/static/style.css",
            f"{stage}/static/heart.png",
            f"{stage}/heart.svg?for=Zo%C3%AB",
        ]
        css, png, svg = (read(urllib.parse.urljoin(site, link)) for link in links)
        assert css[1].startswith("text/css")
        assert (png[1], png[2]) == ("image/png", (EXAMPLE / "static" / "heart.png").read_bytes())
        assert svg[1] == "image/svg+xml"
