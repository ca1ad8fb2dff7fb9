"""What a cold start and a warm request cost, in instructions counted by callgrind, beside the peers.

The app has 50 routes; the event is a REST API's `GET /hello`. Counted is what comes on top of an
interpreter that has AWS's runtime client loaded: the import of the app and the first answer; then one
more answer. microlambda and Chalice run from the archives that their own `package` commands make; of
Powertools, which has none, the installed packages are copied and compiled.
"""

from __future__ import annotations

import compileall
import importlib.util
import json
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import microlambda

HERE = Path(__file__).parent
EVENT = HERE.parent / "tests" / "runtime" / "events" / "rest-api.json"
ROUTES = 50
WARM = 100  # answers over which the cost of one is measured

POWERTOOLS = ("aws_lambda_powertools", "jmespath", "typing_extensions")

FRAMEWORKS = {
    "microlambda": "from microlambda import App\napp = App('bench')\n",
    "powertools": (
        "from aws_lambda_powertools.event_handler import APIGatewayRestResolver\n"
        "resolver = APIGatewayRestResolver()\nhandler = resolver.resolve\n"
        "class app:\n    route = resolver.get\n"
    ),
    "chalice": "from chalice import Chalice\napp = Chalice(app_name='bench')\n",
}


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A folder as it lies on Lambda, and the handler in it."""

    name: str
    folder: Path
    handler: str
    environment: dict[str, str]
    event: Path = EVENT


def routes(rule: str) -> str:
    """The 50 views; `rule` is how the framework writes captures."""
    views = ["@app.route('/hello')\ndef hello():\n    return {'hello': 'world'}\n"]
    views += [
        f"@app.route('/items{number}')\ndef items{number}():\n    return {{'n': {number}}}\n"
        for number in range(ROUTES // 2)
    ]
    views += [
        f"@app.route('{rule.format(number=number)}')\ndef item{number}(id):\n    return {{'id': id}}\n"
        for number in range(ROUTES - 1 - ROUTES // 2)
    ]
    return "\n".join(views)


def microlambda_contender(root: Path) -> Contender:
    project = project_folder(root / "microlambda", "microlambda", "/orders{number}/<id>")
    (project / "requirements.txt").write_text("microlambda\n")
    run([sys.executable, "-m", "microlambda", "package", "--out", "build"], project)
    (archive,) = (project / "build").glob("*.zip")
    return Contender(
        name="microlambda, its bundle",
        folder=unpacked(archive),
        handler="microlambda.runtime.entry:handler",
        environment={"MICROLAMBDA_APP": "app:app", "MICROLAMBDA_HANDLER": "http"},
    )


def chalice_contender(root: Path) -> Contender:
    project = project_folder(root / "chalice", "chalice", "/orders{number}/{{id}}")
    (project / "requirements.txt").write_text("")
    (project / ".chalice").mkdir()
    config = {"version": "2.0", "app_name": "bench", "stages": {"dev": {}}}
    (project / ".chalice" / "config.json").write_text(json.dumps(config))
    run([str(Path(sys.executable).with_name("chalice")), "package", "out"], project)
    return Contender(
        name="Chalice, its package",
        folder=unpacked(project / "out" / "deployment.zip"),
        handler="app:app",
        environment={},
        event=own_route_event(project),
    )


def powertools_contender(root: Path) -> Contender:
    project = project_folder(root / "powertools", "powertools", "/orders{number}/<id>")
    for name in POWERTOOLS:
        copy_installed(name, project)
    compile_folder(project)
    return Contender(name="Powertools, with bytecode", folder=project, handler="app:handler", environment={})


def copy_installed(name: str, folder: Path) -> None:
    """Put an installed module into a folder, as it would lie in an archive."""
    module = importlib.util.find_spec(name)
    if module is None or module.origin is None:
        raise SystemExit(f"{name} is measured, and is not installed.")
    origin = Path(module.origin)
    if origin.name == "__init__.py":
        shutil.copytree(origin.parent, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(origin, folder)


def own_route_event(folder: Path) -> Path:
    """The event as Chalice's deployment gets it: every route is one of the API's own."""
    event = json.loads(EVENT.read_text())
    event.update(resource="/hello", pathParameters=None)
    event["requestContext"]["resourcePath"] = "/hello"
    path = folder / "event.json"
    path.write_text(json.dumps(event))
    return path


def with_bytecode(contender: Contender) -> Contender:
    folder = contender.folder.with_name(contender.folder.name + "-compiled")
    shutil.copytree(contender.folder, folder)
    compile_folder(folder)
    return Contender(
        name=f"{contender.name.split(',')[0]}, bytecode added",
        folder=folder,
        handler=contender.handler,
        environment=contender.environment,
        event=contender.event,
    )


def by_hand(root: Path) -> Contender:
    """What nobody would want to maintain: the same 50 functions behind one dict."""
    views = routes("/orders{number}/x").replace("@app.route(", "@route(")
    source = (
        "import json\nROUTES = {}\n"
        "def route(path):\n    def keep(view):\n        ROUTES['GET', path] = view\n        return view\n"
        "    return keep\n"
        f"{views}\n"
        "def handler(event, context):\n"
        "    view = ROUTES.get((event['httpMethod'], event['path']))\n"
        "    if view is None:\n        return {'statusCode': 404, 'body': '{}'}\n"
        "    return {'statusCode': 200, 'headers': {'Content-Type': 'application/json'},\n"
        "            'body': json.dumps(view()), 'isBase64Encoded': False}\n"
    )
    folder = root / "hand"
    folder.mkdir()
    (folder / "hand.py").write_text(source)
    compile_folder(folder)
    return Contender(name="by hand, with bytecode", folder=folder, handler="hand:handler", environment={})


def project_folder(folder: Path, framework: str, rule: str) -> Path:
    folder.mkdir()
    (folder / "app.py").write_text(FRAMEWORKS[framework] + routes(rule))
    return folder


def compile_folder(folder: Path) -> None:
    compileall.compile_dir(
        folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH, stripdir=folder
    )


def unpacked(archive: Path) -> Path:
    folder = archive.parent / "unpacked"
    with zipfile.ZipFile(archive) as file:
        file.extractall(folder)
    return folder


def run(command: list[str], folder: Path) -> None:
    environment = {**os.environ, "AWS_DEFAULT_REGION": "eu-west-1"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def probe(
    contender: Contender, count: int, *prefix: str, report: bool = False
) -> subprocess.CompletedProcess[str]:
    import awslambdaric

    site = str(Path(awslambdaric.__file__).parent.parent)
    interpreter = os.path.realpath(sys.executable)
    sources = str(Path(microlambda.__file__).parents[1])  # of what ships without them
    arguments = [site, str(contender.folder), contender.handler, str(count), str(contender.event), sources]
    # The code folder is read-only on Lambda: what has no bytecode is compiled again at every start.
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **contender.environment,
    }
    if report:
        environment["REPORT"] = "1"
    return subprocess.run(
        [*prefix, interpreter, "-S", "-s", str(HERE / "probe.py"), *arguments],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip


def instructions(contender: Contender, count: int) -> int:
    done = probe(contender, count, "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
    return next(int(line.split()[-1]) for line in done.stderr.splitlines() if "Collected" in line)


def main() -> None:
    if shutil.which("valgrind") is None:
        raise SystemExit("valgrind counts the instructions, and is not installed.")
    table = Table(title=f"GET /hello of {ROUTES} routes, REST event, Python {sys.version.split()[0]}")
    for column in (
        "",
        "cold start, M instructions",
        "warm answer, k instructions",
        "modules",
        "lines",
        "bytecode, kB zipped",
    ):
        table.add_column(column, justify="left" if not column else "right")
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        chalice = chalice_contender(root)
        contenders = [by_hand(root), microlambda_contender(root), chalice, with_bytecode(chalice)]
        contenders.append(powertools_contender(root))
        for contender in contenders:
            base, cold, warm = (instructions(contender, count) for count in (0, 1, 1 + WARM))
            counts = json.loads(probe(contender, 1, report=True).stdout)
            table.add_row(
                contender.name,
                f"{(cold - base) / 1e6:.1f}",
                f"{(warm - cold) / WARM / 1e3:.1f}",
                str(counts["modules"]),
                str(counts["lines"]),
                f"{counts['bytecode'] / 1e3:.0f}" if counts["bytecode"] else "",
            )
    Console().print(table)


if __name__ == "__main__":
    main()
