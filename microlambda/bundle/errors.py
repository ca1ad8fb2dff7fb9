"""Why no bundle was made.

ToolError
└── BundleError
    ├── RequirementsUnreadable   requirements.txt, pyproject.toml or the settings ask for what is not read
    ├── SourcesUnusable          the project's own files cannot ship as they are
    ├── BundleTooLarge           more than Lambda unpacks
    └── ResolutionFailed         the resolver's last words, where they are not understood
        ├── ResolverMissing      neither uv nor pip is there
        ├── NoFittingWheel       a dependency that cannot be had for the target
        ├── PackageNotFound      no such package, or no such version
        ├── DependencyConflict   two requirements that exclude each other
        ├── IndexUnreachable     the network, not the requirements
        └── WheelUnreachable     the network, or the URL that a requirement names
"""

from __future__ import annotations

from microlambda.project.errors import ToolError


class BundleError(ToolError):
    """No bundle could be made."""


class RequirementsUnreadable(BundleError):
    """The requirements are not written in a way that this version reads."""


class SourcesUnusable(BundleError):
    """The project's own files cannot be shipped as they are."""


class BundleTooLarge(BundleError):
    """The bundle is over one of Lambda's limits."""


class ResolutionFailed(BundleError):
    """The dependencies could not be resolved for the target."""


class ResolverMissing(ResolutionFailed):
    """Neither uv nor pip is installed, or not the one that was asked for."""


class NoFittingWheel(ResolutionFailed):
    """A dependency has nothing that runs on the target."""


class PackageNotFound(ResolutionFailed):
    """The index has no such package, or no such version of it."""


class DependencyConflict(ResolutionFailed):
    """Two requirements exclude each other."""


class IndexUnreachable(ResolutionFailed):
    """The package index did not answer."""


class WheelUnreachable(ResolutionFailed):
    """The URL that a requirement names did not answer, or not with a wheel."""
