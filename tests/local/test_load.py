"""Load and faults under `microlambda local`: contained and reported, and the server goes on."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

import pytest

from microlambda.emulator.events import schedule
from microlambda.emulator.gateway import INGRESSES
from microlambda.emulator.gateway.failures import FAILURES, Failure
from microlambda.emulator.invocation import Invocation
from microlambda.emulator.messages import HttpRequest, HttpResponse
from microlambda.local.addresses import TOKEN
from microlambda.local.server import LocalServer
from tests.local.events import WAIT, Events

MANY = 1_000
HTTP_API_BODY, FUNCTION_URL_BODY = 10 * 1024 * 1024, 6 * 1024 * 1024
LARGE = 5_000_000

APP = '''\
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from microlambda import App, request

app = App("shop")


@app.get("/")
def index():
    return "hello"


@app.get("/echo/<word>")
def echo(word):
    return word


@app.route("/touch", methods=["GET", "POST"])
def touch():
    print("touched")
    return str(len(request.data))


@app.get("/large")
def large():
    return "x" * 5_000_000


@app.get("/pieces")
def pieces():
    try:
        for _ in range(500):
            yield "x" * 10_000
    finally:
        print("cleaned up")


@app.get("/exits")
def exits():
    os._exit(3)


@app.get("/leaves")
def leaves():
    sys.exit("sorry")


@app.get("/leaves_quietly")
def leaves_quietly():
    sys.exit()


@app.get("/raises_base_exception")
def raises_base_exception():
    raise BaseException("of the base")


@app.get("/raises_keyboard_interrupt")
def raises_keyboard_interrupt():
    raise KeyboardInterrupt


@app.get("/is_killed")
def is_killed():
    os.kill(os.getpid(), signal.SIGKILL)


@app.get("/answers_too_much")
def answers_too_much():
    return "x" * 7_000_000


@app.get("/loops")
def loops():
    while True:
        pass


@app.get("/blocks")
def blocks():
    ctypes.PyDLL(None).sleep(600)  # in C, and no other thread of the process runs meanwhile


@app.get("/loops_at/<int:port>")
def loops_at(port):
    socket.create_connection(("127.0.0.1", port)).close()
    loops()


@app.get("/answers_an_object")
def answers_an_object():
    return object()


@app.get("/answers_an_object_within")
def answers_an_object_within():
    return {"object": object()}


@app.get("/leaks_threads")
def leaks_threads():
    for _ in range(200):
        threading.Thread(target=time.sleep, args=(600,)).start()
    return str(threading.active_count() - 1)


@app.get("/partial/<word>")
def partial(word):
    print(f"{word}, begun ", end="")
    sys.stderr.write("and not ended")
    return word


@app.get("/half_a_character")
def half_a_character():
    os.write(1, b"caf\\xc3")
    return ""


@app.get("/partial_exits")
def partial_exits():
    print("the last words", end="")
    os._exit(3)


@app.get("/prints_a_long_line")
def prints_a_long_line():
    print("y" * 5_000_000, end=request.args.get("end", "\\n"))
    return "printed"


@app.get("/prints_many_lines")
def prints_many_lines():
    print("\\n".join(["z" * 99] * 50_000))
    return "printed"


ECHO = """
import socket, sys

with socket.socket(fileno=int(sys.argv[1])) as connection:
    while sent := connection.recv(1):
        connection.sendall(sent)
"""


@app.get("/forks/<int:port>")
def forks(port):
    connection = socket.create_connection(("127.0.0.1", port))
    if os.fork() == 0:
        while sent := connection.recv(1):
            connection.sendall(sent)
        os._exit(0)
    connection.close()
    return "forked"


@app.get("/starts/<int:port>")
def starts(port):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        fd = connection.fileno()
        subprocess.Popen([sys.executable, "-c", ECHO, str(fd)], pass_fds=(fd,), start_new_session=True)
    return "started"


@app.get("/forks_exits/<int:port>")
def forks_exits(port):
    forks(port)
    os._exit(3)


@app.get("/starts_exits/<int:port>")
def starts_exits(port):
    starts(port)
    os._exit(3)
'''

EVENT_APP = """\
import os
import sys
import time

from microlambda import App

app = App("shop")


@app.get("/")
def index():
    return "hello"


@app.schedule("rate(1 day)")
def fine(event):
    return "done"


