"""Seconds and sizes of a bundle, and what hello world costs at its cold start, beside the peers.

Each peer is installed into a virtual environment of its own and packages the same app by its own command:
first with nothing of its own kept, then again, then after a line of code was added, then after a requirement
was. What pip and uv have downloaded is kept for all. uv alone installs the dependencies for the target and
makes no archive, as `sam build` makes none: their sizes are those of a plain zip of the folder.

A second table has what uv brings where nothing at all was downloaded yet, by itself and in ours.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cold_start  # type: ignore[import-not-found]  # beside this script
from cold_start import EVENT, Contender, instructions
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = (
    f"{sys.version_info[0]}.{sys.version_info[1]}"  # of the machine, for not every peer packages for others
)
PLATFORM = "x86_64-manylinux_2_17" if PYTHON == "3.11" else "x86_64-manylinux_2_34"
UV = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
ROUNDS = 5
REQUIREMENTS = {"hello world": (), "requests, pydantic, numpy": ("requests", "pydantic", "numpy")}

ROUTE = "@app.route('/hello')\ndef hello():\n    return {'hello': 'world'}\n"
BY_HAND = (
    "import json\n\n\ndef handler(event, context):\n"
    "    return {'statusCode': 200, 'body': json.dumps({'hello': 'world'})}\n"
)
TEMPLATE = f"""\
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Resources:
  Http:
    Type: AWS::Serverless::Function
    Properties: {{CodeUri: src, Handler: app.handler, Runtime: python{PYTHON}, Architectures: [x86_64]}}
"""
CHALICE_CONFIG = json.dumps({"version": "2.0", "app_name": "bench", "stages": {"dev": {}}})
SETTINGS = f'name = "bench"\npython = "{PYTHON}"\narchitecture = "x86_64"\n'


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A tool: what is installed for it, the files of its project, its command, and what that leaves.

    `handler` is None for what cannot answer; the venv of some has to hold what the app requires.
    """

    name: str
    installs: tuple[str, ...]
    files: dict[str, str]
    command: tuple[str, ...]
    made: Callable[[Path], list[Path]]
    requirements: str = "requirements.txt"
    code: str = "app.py"
    handler: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    installs_requirements: bool = False
    event: Callable[[Path], Path] = lambda _: EVENT


UV_INSTALL = (
    UV, "pip", "install", "--target", "out", "--python", sys.executable, "--python-version", PYTHON,
    "--python-platform", PLATFORM, "--only-binary", ":all:", "-r", "requirements.txt",
)  # fmt: skip

PEERS = (
    Peer(
        name="microlambda",
        installs=(),
        files={
            "app.py": f"from microlambda import App\napp = App('bench')\n{ROUTE}",
            "microlambda.toml": SETTINGS,
        },
        command=("microlambda", "package"),
        made=lambda folder: sorted((folder / "build").glob("*.zip")),
        handler="microlambda.runtime.entry:handler",
        environment={"MICROLAMBDA_APP": "app:app", "MICROLAMBDA_HANDLER": "http"},
    ),
    Peer(
        name="Chalice",
        installs=("chalice", "setuptools"),
        files={
            "app.py": f"from chalice import Chalice\napp = Chalice(app_name='bench')\n{ROUTE}",
            ".chalice/config.json": CHALICE_CONFIG,
        },
        command=("chalice", "package", "out"),
        made=lambda folder: [folder / "out" / "deployment.zip"],
        handler="app:app",
        event=lambda folder: Path(cold_start.own_route_event(folder)),
    ),
    Peer(
        name="Zappa, Flask",
        installs=("zappa", "flask", "setuptools<80"),
        files={
            "app.py": f"from flask import Flask\napp = Flask('bench')\n{ROUTE}",
            "zappa_settings.json": json.dumps(
                {
                    "dev": {
                        "app_function": "app.app",
                        "project_name": "bench",
                        "runtime": f"python{PYTHON}",
                        "s3_bucket": "bench",
                        "aws_region": "eu-west-1",
                    }
                }
            ),
        },
        command=("zappa", "package", "dev", "-o", "out.zip"),
        made=lambda folder: [folder / "out.zip"],
        handler="handler:lambda_handler",
        installs_requirements=True,
    ),
    Peer(
        name="SAM, by hand",
        installs=("aws-sam-cli",),
        files={"src/app.py": BY_HAND, "template.yaml": TEMPLATE},
        command=("sam", "build"),
        made=lambda folder: [folder / ".aws-sam" / "build" / "Http"],
        requirements="src/requirements.txt",
        code="src/app.py",
        handler="app:handler",
    ),
    Peer(
        name="uv alone",
        installs=(),
        files={"app.py": BY_HAND},
        command=UV_INSTALL,
        made=lambda folder: [folder / "out"],
    ),
    Peer(
        name="uv alone, with bytecode",
        installs=(),
        files={"app.py": BY_HAND},
        command=(*UV_INSTALL, "--compile-bytecode"),
        made=lambda folder: [folder / "out"],
    ),
)

#: Those that uv downloads for.
WITH_UV = ("microlambda", "uv alone", "uv alone, with bytecode")


class Failed(Exception):
    """A command's last words."""


