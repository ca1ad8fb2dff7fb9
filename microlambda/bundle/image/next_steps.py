"""What to run once the build context is there: the commands that make a function of it."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from microlambda.bundle.image.dockerfile import platform
from microlambda.bundle.image.installation import PIP_CONFIGURATION

if TYPE_CHECKING:
    from pathlib import Path

    from microlambda.bundle.image.installation import Installation
    from microlambda.bundle.target import Target

_STEPS = """\
Run next, with your own REGION, ACCOUNT and ROLE_ARN:

  {build}
  aws ecr create-repository --region REGION --repository-name {name}
  aws ecr get-login-password --region REGION | docker login --username AWS --password-stdin {registry}
  docker tag {name} {registry}/{name}
  docker push {registry}/{name}
  aws lambda create-function --region REGION --function-name {name} --package-type Image \\
    --code ImageUri={registry}/{name}:latest --role ROLE_ARN --architectures {architecture} \\
    --timeout {timeout} --memory-size {memory}

A next version is built, tagged and pushed alike, and then

  aws lambda update-function-code --region REGION --function-name {name} --image-uri {registry}/{name}:latest

One image serves every function of the app. A function that is created with
--environment 'Variables={{MICROLAMBDA_HANDLER=nightly}}' runs that handler alone. The environment
of the settings is not in the image: set it there, too.
"""

_REGISTRY = "ACCOUNT.dkr.ecr.REGION.amazonaws.com"


def image_name(name: str) -> str:
    """Write a name as Docker and ECR take it: lower case letters, digits and single separators."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "bundle"


def next_steps(
    folder: Path,
    name: str,
    target: Target,
    *,
    installation: Installation | None = None,
    timeout: int = 30,
    memory: int = 256,
) -> str:
    """Write the commands, in the order in which they are run."""
    name = image_name(name)
    text = _STEPS.format(
        build=_build(folder, name, target, installation),
        name=name,
        registry=_REGISTRY,
        architecture=target.architecture,
        timeout=timeout,
        memory=memory,
    )
    return text if installation is None else f"{text}\n{_installing(installation)}"


def _build(folder: Path, name: str, target: Target, installation: Installation | None) -> str:
    # Without --provenance=false the result is an index of manifests, which Lambda does not take.
    # https://docs.aws.amazon.com/lambda/latest/dg/python-image.html
    secrets = installation.secrets if installation is not None else ()
    options = [f"--platform {platform(target)}", "--provenance=false", "--load"]
    options += [f"--secret id={one},env={one}" for one in secrets]
    return f"docker buildx build {' '.join(options)} --tag {name} {shlex.quote(str(folder))}"


def _installing(installation: Installation) -> str:
    text = (
        "The dependencies are installed by that build, with its own pip. If yours is configured (an index,\n"
        f"a proxy), add --secret id={PIP_CONFIGURATION},src=$HOME/.config/pip/pip.conf to its command.\n"
    )
    if installation.secrets:
        text += (
            f"It takes {', '.join(installation.secrets)} from your environment; none is kept in the image.\n"
        )
    return text
