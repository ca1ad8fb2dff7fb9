"""References in environment variables, `${ssm:/path}` and `${secret:name}`, resolved at start-up.

So what is secret stands neither in the archive nor in the function's configuration. All are fetched at once,
before the app is imported, and stay as they are until the environment ends.
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
"""

from __future__ import annotations

import re
import threading

from .errors import ConfigurationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from typing import Any

_REFERENCE = re.compile(r"\$\{(ssm|secret):([^}]*)\}")

#: What GetParameters takes in one call.
_MOST_PARAMETERS = 10

#: A start that takes longer than ten seconds is begun anew: a call that hangs is tried again before that.
_TIMES = {"connect_timeout": 2, "read_timeout": 3}  # s

_ACTIONS = {"ssm": "ssm:GetParameters", "secret": "secretsmanager:GetSecretValue"}
_DENIED = ("AccessDeniedException", "AccessDenied")
_MISSING = ("ResourceNotFoundException", "ParameterNotFound")


def resolve(environ: MutableMapping[str, str]) -> None:
    """Put what references refer to into their places; ConfigurationError names one that cannot be had."""
    asked = {name: text for name, text in environ.items() if _REFERENCE.search(text)}
    variables: dict[tuple[str, str], str] = {}
    for variable, text in asked.items():
        for kind, name in _REFERENCE.findall(text):
            asks = f"the environment variable {variable} asks for ${{{kind}:{name}}}"
            variables.setdefault((kind, name), asks)
    found = fetched(variables)
    for variable, text in asked.items():
        environ[variable] = _REFERENCE.sub(lambda match: found[match[1], match[2]], text)


def fetched(asked: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Fetch parameters ("ssm") and secrets ("secret") at once; `asked` says who asks, by kind and name."""
    return _Fetching(asked).fetched()


class _Fetching:
    """What is asked for, each with who asks for it, and what came back."""

    def __init__(self, asked: dict[tuple[str, str], str]) -> None:
        self._asked = asked
        self._found: dict[tuple[str, str], str] = {}
        self._errors: list[ConfigurationError] = []

    def fetched(self) -> dict[tuple[str, str], str]:
        """Fetch all at once, in threads of their own."""
        threads = [threading.Thread(target=self._kept, args=job) for job in self._jobs()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]
        return self._found

    def _jobs(self) -> list[tuple[Callable[..., None], Any, Any]]:
        """The calls to make, with their clients: those are made here, for making them is not for threads."""
        parameters = [name for kind, name in self._asked if kind == "ssm"]
        secrets = [name for kind, name in self._asked if kind == "secret"]
        jobs: list[tuple[Callable[..., None], Any, Any]] = []
        if parameters:
            client = _client("ssm")
            starts = range(0, len(parameters), _MOST_PARAMETERS)
            jobs += [(self._parameters, client, parameters[one : one + _MOST_PARAMETERS]) for one in starts]
        if secrets:
            client = _client("secretsmanager")
            jobs += [(self._secret, client, name) for name in secrets]
        return jobs

    def _kept(self, fetch: Callable[..., None], client: Any, wanted: Any) -> None:
        """Keep an error for whoever waits."""
        try:
            fetch(client, wanted)
        except ConfigurationError as exc:
            self._errors.append(exc)
        except Exception as exc:  # noqa: BLE001  # a thread's error reaches nobody otherwise
            kind = "secret" if isinstance(wanted, str) else "ssm"
            name = wanted if isinstance(wanted, str) else wanted[0]
            self._errors.append(self._error(kind, name, _why(kind, exc)))

    def _parameters(self, client: Any, names: list[str]) -> None:
        answer = client.get_parameters(Names=names, WithDecryption=True)
        told = {}
        for one in answer["Parameters"]:
            told[one["Name"]] = told[one.get("ARN", "")] = one["Value"]
        for name in names:
            if name not in told:
                raise self._error("ssm", name, "there is no such parameter here")
            self._keep("ssm", name, told[name])

    def _secret(self, client: Any, name: str) -> None:
        value = client.get_secret_value(SecretId=name).get("SecretString")
        if value is None:
            raise self._error("secret", name, "it is binary, and a variable is text")
        self._keep("secret", name, value)

    def _keep(self, kind: str, name: str, value: str) -> None:
        if "\0" in value:
            raise self._error(kind, name, "it holds a NUL character, which no environment can")
        self._found[kind, name] = value

    def _error(self, kind: str, name: str, why: str) -> ConfigurationError:
        return ConfigurationError(f"{self._asked[kind, name]}: {why}.")


def _client(service: str) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as exc:
        raise ConfigurationError(
            f"references in the environment need boto3, which is not here: {exc}. Name boto3 in the "
            "project's requirements."
        ) from exc
    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, **_TIMES)
    return boto3.client(service, config=config)


def _why(kind: str, exc: Exception) -> str:
    """What went wrong, without AWS's own words: they may hold more than a log should."""
    code = getattr(exc, "response", {}).get("Error", {}).get("Code", "")
    if code in _DENIED:
        return f"the function's role lacks {_ACTIONS[kind]} for it, or the use of the key that encrypts it"
    if code in _MISSING:
        return "there is no such secret here"
    return f"it could not be fetched ({code or type(exc).__name__})"