def run(command: tuple[str, ...], folder: Path, environ: dict[str, str]) -> float:
    """Run a command; gives the seconds that it takes."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        said = f"{done.stdout}\n{done.stderr}".strip().splitlines()
        raise Failed(said[-1].strip()[:90] if said else f"exit code {done.returncode}")
    return seconds


def installed(peer: Peer, requirements: tuple[str, ...], root: Path) -> dict[str, str]:
    """Install a peer; gives the environment that its command runs in."""
    scripts = Path(sys.executable).parent
    environ = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "SAM_CLI_TELEMETRY": "0",
        "MICROLAMBDA_CACHE_DIR": str(root / "cache"),
    }
    if peer.installs:
        home = root / "venv"
        run((UV, "venv", "--seed", "--python", os.path.realpath(sys.executable), str(home)), root, environ)
        scripts = home / "bin"
        wanted = (*peer.installs, *(requirements if peer.installs_requirements else ()))
        run((UV, "pip", "install", "--python", str(scripts / "python"), *wanted), root, environ)
        environ["VIRTUAL_ENV"] = str(home)
    environ["PATH"] = f"{scripts}{os.pathsep}{environ['PATH']}"
    return environ


def written(peer: Peer, requirements: tuple[str, ...], root: Path) -> Path:
    folder = root / "bench"
    for name, content in {**peer.files, peer.requirements: "\n".join([*requirements, ""])}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder


def unpacked(made: list[Path], folder: Path) -> tuple[Path, int]:
    """Lay what was made into one folder, as on Lambda; gives the folder and what travels there, zipped."""
    size = 0
    for path in made:
        if path.is_dir():
            shutil.copytree(path, folder, dirs_exist_ok=True)
            size += Path(shutil.make_archive(str(folder) + "-zipped", "zip", path)).stat().st_size
        else:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
            size += path.stat().st_size
    return folder, size


def measured(peer: Peer, requirements: tuple[str, ...], root: Path) -> list[str]:
    environ = installed(peer, requirements, root)
    folder = written(peer, requirements, root)
    seconds = [run(peer.command, folder, environ) for _ in ("cold", "unchanged")]
    with (folder / peer.code).open("a") as file:
        file.write("\n# changed\n")
    seconds.append(run(peer.command, folder, environ))
    with (folder / peer.requirements).open("a") as file:
        file.write("six\n")
    seconds.append(run(peer.command, folder, environ))
    made = peer.made(folder)
    task, size = unpacked(made, root / "task")
    whole = sum(path.stat().st_size for path in task.rglob("*") if path.is_file())
    lacking = [name for name in requirements if not any(task.rglob(f"{name}/__init__.py"))]
    cold = "" if requirements or peer.handler is None else cold_instructions(peer, folder, task)
    return [
        *(f"{one:.1f}" for one in seconds),
        f"{size / 1e6:.2f}",
        f"{whole / 1e6:.2f}",
        f"lacks {', '.join(lacking)}" if lacking else cold,
    ]


def downloading(peer: Peer, requirements: tuple[str, ...], root: Path) -> str:
    """Give the seconds of a run for which nothing was downloaded and nothing was made before."""
    environ = {**installed(peer, requirements, root), "UV_CACHE_DIR": str(root / "uv")}
    return f"{run(peer.command, written(peer, requirements, root), environ):.1f}"


def cold_instructions(peer: Peer, folder: Path, task: Path) -> str:
    """Count what loading the app and answering the first event cost."""
    contender = Contender(
        name=peer.name,
        folder=task,
        handler=str(peer.handler),
        environment=peer.environment,
        event=peer.event(folder),
    )
    try:
        base, cold = (instructions(contender, count) for count in (0, 1))
    except subprocess.CalledProcessError as exc:
        last = exc.stderr.strip().splitlines()
        return f"does not answer: {last[-1][:60] if last else exc.returncode}"
    return f"{(cold - base) / 1e6:.0f}"


def beside_peers() -> Table:
    """Measure all peers with what was downloaded before."""
    table = Table(title=f"Packaging for python{PYTHON} on x86_64")
    for column in (
        "", "cold, s", "unchanged, s", "code changed, s", "requirements changed, s",
        "zipped, MB", "unpacked, MB", "cold start, M instructions",
    ):  # fmt: skip
        table.add_column(column, justify="left" if not column else "right")
    for title, requirements in REQUIREMENTS.items():
        table.add_section()
        table.add_row(f"[bold]{title}")
        for peer in PEERS:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
                try:
                    table.add_row(peer.name, *measured(peer, requirements, Path(temporary)))
                except Failed as exc:
                    table.add_row(peer.name, f"failed: {exc}")
    return table


def with_nothing_downloaded() -> Table:
    """Measure those that uv downloads for, in turns: the index is not always as fast."""
    title = "requests, pydantic, numpy"
    seconds: dict[str, list[str]] = {name: [] for name in WITH_UV}
    for _ in range(ROUNDS):
        for peer in PEERS:
            if peer.name in seconds:
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
                    seconds[peer.name].append(downloading(peer, REQUIREMENTS[title], Path(temporary)))
    table = Table(title=f"Nothing downloaded yet: {title}")
    for column in ("", *(f"run {number}, s" for number in range(1, ROUNDS + 1))):
        table.add_column(column, justify="left" if not column else "right")
    for name, row in seconds.items():
        table.add_row(name, *row)
    return table


def main() -> None:
    for program in ("valgrind", UV):
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is needed, and is not installed.")
    console = Console(width=max(Console().width, 150))
    console.print(with_nothing_downloaded())
    console.print(beside_peers())


if __name__ == "__main__":
    main()