@app.schedule("rate(1 day)")
def exits(event):
    print("the last words", end="")
    os._exit(3)


@app.schedule("rate(1 day)")
def leaves(event):
    sys.exit("sorry")


@app.schedule("rate(1 day)")
def overruns(event):
    print("begun", end="")
    while True:
        pass


@app.schedule("rate(1 day)")
def blocks(event):
    time.sleep(600)


@app.schedule("rate(1 day)")
def raises_base_exception(event):
    raise BaseException("of the base")


@app.lambda_function()
def answers_an_object(event, context):
    return object()


@app.schedule("rate(1 day)")
def partial(event):
    print("begun ", end="")
    sys.stderr.write("and not ended")
    return "answered"


@app.schedule("rate(1 day)")
def prints_a_long_line(event):
    print("y" * 5_000_000, end="")
    return "printed"
"""


class Answer(NamedTuple):
    """What a client got: its status, its fields by their names in lower case, its body."""

    status: int
    fields: dict[str, str]
    body: bytes


class Requests(Events):
    """Fills a queue with the targets of the requests that are over, besides."""

    def __init__(self) -> None:
        super().__init__()
        self.over: Queue[str] = Queue()

    def request(self, request: HttpRequest, response: HttpResponse, invocation: Invocation | None) -> None:
        super().request(request, response, invocation)
        self.over.put(request.target)

    def wait_for(self, target: str) -> None:
        while self.over.get(timeout=WAIT) != target:
            pass


class Served:
    """A server that runs, what its console was told, and the processes that it has."""

    def __init__(self, server: LocalServer, events: Requests, others: set[int]) -> None:
        self.server = server
        self.events = events
        self._others = others

    @property
    def printed(self) -> str:
        return self.events.out.getvalue()

    def environments(self) -> set[int]:
        return processes() - self._others

    def connect(self, timeout: float = WAIT) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=timeout)

    def get(self, path: str) -> Answer:
        with self.connect() as line:
            line.sendall(head("GET", path))
            return answer(line)

    def goes_on(self) -> bool:
        """Whether an ordinary request, on a connection of its own, gets its ordinary answer."""
        status, _, body = self.get("/")
        return (status, body) == (200, b"hello")

    def reported(self, since: str) -> list[str]:
        """Lines that were printed after these."""
        assert self.printed.startswith(since)
        return self.printed[len(since) :].splitlines()


def processes() -> set[int]:
    """The children of our process, whichever of its threads began them and whether it still runs."""
    found: set[int] = set()
    for told in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # a process that has ended
            _, _, after_name = told.read_text(encoding="utf-8", errors="replace").rpartition(")")
            if int(after_name.split()[1]) == os.getpid():
                found.add(int(told.parent.name))
    return found


@contextmanager
def serving(project: Path, ingress: str | None = None) -> Iterator[Served]:
    """Serve the project, and see at the end that neither threads nor processes have stayed."""
    threads, others = set(threading.enumerate()), processes()
    events = Requests()
    with LocalServer(project, port=0, ingress=ingress, console=events) as server:
        yield Served(server, events, others)
    for thread in set(threading.enumerate()) - threads:
        thread.join(WAIT)
        assert not thread.is_alive(), thread.name
    assert processes() <= others


def head(method: str, path: str, *fields: str) -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *fields, "", ""]).encode()


def answer(line: socket.socket) -> Answer:
    with closing(http.client.HTTPResponse(line)) as response:
        response.begin()
        fields = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, fields, response.read())


def everything(line: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    return b"".join(iter(lambda: line.recv(65_536), b""))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


@pytest.fixture
def served(project: Path) -> Iterator[Served]:
    with serving(project) as served:
        yield served


# Load.


@pytest.fixture
def open_files() -> Iterator[None]:
    """As many open files as a thousand connections need, at both of their ends."""
    wanted = 4 * MANY
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < wanted:
        pytest.skip(f"only {most} files may be open")
    if before != resource.RLIM_INFINITY and before < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))


@pytest.fixture
def lines(open_files: None) -> Iterator[list[socket.socket]]:
    """Connections to close at the end."""
    lines: list[socket.socket] = []
    yield lines
    for line in lines:
        line.close()


@pytest.mark.slow
def test_a_thousand_requests_at_once_are_all_answered_and_another_one_meanwhile(
    served: Served, lines: list[socket.socket]
) -> None:
    lines += [served.connect() for _ in range(MANY)]
    assert served.goes_on()

    for number, line in enumerate(lines):
        line.sendall(head("GET", f"/echo/{number}"))
    assert served.goes_on()
    answers = [answer(line) for line in lines]

    assert [(status, body) for status, _, body in answers] == [(200, b"%d" % one) for one in range(MANY)]
    lines[-1].sendall(head("GET", "/echo/again"))
    assert answer(lines[-1]).body == b"again"
    assert served.goes_on()
    reported = re.findall(r"^\S+ GET /echo/(\d+) 200 ", served.printed, re.MULTILINE)
    assert sorted(map(int, reported)) == list(range(MANY))


def test_a_thousand_connections_that_say_nothing_keep_nobody_waiting(
    served: Served, lines: list[socket.socket]
) -> None:
    before = served.environments()

    lines += [served.connect() for _ in range(MANY)]

    assert served.goes_on()
    assert served.environments() == before
    for line in lines:
        line.close()
    assert served.goes_on()


@pytest.mark.slow
@pytest.mark.parametrize("limit", [pytest.param(256, id="macOS"), pytest.param(1024, id="Linux")])
def test_a_thousand_silent_connections_are_no_more_than_a_shell_allows(
    project: Path, lines: list[socket.socket], limit: int
) -> None:
    command = [sys.executable, "-m", "microlambda", "local", "--port", "0"]
    with subprocess.Popen(
        ["sh", "-c", f'ulimit -Sn {limit} && exec "$@"', "sh", *command],
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            found = next(filter(None, (re.search(r"Serving on \S+:(\d+)", line) for line in process.stdout)))
            # Less than the minute after which the server ends a silent connection.
            there, timeout = ("127.0.0.1", int(found[1])), 20
            lines += [socket.create_connection(there, timeout=timeout) for _ in range(MANY)]
            with ThreadPoolExecutor() as pool, contextlib.ExitStack() as stack:
                asking = [stack.enter_context(socket.create_connection(there, timeout)) for _ in range(20)]
                for line in asking:
                    line.sendall(head("GET", "/"))
                answers = list(pool.map(answer, asking))
        finally:
            process.terminate()
            said = process.stdout.read() if process.stdout is not None else ""

    assert {(status, body) for status, _, body in answers} == {(200, b"hello")}
    assert "Too many open files" not in said
    assert "Reloaded" not in said  # nothing was saved


@pytest.mark.slow
def test_handlers_that_exit_among_others_take_nobody_with_them(served: Served) -> None:
    paths = [path for number in range(20) for path in ("/exits", f"/echo/{number}")]

    with ThreadPoolExecutor(len(paths)) as pool:
        answers = list(pool.map(served.get, paths))

    assert [status for status, _, _ in answers[::2]] == [500] * 20
    assert [(status, body) for status, _, body in answers[1::2]] == [(200, b"%d" % one) for one in range(20)]
    assert served.printed.count("Runtime exited with error: exit status 3") == 20


# Slow clients.


def test_a_head_that_comes_byte_by_byte_is_answered_and_keeps_nobody_waiting(served: Served) -> None:
    with served.connect() as slow:
        for byte in head("GET", "/echo/slow"):
            slow.sendall(bytes((byte,)))
            assert served.goes_on()

        assert answer(slow).body == b"slow"


@pytest.mark.parametrize("chunked", [False, True], ids=["by length", "chunked"])
def test_a_body_that_comes_byte_by_byte_is_answered_and_keeps_nobody_waiting(
    served: Served, chunked: bool
) -> None:
    framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 20"
    body = b"A\r\n0123456789\r\na;x=y\r\n0123456789\r\n0\r\n\r\n" if chunked else b"0123456789" * 2

    with served.connect() as slow:
        slow.sendall(head("POST", "/touch", framing))
        for byte in body:
            assert "touched" not in served.printed
            slow.sendall(bytes((byte,)))
            assert served.goes_on()

        assert answer(slow).body == b"20"


def read_slowly(served: Served, path: str) -> bytes:
    """Ask, and read the answer piece by piece, with other requests between them."""
    with closing(socket.socket()) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # what is not read has to wait
        slow.settimeout(WAIT)
        slow.connect(("127.0.0.1", served.server.port))
        slow.sendall(head("GET", path))
        with closing(http.client.HTTPResponse(slow)) as response:
            response.begin()
            assert response.status == 200
            read = b""
            while piece := response.read(100_000):
                read += piece
                assert served.goes_on()
    return read


def test_an_answer_that_is_read_slowly_is_whole_and_keeps_nobody_waiting(served: Served) -> None:
    assert read_slowly(served, "/large") == b"x" * LARGE


def test_a_streamed_answer_that_is_read_slowly_is_whole_and_keeps_nobody_waiting(project: Path) -> None:
    with serving(project, "function-url") as served:
        assert read_slowly(served, "/pieces") == b"x" * LARGE


def test_who_leaves_in_the_middle_of_an_answer_leaves_nothing(project: Path) -> None:
    with serving(project, "function-url") as served:
        for path in ("/large", "/pieces"):
            with served.connect() as leaving:
                leaving.sendall(head("GET", path))
                assert leaving.recv(100)
            served.events.wait_for(path)
            assert served.goes_on()
        assert len(served.environments()) == 1
        assert served.printed.count("  cleaned up\n") == 1


# Half-sent requests.

HALVES = [
    pytest.param(b"GET /tou", id="line"),
    pytest.param(b"GET /touch HTTP/1.1", id="line without its end"),
    pytest.param(b"GET /touch HTTP/1.1\r\n", id="no fields"),
    pytest.param(b"GET /touch HTTP/1.1\r\nHost: x\r\nAcc", id="field"),
    pytest.param(b"GET /touch HTTP/1.1\r\nHost: x\r\n", id="head without its end"),
    pytest.param(head("POST", "/touch", "Content-Length: 10"), id="no body"),
    pytest.param(head("POST", "/touch", "Content-Length: 10") + b"half", id="body"),
    pytest.param(head("POST", "/touch", "Expect: 100-continue", "Content-Length: 10"), id="expectation"),
    pytest.param(head("POST", "/touch", "Transfer-Encoding: chunked"), id="no chunk"),
    pytest.param(head("POST", "/touch", "Transfer-Encoding: chunked") + b"A", id="size"),
    pytest.param(head("POST", "/touch", "Transfer-Encoding: chunked") + b"A\r\nhalf", id="chunk"),
    pytest.param(head("POST", "/touch", "Transfer-Encoding: chunked") + b"4\r\nhalf\r\n", id="no last chunk"),
]


@pytest.fixture(scope="module")
def unaffected(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that gets half-sent requests, from one test after the other."""
    project = tmp_path_factory.mktemp("unaffected")
    (project / "app.py").write_text(APP)
    with serving(project) as served:
        assert served.goes_on()
        yield served
    assert "touched" not in served.printed


