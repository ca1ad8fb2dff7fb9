"""The Dockerfile: AWS's base image, the dependencies, the code.

https://docs.aws.amazon.com/lambda/latest/dg/python-image.html. The base image's path is that of the managed
runtime: the task root, /opt/python, then the SDK that comes with Python. So each file lies where it would lie
in an archive or a layer, which is the path that its bytecode holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from microlambda.bundle.image.installation import Installation
    from microlambda.bundle.target import Target

#: Where Lambda unpacks layers, and the folder of them that is on Python's path.
LAYERS = "/opt"
LAYERS_PATH = "/opt/python"

#: Folders of the build context.
CODE, DEPENDENCIES, INSTALLING = "code", "dependencies", "installing"

HANDLER = "microlambda.runtime.entry.handler"

#: By this line a folder is known as one of ours.
MARKER = "# Written by `microlambda package --image`, which replaces this folder when it is run again."

# The platform is a constant with intent: what was resolved for one runs on no other. A directive is read in
# the first lines alone. https://docs.docker.com/reference/build-checks/from-platform-flag-const-disallowed/
_DIRECTIVE = "# check=skip=FromPlatformFlagConstDisallowed"

_PLATFORMS = {"x86_64": "linux/amd64", "arm64": "linux/arm64"}

#: What a build from source asks for nearly always; the next version of Amazon Linux has another tool.
_PACKAGES = "gcc gcc-c++ make git"
_INSTALLERS = {"3.11": "yum"}
_INSTALLER_SINCE_3_12 = "dnf"

_BUILD = """\
FROM {base} AS dependencies

# {because}
# Another build may want more: --build-arg PACKAGES="{packages} rust cargo"
ARG PACKAGES="{packages}"
RUN {installer} install -y ${{PACKAGES}}

WORKDIR {folder}
COPY {installing}/ ./
RUN {command}

# Nothing is compiled at a cold start. What does not compile is a template, or code for another Python.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash {path} || true

"""

_FINAL = """\
FROM {base}
{dependencies}
COPY {code}/ ${{LAMBDA_TASK_ROOT}}/

# The App, as module:attribute. Which of its handlers a function runs, MICROLAMBDA_HANDLER in that function's
# configuration says; without it the event does.
ENV MICROLAMBDA_APP={app_path}

CMD ["{handler}"]
"""

_COPIED = f"""
# First what seldom changes: Docker keeps it, and a registry takes it once.
COPY {DEPENDENCIES}/ {LAYERS}/
"""

_INSTALLED = f"""
COPY --from=dependencies {LAYERS_PATH}/ {LAYERS_PATH}/
"""


def platform(target: Target) -> str:
    """Name the target's platform as Docker does: linux/arm64."""
    return _PLATFORMS[target.architecture]


def is_ours(folder: Path) -> bool:
    """Tell whether an earlier run wrote this folder."""
    try:
        with (folder / "Dockerfile").open(encoding="utf-8") as file:
            return MARKER in (file.readline().strip(), file.readline().strip())
    except (OSError, UnicodeDecodeError):
        return False


def dockerfile(
    target: Target,
    app_path: str,
    *,
    has_dependencies: bool,
    installation: Installation | None = None,
    because: str = "",
) -> str:
    """Write the Dockerfile; an `installation` makes a first stage of it, and `because` says there why."""
    base = f"--platform={platform(target)} public.ecr.aws/lambda/python:{target.python}"
    copied = _COPIED if has_dependencies else ""
    final = _FINAL.format(
        base=base,
        dependencies=_INSTALLED if installation is not None else copied,
        code=CODE,
        app_path=app_path,
        handler=HANDLER,
    )
    build = _build_stage(base, target, installation, because) if installation is not None else ""
    return f"{_DIRECTIVE}\n{MARKER}\n\n{build}{final}"


def _build_stage(base: str, target: Target, installation: Installation, because: str) -> str:
    return _BUILD.format(
        base=base,
        because=f"{because}." if because else "The dependencies are built for this image.",
        packages=_PACKAGES,
        installer=_INSTALLERS.get(target.python, _INSTALLER_SINCE_3_12),
        folder=installation.place,
        installing=INSTALLING,
        command=installation.command(LAYERS_PATH),
        path=LAYERS_PATH,
    )
