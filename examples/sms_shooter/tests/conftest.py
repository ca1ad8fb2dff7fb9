"""The SMS service under test, its Twilio client talking to the stand-in without a network."""

import importlib.util
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from app import app as sms_app
from smslib import sms
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response

STANDIN = Path(__file__).parents[1] / "standin"


@pytest.fixture(scope="session")
def standin_app():
    """The stand-in's App; its folder is another project, so its app.py gets a name of its own here."""
    sys.path.append(str(STANDIN))
    spec = importlib.util.spec_from_file_location("standin_app", STANDIN / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.app
    sys.path.remove(str(STANDIN))


@pytest.fixture
def standin(standin_app, tmp_path, monkeypatch):
    """A client of the stand-in, whose messages end with the test."""
    from messages import MESSAGES

    monkeypatch.setattr(MESSAGES, "path", tmp_path / "messages.sqlite3")
    monkeypatch.setenv("STANDIN_ACCOUNT_SID", os.environ["ACCOUNT_SID"])
    monkeypatch.setenv("STANDIN_AUTH_TOKEN", os.environ["AUTH_TOKEN"])
    return standin_app.test_client()


@pytest.fixture
def client(standin, monkeypatch):
    """A client of the SMS service."""

    def request(self, method, url, params=None, data=None, headers=None, auth=None, **ignored):
        _, _, path, query, _ = urlsplit(url)
        target = f"{path}?{query}" if query else path
        answer = standin.open(
            target, method=method, query_string=params, data=data, headers=headers, auth=auth
        )
        return Response(answer.status_code, answer.text)

    monkeypatch.setattr(TwilioHttpClient, "request", request)
    sms.client.cache_clear()
    return sms_app.test_client()