@pytest.mark.parametrize("sent", HALVES)
def test_a_half_sent_request_runs_no_handler_while_its_client_stays(unaffected: Served, sent: bytes) -> None:
    environments = unaffected.environments()

    with unaffected.connect() as half:
        half.sendall(sent)

        assert all(unaffected.goes_on() for _ in range(3))
    assert unaffected.environments() == environments
    assert "touched" not in unaffected.printed


@pytest.mark.parametrize("sent", HALVES)
def test_a_half_sent_request_runs_no_handler_when_its_client_has_sent_all_it_will(
    unaffected: Served, sent: bytes
) -> None:
    with unaffected.connect() as half:
        half.sendall(sent)
        half.shutdown(socket.SHUT_WR)

        assert b" 200 " not in everything(half)
    assert unaffected.goes_on()
    assert "touched" not in unaffected.printed


@pytest.mark.parametrize("sent", HALVES)
def test_a_half_sent_request_runs_no_handler_when_its_client_is_gone(unaffected: Served, sent: bytes) -> None:
    with unaffected.connect() as half:
        half.sendall(sent)
        # The connection is reset, as of a client whose process has died.
        half.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    assert unaffected.goes_on()


def test_hundreds_of_half_sent_requests_keep_nobody_waiting(
    served: Served, lines: list[socket.socket]
) -> None:
    before = served.environments()

    for _ in range(20):
        for half in HALVES:
            lines.append(served.connect())
            (sent,) = half.values
            assert isinstance(sent, bytes)
            lines[-1].sendall(sent)

    assert served.goes_on()
    for line in lines[::2]:
        line.close()
    assert served.goes_on()
    assert served.environments() == before
    assert "touched" not in served.printed


