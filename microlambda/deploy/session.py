"""The way to AWS: which profile and region, whose account, and the clients that everything here uses."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import boto3
import botocore.exceptions
from botocore.config import Config

from microlambda.deploy.errors import (
    AwsUnreachable,
    InvalidRegion,
    LocalStageOnAws,
    NoRegion,
    ProfileNotFound,
    WrongAccount,
)
from microlambda.deploy.explain import explained
from microlambda.deploy.transient import DELAYS, is_contended
from microlambda.emulator.marker import CLOUD_HEADER
from microlambda.project.errors import nearest
from microlambda.project.keys import KEYS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

T = TypeVar("T")
R = TypeVar("R")

# Adaptive: slows down by itself when AWS throttles.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_RETRIES: Any = {"mode": "adaptive", "total_max_attempts": 8}
_WORKERS = 8

# Where a call is refused while another changes the same API, which botocore takes for final.
_CONTENDED = ("apigateway", "apigatewayv2")

#: Every service that the deployer asks.
SERVICES = (
    *("lambda", "sts", "iam", "logs", "apigateway", "apigatewayv2", "ssm"),
    *("events", "scheduler", "sns", "sqs", "dynamodb", "s3"),
)

#: What makes the client of a service: `boto3.Session().client`, or anything that takes the same arguments.
ClientFactory = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who asks."""

    account: str
    partition: str  # "aws", "aws-cn", ...
    arn: str
    is_embedded: bool = False  # the cloud of `deploy --local`, in this process or another


