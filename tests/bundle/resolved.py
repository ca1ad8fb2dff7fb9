"""Resolving without a project around it, over folders, repositories and indexes of this machine."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from packaging.requirements import Requirement

from microlambda.bundle.inputs.required import Requirements
from microlambda.bundle.resolving.installed import installed
from microlambda.bundle.resolving.programs import find_resolver
from microlambda.bundle.resolving.resolver import Request, resolved
from microlambda.bundle.target import Target
from tests.bundle.conftest import served, source_files

if TYPE_CHECKING:
    from collections.abc import Iterator

ARM = Target.for_lambda("3.13", "arm64")


@dataclass
class Workplace:
    """A folder in which things are resolved."""

    root: Path
    notes: tuple[str, ...] = ()
    site: Path = field(init=False)
    count: int = 0

    def resolve(self, *lines: str, by: str, target: Target = ARM, **fields: Any) -> dict[str, str]:
        """Resolve lines; gives the versions of what was installed, by names."""
        self.count += 1
        self.site = self.root / f"site-{self.count}"
        self.site.mkdir()
        direct = [line.partition(" --hash")[0] for line in lines if not line.startswith("-")]
        requirements = Requirements(
            **{
                "label": "requirements.txt",
                "lines": lines,
                "direct": tuple(map(Requirement, direct)),
                **fields,
            }
        )
        request = Request(requirements=requirements, target=target, root=self.root)
        with resolved(request, find_resolver(by), self.site) as notes:
            self.notes = notes.result()
        return {name: one.version for name, one in installed(self.site).items()}

    def folder(self, name: str, place: str = "", **options: Any) -> Path:
        """Write a project that builds without tools."""
        folder = self.root / (place or name)
        folder.mkdir(parents=True)
        for file, text in source_files(name, **options).items():
            (folder / file).write_text(text)
        return folder

    def repository(self, folder: Path, *, tags: tuple[str, ...] = ("v1",)) -> Path:
        """Commit a folder on the branch main, and give a bare repository of it."""
        bare = folder.with_name(f"{folder.name}.git")
        git("init", "--quiet", "--initial-branch=main", cwd=folder)
        git("add", ".", cwd=folder)
        git("commit", "--quiet", "--message=one", cwd=folder)
        for tag in tags:
            git("tag", tag, cwd=folder)
        git("clone", "--quiet", "--bare", str(folder), str(bare), cwd=folder)
        return bare


def git(*arguments: str, cwd: Path) -> str:
    """Run git as somebody."""
    names = ["-c", "user.name=Ann", "-c", "user.email=ann@example.invalid", "-c", "commit.gpgsign=false"]
    said = subprocess.run(["git", *names, *arguments], cwd=cwd, check=True, capture_output=True, text=True)
    return said.stdout.strip()


def digest(path: Path) -> str:
    """Hash a file as requirements do."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


@dataclass
class SimpleIndex:
    """A package index over HTTP (PEP 503) of the files in a folder; with a password, if it has one."""

    folder: Path
    password: str | None = None
    hashes: dict[str, str] = field(default_factory=dict)  # of files, where they are not to be the true ones

    def answer(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        expected = "Basic " + base64.b64encode(f"ann:{self.password}".encode()).decode()
        if self.password is not None and authorization != expected:
            return 401, b""
        name = unquote(path).strip("/").rpartition("/")[2]
        if name.endswith((".whl", ".tar.gz")):
            return 200, (self.folder / name).read_bytes()
        files = [
            one.name for one in self.folder.iterdir() if one.name.partition("-")[0].replace("_", "-") == name
        ]
        if not files:
            return 404, b""
        links = [f"<a href='../{file}#{self._hash(file)}'>{file}</a>" for file in files]
        return 200, f"<!DOCTYPE html><html><body>{' '.join(links)}</body></html>".encode()

    def _hash(self, file: str) -> str:
        return self.hashes.get(file) or digest(self.folder / file).replace(":", "=")


@contextmanager
def served_index(index: SimpleIndex) -> Iterator[str]:
    """Serve an index on this machine; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            status, body = index.answer(self.path, self.headers.get("Authorization"))
            self.send_response(status)
            if status == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="packages"')
            self.send_header(
                "Content-Type", "application/octet-stream" if ".whl" in self.path else "text/html"
            )
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with served(Handler) as url:
        yield f"{url}/simple/"