# Over the limits.

OVER = [
    pytest.param("http-api", HTTP_API_BODY, id="http-api"),
    pytest.param("function-url", FUNCTION_URL_BODY, id="function-url"),
]


def send_body(line: socket.socket, size: int, *, chunked: bool, expecting: bool) -> Answer:
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    line.sendall(head("POST", "/touch", framing, *(["Expect: 100-continue"] if expecting else [])))
    if expecting:
        interim = b"HTTP/1.1 100 Continue\r\n\r\n"
        if line.recv(len(interim), socket.MSG_PEEK | socket.MSG_WAITALL) != interim:
            return answer(line)  # refused for its length, before anything was sent
        line.recv(len(interim), socket.MSG_WAITALL)
    for sent in range(0, size, 1 << 20):
        piece = b"x" * min(1 << 20, size - sent)
        line.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    line.sendall(b"0\r\n\r\n" if chunked else b"")
    return answer(line)


@pytest.mark.parametrize("expecting", [False, True], ids=["at once", "expecting 100"])
@pytest.mark.parametrize("chunked", [False, True], ids=["by length", "chunked"])
@pytest.mark.parametrize(("ingress", "limit"), OVER)
def test_a_body_over_the_limit_is_413_and_the_server_goes_on(
    project: Path, ingress: str, limit: int, chunked: bool, expecting: bool
) -> None:
    cell = FAILURES[ingress][Failure.BODY_TOO_LARGE]
    with serving(project, ingress) as served:
        with served.connect() as line:
            status, _, body = send_body(line, limit + 1, chunked=chunked, expecting=expecting)

        assert (status, body.decode()) == (413, cell.body)
        assert served.goes_on()
        with served.connect() as line:
            assert send_body(line, 1_000_000, chunked=chunked, expecting=expecting).body == b"1000000"

    assert len(re.findall(r"^\S+ POST /touch 413 -$", served.printed, re.MULTILINE)) == 1
    assert served.printed.count(f"  {Failure.BODY_TOO_LARGE.value}\n") == 1
    assert served.printed.count("touched") == 1


