"""The Django example along the whole road: its own tests, its archive in the embedded cloud, its commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests import served_example
from tests.served_example import copied, environ, own_tests

PASSWORD = "of the test, and long enough"
SECRET_KEY = "the key of the test, which nobody else has"

#: Of nobody: an AWS of this machine takes any.
FOREIGN = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}

#: What lets browsers read static files in a bucket, without credentials.
FOR_EVERYBODY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::mysite-static/static/*",
        }
    ],
}

#: What the stage of the test adds to the example's settings.
STAGE = """
[stages.dev]
ingress = "{ingress}"
environment = {{ DATABASE = "{database}", DJANGO_SUPERUSER_PASSWORD = "{password}"{more} }}
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    return copied("django_site", tmp_path)


def test_its_own_tests_pass(example: Path) -> None:
    done = own_tests(example)

    assert done.returncode == 0, done.stdout
    assert re.search(r"\d\d passed", done.stdout)


def collect(example: Path, **variables: str) -> str:
    """What `collectstatic` says."""
    command = [sys.executable, "manage.py", "collectstatic", "--noinput"]
    done = subprocess.run(
        command, cwd=example, env=environ(**variables), check=True, capture_output=True, text=True
    )
    return done.stdout


@contextmanager
def deployed(example: Path, ingress: str, stage_before_paths: str) -> Iterator[tuple[str, str]]:
    """The example with its static files in the embedded cloud; gives the URLs of the site and of the AWS."""
    settings = example / "microlambda.toml"
    more = f', STATIC_URL = "{stage_before_paths}/static/"' if stage_before_paths else ""
    database = example.parent / "guestbook.sqlite3"
    added = STAGE.format(ingress=ingress, database=database, password=PASSWORD, more=more)
    settings.write_text(settings.read_text() + added)
    collect(example)
    with served_example.deployed(example, DJANGO_SECRET_KEY=SECRET_KEY) as urls:
        yield urls


def manage(example: Path, aws: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`microlambda manage`, against the AWS of another process."""
    return subprocess.run(
        [sys.executable, "-m", "microlambda", "manage", *arguments, "--stage", "dev"],
        cwd=example,
        env=environ(AWS_ENDPOINT_URL=aws, **FOREIGN),
        text=True,
        capture_output=True,
        check=False,
    )


class Browser:
    """Keeps cookies, follows redirects, and says where a form comes from, as browsers do."""

    def __init__(self, site: str) -> None:
        self._origin = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(site))
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def get(self, url: str) -> tuple[HTTPResponse, str]:
        return self._read(urllib.request.Request(urllib.parse.urljoin(self._origin, url)))

    def send(self, url: str, **form: str) -> tuple[HTTPResponse, str]:
        """Fill in the form of a page and send it back to the page."""
        _, page = self.get(url)
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token is not None, page
        body = urllib.parse.urlencode({**form, "csrfmiddlewaretoken": token[1]}).encode()
        return self._read(urllib.request.Request(url, body, {"Origin": self._origin, "Referer": url}))

    def _read(self, request: urllib.request.Request) -> tuple[HTTPResponse, str]:
        with self._opener.open(request) as response:
            return response, response.read().decode()


@pytest.mark.index
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to a process of its own is POSIX")
@pytest.mark.parametrize(
    ("ingress", "prefix"),
    [pytest.param("http-api", "", id="http-api"), pytest.param("rest-api", "/dev", id="rest-api")],
)
def test_deployed_locally_it_serves_the_admin_and_runs_commands(
    example: Path, ingress: str, prefix: str
) -> None:
    """The real bundle, the real deployer, AWS's runtime client, and Django's own login."""
    with deployed(example, ingress, prefix) as (site, aws):
        browser = Browser(site)

        page, text = browser.get(f"{site}/admin/")
        assert page.url == f"{site}/admin/login/?next={prefix}/admin/"
        (sheet,) = re.findall(r'href="(\S+/admin/css/base\.\w+\.css)"', text)
        assert sheet.startswith(f"{prefix}/static/")
        styles, text = browser.get(sheet)
        assert styles.headers["content-type"].startswith("text/css")
        assert "immutable" in styles.headers["cache-control"]
        assert "html[data-theme" in text

        created = manage(
            example, aws, "createsuperuser", "--noinput", "--username", "ann", "--email", "ann@example.com"
        )
        assert (created.returncode, created.stderr) == (0, "")
        assert created.stdout == "Superuser created successfully.\n"
        page, text = browser.send(
            f"{site}/admin/login/?next={prefix}/admin/", username="ann", password=PASSWORD
        )
        assert (page.url, "Site administration" in text) == (f"{site}/admin/", True)

        signed = manage(example, aws, "sign", "Ann", "Good morning")
        assert (signed.returncode, signed.stdout, signed.stderr) == (0, "1 entries\n", "")
        assert "Good morning" in browser.get(f"{site}/admin/guestbook/entry/")[1]
        assert "<b>Ben</b> hello" in browser.send(f"{site}/", name="Ben", text="hello")[1]

        refused = manage(example, aws, "sign", "Ann", "")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr == "CommandError: the text is empty.\n"
        checked = manage(example, aws, "check", "--json")
        assert json.loads(checked.stdout)["result"]["exit_code"] == checked.returncode == 0


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 with the bucket of the static files, which everybody may read."""
    for name, value in FOREIGN.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = boto3.client("s3", endpoint_url=url)
    client.create_bucket(Bucket="mysite-static")
    client.put_bucket_policy(Bucket="mysite-static", Policy=json.dumps(FOR_EVERYBODY))
    yield url
    server.stop()


@pytest.mark.index
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to a process of its own is POSIX")
def test_static_files_in_a_bucket(example: Path, s3: str) -> None:
    """The page of the function links to the bucket; of the files, the list of names alone ships."""
    settings = example / "microlambda.toml"
    url = f"{s3}/mysite-static/static/"
    settings.write_text(
        settings.read_text().replace('"staticfiles/"', '"staticfiles/staticfiles.json"')
        + f'[stages.dev.environment]\nSTATIC_BUCKET = "mysite-static"\nSTATIC_URL = "{url}"\n'
    )
    said = collect(example, STATIC_BUCKET="mysite-static", AWS_ENDPOINT_URL=s3, **FOREIGN)
    assert re.search(r"\d+ static files copied to .*, \d+ post-processed\.", said)

    with served_example.deployed(example, DJANGO_SECRET_KEY=SECRET_KEY) as (site, _):
        browser = Browser(site)
        _, text = browser.get(f"{site}/")
        (sheet,) = re.findall(r'href="(\S+/guestbook/style\.\w+\.css)"', text)
        assert sheet.startswith(url)
        styles, text = browser.get(sheet)
        assert styles.headers["content-type"] == "text/css"
        assert "immutable" in styles.headers["cache-control"]
        assert text == (example / "guestbook/static/guestbook/style.css").read_text()
        with pytest.raises(urllib.error.HTTPError, match="404"):  # WhiteNoise is not there
            browser.get(f"{site}/static/{sheet.removeprefix(url)}")
