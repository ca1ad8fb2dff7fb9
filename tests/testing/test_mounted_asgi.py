"""ASGI applications behind every ingress answer as they do behind a plain server: uvicorn."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import django
import fastapi
import pytest
import quart
from asgiref.wsgi import WsgiToAsgi
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.urls import re_path
from flask import Flask, redirect, request
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from microlambda.emulator.gateway import INGRESSES
from tests.testing.both_ways import BothWays
from tests.testing.generated import SINGLE_VALUED, Asked, requests_under
from tests.testing.plain_servers import Answered, as_far_as_told, served_by_uvicorn

HOST = {"Host": "shop.example"}
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
ALL_BYTES = bytes(range(256))


# The applications -----------------------------------------------------------------------------------


async def pieces() -> AsyncIterator[bytes]:
    for number in range(3):
        yield f"{number}\n".encode()


def by_names(pairs: Any) -> list[tuple[str, Any]]:
    """Those of a name keep their order, which is all that a REST API tells."""
    return sorted(pairs, key=lambda pair: pair[0])


async def starlette_echo(request: Request) -> Response:
    return JSONResponse(
        {
            "method": request.method,
            "rest": request.path_params["rest"],
            "path": request.url.path,
            "root": request.scope["root_path"],
            "args": by_names(request.query_params.multi_items()),
            "cookies": sorted(request.cookies.items()),
            "asked": request.headers.get("x-asked"),
            "type": request.headers.get("content-type"),
            "data": (await request.body()).hex(),
            "link": request.url_for("echo", rest="x y").path,
        }
    )


async def starlette_cookies(_: Request) -> Response:
    answer = Response("two", media_type="text/plain")
    answer.set_cookie("a", "1", httponly=True)
    answer.set_cookie("b", "2", path="/x")
    return answer


async def starlette_go(request: Request) -> Response:
    return RedirectResponse(request.url_for("echo", rest="a"))


async def starlette_bytes(_: Request) -> Response:
    return Response(ALL_BYTES, media_type="image/png")


async def starlette_pieces(_: Request) -> Response:
    return StreamingResponse(pieces(), media_type="text/plain")


async def starlette_empty(_: Request) -> Response:
    return Response(status_code=204)


async def starlette_fails(_: Request) -> Response:
    raise RuntimeError("as it should")


def made_starlette(**options: Any) -> Starlette:
    return Starlette(
        routes=[
            Route("/echo/{rest:path}", starlette_echo, methods=METHODS, name="echo"),
            Route("/cookies", starlette_cookies),
            Route("/go", starlette_go),
            Route("/bytes", starlette_bytes),
            Route("/pieces", starlette_pieces),
            Route("/empty", starlette_empty),
            Route("/fails", starlette_fails),
            Route("/slashed/", starlette_bytes),
        ],
        **options,
    )


async def passed(request: Request, call_next: Any) -> Any:
    return await call_next(request)


def made_with_middleware() -> Starlette:
    return made_starlette(middleware=[Middleware(BaseHTTPMiddleware, dispatch=passed)])


def made_fastapi() -> fastapi.FastAPI:
    made = fastapi.FastAPI()

    @made.api_route("/echo/{rest:path}", methods=METHODS, name="echo")
    async def echo(request: fastapi.Request, rest: str, q: str | None = None) -> Any:
        answer = json.loads(bytes((await starlette_echo(request)).body))
        return {**answer, "rest": rest, "q": q}

    made.get("/cookies")(lambda: None)  # a def without an answer, in a thread
    made.add_route("/go", starlette_go)
    made.add_route("/bytes", starlette_bytes)
    made.add_route("/pieces", starlette_pieces)
    made.get("/empty", status_code=204)(lambda: None)
    made.add_route("/fails", starlette_fails)
    made.get("/slashed/")(lambda number: number)  # of which 422 comes: the query lacks the number
    return made


def made_quart() -> quart.Quart:
    made = quart.Quart("pages")
    made.secret_key = "for the test"

    @made.route("/echo/<path:rest>", methods=METHODS)
    async def echo(rest: str) -> Any:
        asked = quart.request
        return {
            "method": asked.method,
            "rest": rest,
            "path": asked.path,
            "root": asked.root_path,
            "args": by_names(asked.args.items(multi=True)),
            "cookies": sorted(asked.cookies.items()),
            "asked": asked.headers.get("X-Asked"),
            "type": asked.content_type,
            "form": list((await asked.form).items(multi=True)),
            "link": quart.url_for("echo", rest="x y"),
        }

    @made.get("/cookies")
    async def cookies() -> Any:
        answer = await quart.make_response("two")
        answer.set_cookie("a", "1", httponly=True)
        answer.set_cookie("b", "2")
        return answer

    @made.get("/go")
    async def go() -> Any:
        return quart.redirect(quart.url_for("echo", rest="a"))

    @made.get("/bytes")
    async def all_bytes() -> Any:
        return ALL_BYTES, {"Content-Type": "image/png"}

    @made.get("/pieces")
    async def in_pieces() -> Any:
        return pieces(), {"Content-Type": "text/plain"}

    @made.get("/empty")
    async def empty() -> Any:
        return "", 204

    @made.get("/fails")
    async def fails() -> Any:
        raise RuntimeError("as it should")

    @made.get("/slashed/")
    async def slashed() -> str:
        return "slashed"

    return made


def django_echo(request: HttpRequest, rest: str) -> HttpResponse:
    return JsonResponse(
        {
            "method": request.method,
            "rest": rest,
            "path": request.path,
            "root": request.META["SCRIPT_NAME"],
            "args": by_names(request.GET.lists()),
            "form": list(request.POST.lists()),
            "cookies": sorted(request.COOKIES.items()),
            "asked": request.headers.get("X-Asked"),
            "type": request.META.get("CONTENT_TYPE"),
            "length": int(request.META.get("CONTENT_LENGTH") or 0),
            "data": request.body.hex(),
            "absolute": request.build_absolute_uri("/x"),
        }
    )


def django_cookies(_: HttpRequest) -> HttpResponse:
    answer = HttpResponse("two")
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2")
    return answer


def django_fails(_: HttpRequest) -> HttpResponse:
    raise RuntimeError("as it should")


urlpatterns = [
    re_path(r"^echo/(?P<rest>(?s:.*))\Z", django_echo),
    re_path(r"^cookies$", django_cookies),
    re_path(r"^go$", lambda request: HttpResponseRedirect("/echo/a")),
    re_path(r"^bytes$", lambda request: HttpResponse(ALL_BYTES, content_type="image/png")),
    re_path(r"^pieces$", lambda request: StreamingHttpResponse(pieces(), content_type="text/plain")),
    re_path(r"^empty$", lambda request: HttpResponse(status=204)),
    re_path(r"^fails$", django_fails),
    re_path(r"^slashed/$", lambda request: HttpResponse("slashed")),
]


def made_django() -> ASGIHandler:
    if not settings.configured:
        settings.configure(
            ROOT_URLCONF=__name__,
            ALLOWED_HOSTS=["*"],
            SECRET_KEY="for the test",
            MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
            LOGGING_CONFIG=None,
        )
        django.setup()
    handler: ASGIHandler = ASGIHandler()
    return handler


def made_of_flask() -> Any:
    pages = Flask("pages")

    @pages.route("/echo/<path:rest>", methods=METHODS)
    def echo(rest: str) -> Any:
        return {
            "rest": rest,
            "url": request.path,
            "root": request.root_path,
            "args": by_names(request.args.items(multi=True)),
            "data": request.get_data().hex(),
        }

    plain = {"Content-Type": "text/plain"}
    pages.add_url_rule("/go", "go", lambda: redirect("/echo/a"))
    pages.add_url_rule("/bytes", "bytes", lambda: (ALL_BYTES, {"Content-Type": "image/png"}))
    pages.add_url_rule("/pieces", "pieces", lambda: ((str(number) for number in range(3)), plain))
    pages.add_url_rule("/empty", "empty", lambda: ("", 204))
    return WsgiToAsgi(pages)  # type: ignore[no-untyped-call]


APPLICATIONS: dict[str, Callable[[], Any]] = {
    "starlette": made_starlette,
    "starlette-middleware": made_with_middleware,
    "fastapi": made_fastapi,
    "quart": made_quart,
    "django": made_django,
    "wsgi-to-asgi": made_of_flask,
}


# Both ways ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[(name, prefix) for name in APPLICATIONS for prefix in ("", "/in")],
                ids=lambda one: f"{one[0]}-at-{one[1] or '/'}")  # fmt: skip
def both(request: Any) -> Iterator[BothWays]:
    name, prefix = request.param
    made = APPLICATIONS[name]()
    with served_by_uvicorn(made, prefix) as port:
        yield BothWays(made, port, prefix)


TARGETS = (
    "/echo/a", "/cookies", "/go", "/bytes", "/pieces", "/empty", "/slashed", "/slashed/", "/none", "/",
    "/echo/a%2Fb", "/echo/a//b", "/echo/%25", "/echo/%C3%BC?q=%C3%BC&q=+2",
)  # fmt: skip


@pytest.mark.parametrize("ingress", INGRESSES)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_each_way_of_answering(both: BothWays, ingress: str, method: str) -> None:
    for target in TARGETS:
        if "&q=" not in target or ingress not in SINGLE_VALUED:
            both.agree(ingress, method, target, HOST, compared=without_a_type)


def without_a_type(answer: Answered) -> Answered:
    """Take away the type of a body that is none, and that of one that no application gave."""
    status, headers, body = answer
    return status, [one for one in headers if body or one[0] != "content-type"], body


def test_a_stage_is_in_front_of_the_root_and_of_the_path(both: BothWays) -> None:
    path = f"{both.prefix}/echo/a"
    event = {
        "httpMethod": "GET",
        "resource": "/{proxy+}",
        "path": path,
        "pathParameters": {"proxy": path[1:]},
        "requestContext": {"stage": "dev", "path": f"/dev{path}", "domainName": "id.execute-api.aws"},
    }

    result = both.app(event, None)

    told = json.loads(result["body"])
    assert (result["statusCode"], told["rest"], told["root"]) == (200, "a", f"/dev{both.prefix}")
    assert told.get("link", "").startswith(f"/dev{both.prefix}/echo/x") or "link" not in told


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(asked=requests_under("/echo"))
@pytest.mark.parametrize("ingress", INGRESSES)
def test_generated_requests(both: BothWays, ingress: str, asked: Asked) -> None:
    told = as_far_as_told(ingress)

    both.agree(
        ingress,
        asked.method,
        asked.target(ingress),
        {**HOST, **asked.fields},
        asked.content,
        compared=lambda answer: without_a_type(told(answer)),
    )