@pytest.mark.parametrize(("ingress", "limit"), OVER)
def test_a_length_over_the_limit_is_413_though_the_body_does_not_come(
    project: Path, ingress: str, limit: int
) -> None:
    with serving(project, ingress) as served:
        with served.connect() as line:
            line.sendall(head("POST", "/touch", f"Content-Length: {limit + 1}") + b"x" * 100)
            line.shutdown(socket.SHUT_WR)

            assert answer(line).status == 413
        assert served.goes_on()


@pytest.mark.parametrize(
    ("length", "status"),
    [
        pytest.param("9" * 30, 413, id="30 digits"),
        pytest.param("9" * 5_000, 413, id="5,000 digits"),
    ],
)
def test_a_length_beyond_all_measure_is_answered(served: Served, length: str, status: int) -> None:
    with served.connect() as line:
        line.sendall(head("POST", "/touch", f"Content-Length: {length}") + b"x" * 2_000_000)

        assert answer(line).status == status
    assert served.goes_on()


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([f"X-Long: {'x' * 10_241}"], id="one field"),
        pytest.param([f"X-{number}: {'x' * 1_000}" for number in range(11)], id="in all"),
        pytest.param([f"X-Long: {'x' * 70_000}"], id="longer than a line"),
        pytest.param([f"X-{number}: x" for number in range(300)], id="too many"),
    ],
)
def test_headers_over_the_limit_are_431_and_the_server_goes_on(served: Served, fields: list[str]) -> None:
    with served.connect() as line:
        line.sendall(head("GET", "/touch", *fields))

        assert answer(line).status == 431
    assert served.goes_on()
    assert "touched" not in served.printed


def test_headers_over_the_limit_are_reported(served: Served) -> None:
    with served.connect() as line:
        line.sendall(head("GET", "/touch", f"X-Long: {'x' * 10_241}"))

        assert answer(line).body.decode() == FAILURES["http-api"][Failure.HEADERS_TOO_LARGE].body
    assert re.search(r"^\S+ GET /touch 431 -$", served.printed, re.MULTILINE)
    assert served.printed.count(f"  {Failure.HEADERS_TOO_LARGE.value}\n") == 1


