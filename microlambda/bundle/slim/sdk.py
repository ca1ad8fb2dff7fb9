"""AWS's SDK, which Lambda's Python has already: whether it ships, and which of its services.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from microlambda.bundle.errors import SdkUnusable
from microlambda.project.errors import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from packaging.requirements import Requirement
    from packaging.specifiers import SpecifierSet

    from microlambda.bundle.inputs.requirements import Requirements
    from microlambda.bundle.slim.installation import Installation
    from microlambda.bundle.slim.options import SlimOptions

#: What Lambda's Python runtimes bring and what belongs together.
SDK = ("boto3", "botocore", "s3transfer")

MODELS = "service models"

#: How botocore gets credentials, whatever the app uses.
_CREDENTIALS = frozenset({"sts", "sso", "sso-oidc", "signin"})

#: Where the models are, one folder for each service. Files beside them belong to all.
_MODELS = ("botocore/data/", "boto3/data/")

#: The major versions that Lambda's runtimes have, and will have: AWS has not changed one for a decade.
_MAJORS = {"boto3": 1, "botocore": 1, "s3transfer": 0}


def asked_for(requirements: Requirements) -> tuple[Requirement, ...]:
    """List what the project itself requires: of a lock file, not what that adds."""
    return requirements.direct if requirements.roots is None else requirements.roots


def is_pinned(requirements: Requirements) -> bool:
    """Tell whether the project needs a certain version of the SDK."""
    return any(_is_fixed(one) for one in (*asked_for(requirements), *requirements.constrained))


def _is_fixed(requirement: Requirement) -> bool:
    name = canonicalize_name(requirement.name)
    if name not in SDK:
        return False
    clauses = {clause.operator for clause in requirement.specifier}
    return (
        requirement.url is not None
        or not clauses.isdisjoint({"==", "==="})
        or is_narrow(requirement.specifier, _MAJORS[name])
    )


def is_narrow(specifier: SpecifierSet, major: int) -> bool:
    """Tell whether some later version with this major number would not do."""
    return not specifier.contains(f"{major}.99999", prereleases=True)


def is_left_to_runtime(requirements: Requirements, options: SlimOptions) -> bool:
    """Tell whether all that the project requires is what Lambda has: then there is nothing to resolve."""
    asked = asked_for(requirements)
    return (
        options.sdk == "runtime"
        and bool(asked)
        and not requirements.sources
        and all(canonicalize_name(one.name) in SDK and not one.extras for one in asked)
        and not is_pinned(requirements)
    )


def sdk_requirements(sdk: str | tuple[str, ...], requirements: Requirements) -> tuple[str, ...]:
    """Give the lines to add to the requirements so that the SDK is among what is resolved.

    A lock file, or one with hashes, cannot be added to: where it lacks the SDK, `SdkUnusable` is raised.
    """
    present = {canonicalize_name(one.name) for one in requirements.direct}
    if sdk == "runtime" or "boto3" in present:
        return ()
    if not (requirements.is_locked or requirements.is_hashed):
        return ("boto3",)
    if "botocore" in present:
        return ()
    raise SdkUnusable(
        f"sdk = {_shown(sdk)} ships boto3 with the bundle, and {requirements.label} does not have it. "
        "Add boto3 there and lock again, or leave the SDK to Lambda: sdk = 'runtime'."
    )


def _shown(sdk: str | tuple[str, ...]) -> str:
    return repr(sdk if isinstance(sdk, str) else list(sdk))


def unused_models(services: Iterable[str], installation: Installation) -> list[str]:
    """Name the files of models that none of these services needs; nothing where the SDK is not installed."""
    models = {name: service for name in installation.sizes if (service := _service(name))}
    known = set(models.values())
    wanted = set(services)
    if known and (unknown := sorted(wanted - known)):
        version = (
            installation.distributions["botocore"].version if "botocore" in installation.distributions else ""
        )
        raise SdkUnusable(
            f"sdk names {unknown[0]!r}, and botocore {version} has no service of this name."
            f"{nearest(unknown[0], known)} Services are named as in boto3.client(...)."
        )
    return [name for name, service in models.items() if service not in wanted | _CREDENTIALS]


def _service(name: str) -> str | None:
    for folder in _MODELS:
        if name.startswith(folder):
            service, _, rest = name.removeprefix(folder).partition("/")
            return service if rest else None
    return None