class Aws:
    """One account in one region, as these credentials see it."""

    def __init__(
        self,
        make_client: ClientFactory,
        *,
        region: str,
        endpoint_url: str | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self.region = region
        self._sleep = sleep
        self._interrupted = threading.Event()
        self._make_client = make_client
        self._endpoint_url = endpoint_url
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()
        self._answers: dict[Hashable, Future[Any]] | None = None

    def client(self, service: str) -> Any:
        """Give the service's client; one for all threads, retrying what AWS throttles or drops."""
        return self._client(service, "patient", Config(retries=_RETRIES, max_pool_connections=4 * _WORKERS))

    def client_for_invoke(self, timeout: float) -> Any:
        """Give a Lambda client that waits for `timeout` seconds, and never calls a second time."""
        config = Config(retries={"total_max_attempts": 1}, read_timeout=timeout + 15)
        return self._client("lambda", f"invoke-{timeout}", config)

    @cached_property
    def identity(self) -> Identity:
        """Ask AWS, once, whose credentials these are."""
        config = Config(retries={"total_max_attempts": 2}, connect_timeout=10)
        answer = self._client("sts", "quick", config).get_caller_identity()
        return Identity(
            account=answer["Account"],
            partition=answer["Arn"].split(":")[1],
            arn=answer["Arn"],
            is_embedded=CLOUD_HEADER.lower() in answer["ResponseMetadata"].get("HTTPHeaders", {}),
        )

    def sleep(self, seconds: float) -> None:
        """Wait; `KeyboardInterrupt` where `interrupt` was called before the end of it."""
        if self._sleep is not None:
            self._sleep(seconds)
        elif self._interrupted.wait(seconds):
            raise KeyboardInterrupt

    def interrupt(self) -> None:
        """End every sleep, of whatever thread, as Ctrl-C ends those of the main one."""
        self._interrupted.set()

    @property
    def is_loopback(self) -> bool:
        """Tell whether this is an AWS on this machine: every service of it, none at the real one."""
        return all(_is_here(self.client(service).meta.endpoint_url) for service in SERVICES)

    def arn(self, service: str, resource: str) -> str:
        """Write an ARN in this account and region."""
        return f"arn:{self.identity.partition}:{service}:{self.region}:{self.identity.account}:{resource}"

    def gateway_arn(self, resource: str) -> str:
        """Write the ARN of something of API Gateway's, which names no account: `/apis/a1b2c3`.

        https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html
        """
        return f"arn:{self.identity.partition}:apigateway:{self.region}::{resource}"

    def each(self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Call `function` for all items, several at a time; the answers are in the items' order."""
        wanted = list(items)
        if len(wanted) < 2:
            return [function(one) for one in wanted]
        with ThreadPoolExecutor(max_workers=_WORKERS) as pool:
            return list(pool.map(function, wanted))

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Stand around looking at what is there: what several want to know is asked `once` inside."""
        self._answers = {}
        try:
            yield
        finally:
            self._answers = None

    def once(self, what: Hashable, ask: Callable[[], T]) -> T:
        """Give the answer to a question that several ask in one moment; `what` names it."""
        with self._making:
            if self._answers is None:
                answer: Future[T] = Future()
                is_first = True
            else:
                is_first = what not in self._answers
                answer = self._answers.setdefault(what, Future())
        if is_first:
            try:
                answer.set_result(ask())
            except BaseException as exc:  # noqa: BLE001 - raised below, and where others wait
                answer.set_exception(exc)
        return answer.result()

    def _client(self, service: str, purpose: str, config: Config) -> Any:
        with self._making:  # making a client is not safe across threads, using one is
            key = (service, purpose)
            if key not in self._clients:
                with explained(f"opening the way to {service}"):
                    self._clients[key] = self._make(service, config)
            return self._clients[key]

    def _make(self, service: str, config: Config) -> Any:
        try:
            client = self._make_client(
                service, region_name=self.region, config=config, endpoint_url=self._endpoint_url
            )
        except botocore.exceptions.BotoCoreError:
            raise
        except ValueError as exc:  # so botocore refuses an endpoint that is no URL
            raise AwsUnreachable(
                f"{exc}. Write a URL such as http://127.0.0.1:5000, or unset AWS_ENDPOINT_URL and "
                "endpoint_url in the AWS configuration."
            ) from exc
        if service in _CONTENDED:
            client.meta.events.register(f"needs-retry.{service}", self._wait_for_others)
        return client

    def _wait_for_others(self, *, attempts: int, response: Any, **_rest: Any) -> int | None:
        """Have a call made again that `is_contended`, at once after the wait; None leaves it to botocore."""
        if response is None or not is_contended(response[1].get("Error", {})) or attempts > len(DELAYS):
            return None
        self.sleep(DELAYS[attempts - 1])
        return 0


def _is_here(endpoint_url: str) -> bool:
    host = urlsplit(endpoint_url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def connect(*, profile: str | None, region: str | None, stage_region: str | None) -> Aws:
    """Open the way to AWS; the command's region comes before the stage's, and both before the SDK's."""
    with explained("reading the AWS configuration"):
        session = _session(profile)
        # boto3 reads AWS_DEFAULT_REGION alone; every other SDK, and the AWS CLI, read AWS_REGION first.
        region = region or stage_region or os.environ.get("AWS_REGION") or session.region_name
    if region is None:
        raise NoRegion(
            'no region is known. Give --region, or write region = "eu-west-1" into the settings, '
            "or set AWS_REGION, or give the profile one."
        )
    return Aws(session.client, region=checked_region(region))


def checked_region(region: str) -> str:
    """Refuse what cannot be a region's name: it would become a part of a host's name."""
    if problem := KEYS["region"].check(region):
        raise InvalidRegion(f"the region {region!r} {problem}. Give another: --region eu-west-1")
    return region


def _session(profile: str | None) -> boto3.Session:
    try:
        session = boto3.Session(profile_name=profile)
        _ = session.region_name  # a profile that the environment names is looked for only now
    except botocore.exceptions.ProfileNotFound as exc:
        name = exc.kwargs.get("profile", profile)
        known = boto3.Session().available_profiles if profile else []
        raise ProfileNotFound(
            f"the AWS configuration has no profile {name!r}.{nearest(str(name), known)} "
            f"It has: {', '.join(known) or 'none'}."
        ) from exc
    return session


def check_place(aws: Aws, *, stage: str, account: str | None) -> None:
    """Make sure, before anything else is asked, that this is where the stage belongs."""
    if stage == "local" and not aws.is_loopback:
        raise LocalStageOnAws(
            "the stage 'local' is for this machine: `microlambda deploy --local` deploys it here. "
            "Choose another for AWS: --stage dev"
        )
    actual = aws.identity.account
    if account is not None and actual != account:
        raise WrongAccount(
            f"stage {stage!r} belongs to the account {account}; these credentials are of {actual} "
            f"({aws.identity.arn}). Choose others: --profile NAME"
        )