# Handlers that fail their process.

INGRESS = ["http-api", "rest-api", "function-url"]
EXIT = "Runtime.ExitError: Runtime exited"

FAULTS = [
    pytest.param("exits", f"{EXIT} with error: exit status 3", id="os._exit"),
    pytest.param("leaves", f"{EXIT} with error: exit status 1", id="sys.exit with a text"),
    pytest.param("leaves_quietly", f"{EXIT} without providing a reason", id="sys.exit"),
    pytest.param("raises_base_exception", f"{EXIT} with error: exit status 1", id="BaseException"),
    pytest.param(
        "raises_keyboard_interrupt", f"{EXIT} with error: signal: interrupt", id="KeyboardInterrupt"
    ),
    pytest.param("is_killed", f"{EXIT} with error: signal: killed", id="killed"),
]
OVERRUNS = [pytest.param("loops", id="loop"), pytest.param("blocks", id="C")]


def check_fault(served: Served, path: str, failure: Failure, reason: str) -> None:
    """Ask for a view that fails: it is answered as by the ingress, told in one line, and others serve."""
    cell = FAILURES[served.server._version.ingress if served.server._version else ""][failure]
    before = served.printed

    status, _, body = served.get(path)

    assert (status, body.decode()) == (cell.status, cell.body)
    told = served.reported(before)
    assert len([line for line in told if f" GET {path} {cell.status} " in line]) == 1
    assert told.count(f"  {reason}") == 1
    assert served.goes_on()


@pytest.fixture(scope="module", params=INGRESS)
def faulty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of each ingress, for one fault after the other."""
    project = tmp_path_factory.mktemp("faulty")
    (project / "app.py").write_text(APP)
    with serving(project, request.param) as served:
        yield served


@pytest.fixture(scope="module", params=INGRESS)
def hasty(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same, where handlers have one second."""
    project = tmp_path_factory.mktemp("hasty")
    (project / "app.py").write_text(APP)
    (project / "microlambda.toml").write_text("timeout = 1\n")
    with serving(project, request.param) as served:
        yield served


@pytest.mark.parametrize(("view", "reason"), FAULTS)
def test_a_handler_that_ends_its_process_fails_alone(faulty: Served, view: str, reason: str) -> None:
    check_fault(faulty, f"/{view}", Failure.FUNCTION_ERROR, reason)


@pytest.mark.parametrize("view", OVERRUNS)
def test_a_handler_that_never_answers_is_ended(hasty: Served, view: str) -> None:
    reason = "Sandbox.Timedout: Task timed out after 1.00 seconds"
    check_fault(hasty, f"/{view}", Failure.FUNCTION_TIMEOUT, reason)


@pytest.mark.parametrize("ingress", sorted(INGRESSES))
def test_each_ingress_has_its_answer_to_a_handler_that_exits(project: Path, ingress: str) -> None:
    with serving(project, ingress) as served:
        reason = "Runtime.ExitError: Runtime exited with error: exit status 3"
        check_fault(served, "/exits", Failure.FUNCTION_ERROR, reason)


def test_an_answer_over_the_limit_fails_alone(faulty: Served) -> None:
    before = faulty.printed

    status, _, _ = faulty.get("/answers_too_much")

    assert status in (500, 502)
    told = faulty.reported(before)
    assert len([line for line in told if f" GET /answers_too_much {status} " in line]) == 1
    assert any("6291556 bytes" in line for line in told)
    assert faulty.goes_on()


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        pytest.param("answers_an_object", "the view answered object, which is no answer", id="object"),
        pytest.param("answers_an_object_within", "JSON has no type for object", id="object within"),
    ],
)
def test_an_answer_that_is_no_json_fails_alone(faulty: Served, view: str, reason: str) -> None:
    before = faulty.printed

    status, fields, _ = faulty.get(f"/{view}")

    assert (status, fields["content-type"]) == (500, "application/problem+json")
    told = faulty.reported(before)
    assert len([line for line in told if f" GET /{view} 500 " in line]) == 1
    assert len([line for line in told if reason in line]) == 1
    assert faulty.goes_on()


