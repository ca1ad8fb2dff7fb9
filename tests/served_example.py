"""An example of the project in the embedded cloud, as its reader would deploy it there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"

#: What would lead a developer's tools to AWS, to another app, or to another site.
_OF_OTHERS = ("AWS_", "MICROLAMBDA_", "DJANGO_")


def environ(**more: str) -> dict[str, str]:
    """Give the environment of a developer without AWS."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHERS)} | more


def copied(name: str, folder: Path) -> Path:
    """Copy an example into a folder, without what running it has left."""
    example = EXAMPLES / name
    left = shutil.ignore_patterns("__pycache__", "build", "staticfiles")
    return Path(shutil.copytree(example, folder / name, ignore=left))


def own_tests(example: Path) -> subprocess.CompletedProcess[str]:
    """Run the tests that an example has itself."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=example,
        env=environ(),
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def deployed(example: Path, **more: str) -> Iterator[tuple[str, str]]:
    """Deploy the stage `dev` into the embedded cloud; gives the URLs of the site and of the AWS."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "microlambda", "deploy", "--local", "--port", "0", "--stage", "dev"],
        cwd=example,
        env=environ(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "is served until Ctrl-C" in line:
                break
        output = "".join(lines)
        site = re.search(r"The app: +(http://\S+)/\s", output)
        aws = re.search(r"The AWS: +(http://127\.0\.0\.1:\d+)", output)
        assert site is not None, output
        assert aws is not None, output
        yield site[1], aws[1]
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        process.wait()
        process.stdout.close()
