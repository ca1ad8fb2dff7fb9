"""Tasks: functions whose `.delay(...)` runs them later, elsewhere, while the caller goes on.

    @app.task
    def resize(key, width=100): ...

    @app.post("/pictures")
    def upload():
        return {"id": resize.delay("cats.png", width=200)}, 202

On Lambda `.delay` is an asynchronous invocation of the task's own function; one that fails is tried twice
more (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html). `microlambda local` runs it on a
worker thread, once. Everywhere else, as in tests, it has run when `.delay` comes back. Arguments pass through
JSON in all three, so that none of them takes what another refuses.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from ..awaiting import named, prepare
from ..context import CURRENT, PROPAGATE, RequestContext
from ..errors import EncodingError, RegistrationError, TaskError
from ..registration_options import check_runs
from ..triggers.asynchronous import AsyncOptions
from ..triggers.task import TaskTrigger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Generic, ParamSpec, TypeVar

    from ..app import App
    from ..events.task import TaskEvent
    from ..registration import Registration

    P = ParamSpec("P")
    R = TypeVar("R")
    Runner = Callable[[App, dict[str, Any]], str]
else:
    P = R = None

    class Generic:
        """Stands for typing's, whose import would cost each cold start."""

        def __class_getitem__(cls, _: object) -> type:
            return cls


#: Lambda's quota for asynchronous invocations, 1 MB, in bytes.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_PAYLOAD = 1_048_576

_COPIED = ("__module__", "__name__", "__qualname__", "__doc__", "__type_params__")


class Task(Generic[P, R]):
    """A function that can be called, as ever, or handed over with `.delay`."""

    __wrapped__: Callable[P, R]
    __name__: str

    def __init__(self, function: Callable[P, R]) -> None:
        for name in _COPIED:
            if hasattr(function, name):
                setattr(self, name, getattr(function, name))
        self.__dict__.update(getattr(function, "__dict__", {}))
        self.__wrapped__ = function
        self._places: list[tuple[App, str]] = []

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it here and now; what it answers is the answer."""
        return self.__wrapped__(*args, **kwargs)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Run it asynchronously, and answer the id of this run, which its log lines carry.

        Arguments are what JSON holds, together at most 1 MB; what the app's encoder knows beside (datetime,
        Decimal, UUID...) arrives as JSON has it. Raises TypeError for arguments that the function does not
        take, and `TaskError` for those that cannot travel, or where Lambda refuses the call. What the task
        itself raises comes out only where it runs at once, in a test. An `async def` view awaits
        `asyncio.to_thread(task.delay, ...)`.
        """
        app, name = self._place()
        _check_arguments(self.__wrapped__, name, args, kwargs)
        event = {"microlambda": {"task": name, "args": args, "kwargs": kwargs}}
        return _runner()(app, event)

    def _registered(self, app: App, name: str) -> None:
        self._places.append((app, name))

    def _place(self) -> tuple[App, str]:
        """The app to run in and the name there: of several apps the one that is answering, else the last."""
        if not self._places:
            raise TaskError(
                f"{named(self)} belongs to a blueprint that no app has registered. "
                "Call app.register_blueprint() before .delay()."
            )
        scope = CURRENT.get(None)
        own = [place for place in self._places if scope is not None and place[0] is scope.app]
        return (own or self._places)[-1]

    def __repr__(self) -> str:
        return f"<Task {named(self)}>"


def task_decorator(
    registration: Registration, name: str | None, **options: Any
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """`@app.task(...)`: what it says is checked at once."""
    asynchronous = AsyncOptions("task", **options)
    return lambda function: _make_task(registration, function, name, asynchronous)


def _make_task(
    registration: Registration, function: Callable[P, R], name: str | None, asynchronous: AsyncOptions
) -> Task[P, R]:
    if not callable(function):
        hint = f" Write @app.task(name={function!r})." if isinstance(function, str) else ""
        raise RegistrationError(f"task takes a function, not {function!r}.{hint}")
    check_runs("task", function)
    prepare(function)
    task = Task(function)

    def run(event: TaskEvent) -> R:
        return function(*event.args, **event.kwargs)

    run.__name__ = getattr(function, "__name__", type(function).__name__)
    run.__wrapped__ = function  # type: ignore[attr-defined]  # what messages name
    registration._add_handler("task", run, name, TaskTrigger(task, asynchronous))
    return task


def _check_arguments(
    function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    """Refuse what a call would refuse, while the caller can still be told."""
    from inspect import signature  # boto3 loads it, too

    try:
        taken = signature(function)
    except ValueError:  # a function that is not written in Python
        return
    except NameError:  # from Python 3.14 on: a name in an annotation that is there for type checkers alone
        from annotationlib import Format  # type: ignore[import-not-found]

        taken = signature(function, annotation_format=Format.STRING)  # type: ignore[call-arg]
    try:
        taken.bind(*args, **kwargs)
    except TypeError as exc:
        raise TypeError(f"{name}.delay(): {exc}. The task takes {taken}.") from None


def encoded(app: App, event: dict[str, Any]) -> bytes:
    """The event as it travels; `TaskError` where JSON cannot hold it, or Lambda would not take it."""
    name = event["microlambda"]["task"]
    try:
        payload = app.json_encoder.dumps(event).encode()
    except EncodingError as exc:
        fact = str(exc).partition(". ")[0].rstrip(".").replace("answered as JSON", "written as JSON")
        raise TaskError(
            f"the arguments of the task {name!r} cannot travel as JSON: {fact}. Give it str, numbers, dict "
            "or list, or teach the app with `app.json_default`."
        ) from exc
    if len(payload) > MAX_PAYLOAD:
        raise TaskError(
            f"the arguments of the task {name!r} take {len(payload):,} bytes; Lambda accepts {MAX_PAYLOAD:,} "
            "in an asynchronous call. Put what is large into S3, and hand over its key."
        )
    return payload


def log_failure(app: App, name: str, context: Any, error: BaseException) -> None:
    """Log what ended a task, with the user's frames and the task's own request id."""
    from ..dispatch.failures import users_frames

    kind = type(error)
    token = CURRENT.set(RequestContext(app, None, context))
    try:
        app.logger.error("%r failed: %s", name, kind.__name__, exc_info=(kind, error, users_frames(error)))
    finally:
        CURRENT.reset(token)


# Where tasks run -------------------------------------------------------------------------------------

_chosen: list[Runner] = []


@contextmanager
def tasks_run_by(runner: Runner) -> Iterator[None]:
    """Let `runner` have what `.delay` hands over, in every thread: it gets app and event, and gives an id."""
    _chosen.append(runner)
    try:
        yield
    finally:
        _chosen.remove(runner)


def _runner() -> Runner:
    if _chosen:
        return _chosen[-1]
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ and not PROPAGATE.get():  # a test may play that it is there
        from .on_lambda import invoke

        return invoke
    from .inline import run

    return run