def test_others_are_answered_while_a_handler_loops(served: Served) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as gate,
        served.connect() as line,
    ):
        gate.settimeout(WAIT)
        line.sendall(head("GET", f"/loops_at/{gate.getsockname()[1]}"))
        begun, _ = gate.accept()
        begun.close()

        assert all(served.goes_on() for _ in range(5))
        served.server.stop()
        assert b" 200 " not in everything(line)


@pytest.mark.slow
def test_requests_wait_for_environments_that_are_all_blocked_until_those_are_ended(project: Path) -> None:
    (project / "microlambda.toml").write_text("timeout = 1\n")
    with serving(project) as served, contextlib.ExitStack() as stack:
        blocked = [stack.enter_context(served.connect()) for _ in range(20)]
        for line in blocked:
            line.sendall(head("GET", "/blocks"))

        assert served.goes_on()
        assert {answer(line).status for line in blocked} == {500}
        assert served.goes_on()

    assert served.printed.count("Sandbox.Timedout: Task timed out after 1.00 seconds") == 20


# Handlers that leave something behind.


def test_threads_that_a_handler_leaves_are_its_own_process_alone(served: Served) -> None:
    before = served.environments()

    assert [served.get("/leaks_threads").body for _ in range(3)] == [b"200", b"400", b"600"]

    assert served.goes_on()
    assert served.environments() == before


@contextmanager
def child(served: Served, path: str) -> Iterator[tuple[socket.socket, Answer]]:
    """Let a view start a child that stays; gives a connection on which it sends all back, while it lives."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT)
        told = served.get(path.format(listener.getsockname()[1]))
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(WAIT)
            yield connection, told


def lives(child: socket.socket) -> bool:
    try:
        child.sendall(b"x")
        return child.recv(1) == b"x"
    except ConnectionError:
        return False


@pytest.mark.parametrize("view", ["forks", "starts"])
def test_a_child_that_stays_keeps_nobody_waiting_and_ends_with_the_server(served: Served, view: str) -> None:
    with child(served, f"/{view}/{{}}") as (connection, told):
        assert told.status == 200
        assert served.goes_on()
        assert lives(connection)

        served.server.stop()

        assert not lives(connection)


@pytest.mark.parametrize(
    "view",
    [
        "forks_exits",
        "starts_exits",
    ],
)
def test_a_child_that_stays_ends_at_the_latest_with_the_server_where_its_parent_exits(
    served: Served, view: str
) -> None:
    with child(served, f"/{view}/{{}}") as (connection, told):
        assert told.status == 500
        assert served.goes_on()

        served.server.stop()

        assert not lives(connection)


# What handlers print.


@pytest.mark.parametrize("word", ["one", "two"])
def test_a_line_without_its_end_stands_below_its_own_request(faulty: Served, word: str) -> None:
    before = faulty.printed

    assert faulty.get(f"/partial/{word}").body == word.encode()

    first, second = faulty.reported(before)
    assert f" GET /partial/{word} 200 " in first
    assert second == f"  {word}, begun and not ended"
    assert faulty.goes_on()


def test_half_a_character_is_shown_and_spoils_no_other_line(faulty: Served) -> None:
    before = faulty.printed

    assert faulty.get("/half_a_character").status == 200
    assert faulty.goes_on()

    first, second, third = faulty.reported(before)
    assert (" GET /half_a_character 200 " in first, second) == (True, "  caf\ufffd")
    assert " GET / 200 " in third


def test_a_line_without_its_end_is_shown_where_the_handler_exits(faulty: Served) -> None:
    before = faulty.printed

    assert faulty.get("/partial_exits").status >= 500

    assert faulty.reported(before)[2:] == ["  the last words"]
    assert faulty.goes_on()


@pytest.mark.parametrize("end", ["", "?end="], ids=["ended", "not ended"])
def test_a_line_of_five_megabytes_is_shown_whole(served: Served, end: str) -> None:
    assert served.get(f"/prints_a_long_line{end}").body == b"printed"
    assert served.goes_on()

    # The lines of what takes long stand above that of the request, and below one that says so.
    lines = [line for line in served.printed.splitlines() if "y" * 100 in line]
    assert lines == [f"  {'y' * LARGE}"]


def test_five_megabytes_of_lines_are_shown_whole(served: Served) -> None:
    assert served.get("/prints_many_lines").body == b"printed"
    assert served.goes_on()

    assert served.printed.splitlines().count(f"  {'z' * 99}") == 50_000
    assert len(re.findall(r"^\S+ GET /prints_many_lines 200 ", served.printed, re.MULTILINE)) == 1


# Handlers of events, called by hand.


@pytest.fixture(scope="module")
def fired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of an app with handlers of events."""
    project = tmp_path_factory.mktemp("fired")
    (project / "app.py").write_text(EVENT_APP)
    (project / "microlambda.toml").write_text(
        'name = "shop"\n[functions.overruns]\ntimeout = 1\n[functions.blocks]\ntimeout = 1\n'
    )
    events = Requests()
    with LocalServer(project, port=0, console=events) as server:
        events.notes.get(timeout=WAIT)  # what fires the handlers is there
        yield Served(server, events, processes())


