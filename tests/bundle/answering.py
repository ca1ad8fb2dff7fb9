"""Running what was unpacked as Lambda runs it: AWS's own runtime client, and nothing else on the path."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from microlambda.emulator.cloud import launch
from microlambda.emulator.environment import archive_environment
from microlambda.emulator.sandbox import FunctionSpec, InitFailed, Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENTRY = "microlambda.runtime.entry.handler"
EVENTS = Path(__file__).parent.parent / "runtime" / "events"

_STANDARD_LIBRARY = Path(json.__file__).parents[1]
_WATCHED = Path(__file__).with_name("watched_launch.py")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back, the files that Python compiled for it, and all that it loaded modules from."""

    payload: dict[str, Any]
    compiled: tuple[str, ...]
    loaded: tuple[str, ...]
    output: str

    @property
    def body(self) -> Any:
        assert self.payload.get("statusCode") == 200, f"{self.payload}\n{self.output}"
        return json.loads(self.payload["body"])

    def compiled_under(self, folder: Path) -> list[str]:
        """The files under a folder that lacked their bytecode."""
        return [place for place in self.compiled if Path(place).is_relative_to(folder)]

    def loaded_beside(self, *folders: Path) -> list[str]:
        """The modules that came from none of these folders, and not from the standard library."""
        known = (*folders, _STANDARD_LIBRARY, _WATCHED, Path(launch.__file__))
        return [place for place in self.loaded if not any(Path(place).is_relative_to(one) for one in known)]


def get(path: str = "/") -> dict[str, Any]:
    """The event of an HTTP API for a GET."""
    recorded: dict[str, Any] = json.loads((EVENTS / "http-api.json").read_text())
    context = recorded["requestContext"]
    http = context["http"] | {"method": "GET", "path": path}
    return recorded | {"rawPath": path, "rawQueryString": "", "requestContext": context | {"http": http}}


def invoke(
    task_root: Path,
    layers: Sequence[Path],
    runtime: Path,
    event: Mapping[str, Any],
    log: Path,
    *,
    python: str = sys.executable,
    handler: str = ENTRY,
    environment: Mapping[str, str] | None = None,
) -> Answer:
    """Start the function, hand in one event, and tell what happened; `runtime` has AWS's client in it.

    Without -B: bytecode that lacks would be written beside its source, and change the folder.
    """
    flags = ("-S", "-E", "-s", "-P", "-u")
    script = (str(_WATCHED), str(log), str(launch.__file__))
    folders = (str(task_root), str(runtime), *(str(layer) for layer in layers))
    variables = {"MICROLAMBDA_APP": "app:app", "MICROLAMBDA_HANDLER": "http"}
    spec = FunctionSpec(
        name="shop",
        version="1",
        arn="arn:aws:lambda:eu-west-1:123456789012:function:shop:1",
        command=(python, *flags, *script, handler, *folders),
        cwd=task_root,
        environment=archive_environment(
            variables if environment is None else environment, region="eu-west-1", endpoint=None
        ),
        timeout=60.0,
        memory=512,
    )
    payload, output = _run(spec, json.dumps(event).encode())
    noted = [line.partition(" ") for line in log.read_text().splitlines()]
    return Answer(
        payload=json.loads(payload),
        compiled=tuple(place for what, _, place in noted if what == "compile"),
        loaded=tuple(dict.fromkeys(place for what, _, place in noted if what != "compile")),
        output=output,
    )


def _run(spec: FunctionSpec, payload: bytes) -> tuple[bytes, str]:
    lines: list[bytes] = []
    sandbox = Sandbox(spec, output=lambda line, _: lines.append(line))
    try:
        sandbox.start()
        invocation = sandbox.invoke(payload)
    except InitFailed as failed:
        invocation = failed.invocation
    finally:
        sandbox.stop()
    return invocation.payload, b"".join(lines).decode()


def content(folder: Path) -> dict[str, tuple[int, str]]:
    """What lies under a folder: permissions and hashes, by names."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in folder.rglob("*")
    }
