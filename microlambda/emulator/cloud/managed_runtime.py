"""What Lambda's managed Python runtime has beside the standard library: its client and boto3.

The folder is made of the installed distributions' own files, so that nothing else of our environment can be
imported from it: an app that imports click without requiring it fails, as on AWS.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from microlambda.emulator import runtime_client
from microlambda.emulator.cloud import launch
from microlambda.project.distributions import is_installed, link, link_distributions

_CLIENT = "awslambdaric"


@dataclass(frozen=True, kw_only=True)
class ManagedRuntime:
    """The folder, and whose runtime client is in it: AWS's own, or ours where AWS's has no wheel."""

    folder: Path
    is_aws_client: bool

    def command(self, task_root: Path, handler: str, layers: tuple[Path, ...]) -> tuple[str, ...]:
        """The command that runs a function's archive and finds no package of ours.

        -S and -E: no site-packages, no PYTHON* variables; -P: not the script's folder; -B and -u stand for
        the variables that -E shuts out.
        """
        flags = ("-S", "-E", "-s", "-P", "-B", "-u")
        folders = (str(task_root), str(self.folder), *(str(layer) for layer in layers))
        return (sys.executable, *flags, str(launch.__file__), handler, *folders)


def make_managed_runtime(folder: Path) -> ManagedRuntime:
    """Fill `folder` with links to the distributions (copies where links are not to be had)."""
    folder.mkdir(parents=True)
    is_aws_client = is_installed(_CLIENT)
    link_distributions(folder, "boto3", *([_CLIENT] if is_aws_client else []))
    if not is_aws_client:
        link(Path(runtime_client.__file__), folder / launch.OUR_CLIENT)
    return ManagedRuntime(folder=folder, is_aws_client=is_aws_client)