def invoke(served: Served, name: str) -> dict[str, Any]:
    (token,) = re.findall(rf"{TOKEN}: ([\w-]+)'", served.printed)
    event = json.dumps(schedule.build(handler=name)).encode()
    fields = (f"{TOKEN}: {token}", f"Content-Length: {len(event)}")
    with served.connect() as line:
        line.sendall(head("POST", f"/_microlambda/invoke/{name}", *fields) + event)
        status, _, body = answer(line)
    assert status == 200
    document = json.loads(body)
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(
    ("name", "kind", "message", "log"),
    [
        pytest.param("exits", "Runtime.ExitError", "exit status 3", ["the last words"], id="os._exit"),
        pytest.param("leaves", "Runtime.ExitError", "exit status 1", ["sorry"], id="sys.exit"),
        pytest.param("overruns", "Sandbox.Timedout", "after 1.00 seconds", ["begun"], id="loop"),
        pytest.param("blocks", "Sandbox.Timedout", "after 1.00 seconds", [], id="C"),
        pytest.param("raises_base_exception", "Runtime.ExitError", "exit status 1", None, id="BaseException"),
        pytest.param("answers_an_object", "WrongAnswer", "object", None, id="object"),
    ],
)
def test_a_handler_of_events_that_fails_is_told_of_and_the_server_goes_on(
    fired: Served, name: str, kind: str, message: str, log: list[str] | None
) -> None:
    before = fired.printed

    told = invoke(fired, name)

    assert (told["result"], told["error"]["errorType"]) == (None, kind)
    assert message in told["error"]["errorMessage"]
    assert log is None or told["log"] == log
    reported = fired.reported(before)
    assert len([line for line in reported if f" {name} failed " in line]) == 1
    (reason,) = [line for line in reported if line.startswith(f"  {kind}: ")]
    assert message in reason
    assert log is None or reported[2:] == [f"  {line}" for line in log]
    assert invoke(fired, "fine")["result"] == "done"
    assert fired.goes_on()


def test_a_line_without_its_end_stands_below_its_own_event(fired: Served) -> None:
    before = fired.printed

    told = invoke(fired, "partial")

    assert (told["result"], told["log"]) == ("answered", ["begun and not ended"])
    first, second = fired.reported(before)
    assert " partial ok " in first
    assert second == "  begun and not ended"


def test_what_a_handler_of_events_prints_is_told_whole(fired: Served) -> None:
    told = invoke(fired, "prints_a_long_line")

    assert (told["result"], told["log"]) == ("printed", ["y" * LARGE])
    assert fired.goes_on()


def test_the_server_ends_on_a_signal_after_all_this(project: Path) -> None:
    command = [sys.executable, "-m", "microlambda", "local", "--port", "0"]
    with subprocess.Popen(
        command, cwd=project, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        found = next(filter(None, (re.search(r"Serving on \S+:(\d+)", line) for line in process.stdout)))
        there = ("127.0.0.1", int(found[1]))
        statuses = []
        for path in ("/exits", "/raises_keyboard_interrupt", "/leaks_threads", "/"):
            with socket.create_connection(there, timeout=WAIT) as line:
                line.sendall(head("GET", path))
                statuses.append(answer(line).status)
        with socket.create_connection(there, timeout=WAIT) as half:
            half.sendall(b"GET /touch HTTP/1.1\r\nHost:")
            process.send_signal(signal.SIGINT)
            rest = process.stdout.read()  # ends with the last process that could write

        assert statuses == [500, 500, 200, 200]
        assert process.wait(WAIT) == 0
    assert "touched" not in rest
